package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"imagine.ua/litopys/cmd/internal/outbox"
	"imagine.ua/litopys/domain"
)

var anna = domain.SubjectID{UUID: uuid.MustParse("a0000000-0000-4000-8000-000000000001")}

func letter(to string) outbox.Letter {
	return outbox.Letter{ID: outbox.MessageID("2026-12", "email", anna), From: "support@imagine.ua", To: to, Subject: anna,
		Title: "Зміни / changes", Body: "Перший рядок.\n.\nThe third line begins with nothing.\n", Date: time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)}
}

// read parses a letter as its receiver does.
func read(t *testing.T, raw []byte) (*mail.Message, string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	title, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return m, title
}

// A letter appears whole under its id; the same letter is known again and left as it is.
func TestFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	for _, want := range []outbox.Outcome{outbox.Sent, outbox.Already} {
		box, err := outbox.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := box.Deliver(t.Context(), letter("anna@example.com")); err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, files[0].Name()))
	if err != nil {
		t.Fatal(err)
	}
	m, title := read(t, raw)
	if title != "Зміни / changes" || m.Header.Get("To") != "<anna@example.com>" || !strings.Contains(m.Header.Get("Message-ID"), anna.String()+"@imagine.ua") {
		t.Errorf("header %v", m.Header)
	}
}

// A letter for the account has no address but says whose it is.
func TestFolderForTheAccount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	box, err := outbox.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := box.Deliver(t.Context(), letter("")); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, letter("").ID+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := read(t, raw); m.Header.Get("To") != "" || m.Header.Get("X-Litopys-Subject") != anna.String() {
		t.Errorf("header %v", m.Header)
	}
}

// Addresses that are none, and ids that lead elsewhere, harm nothing, and no error repeats them.
func TestMalformedLetters(t *testing.T) {
	t.Parallel()
	box, err := outbox.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"not-an-address", "a@b\r\nBcc: all@example.com", "a@b@c"} {
		if _, err := box.Deliver(t.Context(), letter(to)); !errors.Is(err, outbox.ErrRefused) || strings.Contains(err.Error(), to) {
			t.Errorf("%q: %v", to, err)
		}
	}
	away := letter("anna@example.com")
	for _, id := range []string{"", "../x", "a/b", ".hidden"} {
		away.ID = id
		if _, err := box.Deliver(t.Context(), away); err == nil {
			t.Errorf("id %q is taken", id)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := box.Deliver(cancelled, letter("anna@example.com")); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// server is a mail server that answers as it is told.
type server struct {
	mu   sync.Mutex
	got  [][]byte
	to   []string
	says map[string]*smtp.SMTPError // by address
	user string
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{s: s}, nil }

type session struct {
	s  *server
	to string
}

func (x *session) Reset()                               {}
func (x *session) Logout() error                        { return nil }
func (x *session) AuthMechanisms() []string             { return []string{sasl.Plain} }
func (x *session) Mail(string, *smtp.MailOptions) error { return nil }
func (x *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != x.s.user || password != "secret" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if no := x.s.says[to]; no != nil {
		return no
	}
	x.to = to
	return nil
}

func (x *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.s.got, x.s.to = append(x.s.got, b), append(x.s.to, x.to)
	return err
}

// serve runs the server on a free port of this machine and gives its address.
func (s *server) serve(t *testing.T) string {
	t.Helper()
	srv := smtp.NewServer(s)
	srv.Domain, srv.AllowInsecureAuth = "localhost", true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return l.Addr().String()
}

// The server gets each letter; what it refuses is told apart, and the others go on over the same connection.
func TestServer(t *testing.T) {
	t.Parallel()
	s := &server{user: "litopys", says: map[string]*smtp.SMTPError{
		"gone@example.com": {Code: 550, Message: "no gone@example.com here"},
		"full@example.com": {Code: 452, Message: "full@example.com is full"},
	}}
	box, err := outbox.OpenServer(t.Context(), "smtp://litopys@"+s.serve(t), "secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		to   string
		want error
	}{{"anna@example.com", nil}, {"gone@example.com", outbox.ErrRefused}, {"full@example.com", outbox.ErrLater}, {"not-an-address", outbox.ErrRefused}, {"boris@example.com", nil}} {
		_, err := box.Deliver(t.Context(), letter(x.to))
		if !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", x.to, err, x.want)
		}
		if err != nil && strings.Contains(err.Error(), x.to) {
			t.Errorf("the error holds the address: %v", err)
		}
	}
	if err := errors.Join(box.Close(), box.Close()); err != nil {
		t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.got) != 2 || s.to[0] != "anna@example.com" || s.to[1] != "boris@example.com" {
		t.Fatalf("%d letters, to %v", len(s.got), s.to)
	}
	m, title := read(t, s.got[0])
	if title != letter("").Title || !strings.HasPrefix(m.Header.Get("Message-ID"), "<policy.2026-12.email."+anna.String()) {
		t.Errorf("header %v", m.Header)
	}
}

// A connection that is gone ends it: nobody is taken for told.
func TestServerThatGoesAway(t *testing.T) {
	t.Parallel()
	s := &server{}
	srv := smtp.NewServer(s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with Close
	}()
	box, err := outbox.OpenServer(t.Context(), "smtp://"+l.Addr().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	_ = srv.Close()
	<-done
	_, err = box.Deliver(t.Context(), letter("anna@example.com"))
	if err == nil || errors.Is(err, outbox.ErrRefused) || errors.Is(err, outbox.ErrLater) || strings.Contains(err.Error(), "anna@") {
		t.Errorf("got %v", err)
	}
	_ = box.Close() // there is nothing left to say goodbye to
	if _, err := outbox.OpenServer(t.Context(), "smtp://"+l.Addr().String(), ""); err == nil {
		t.Error("a server that is away is taken for one")
	}
}

func TestServerAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "imagine.ua", "http://imagine.ua", "smtp://", "smtp://h:x", "smtp://h?tls=maybe", "smtp://h/path", ":", "smtp://user@h?tls=none"} {
		if box, err := outbox.OpenServer(t.Context(), address, ""); err == nil {
			t.Errorf("%q is taken", address)
			_ = box.Close()
		}
	}
	s := &server{user: "litopys"}
	if _, err := outbox.OpenServer(t.Context(), "smtp://litopys@"+s.serve(t), "wrong"); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("wrong password: %v", err)
	}
}
