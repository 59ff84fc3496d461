package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/cmd/internal/outbox"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
)

var web = ledger.Template{Actor: domain.Actor{Kind: domain.ActorSubject, ID: "web"}, Service: "account", Purpose: "service", Grounds: "ua.11.1.3"}

var mailer = ledger.Template{Actor: domain.Actor{Kind: domain.ActorSystem, ID: "mailer"}, Service: "site", Purpose: "contact", Grounds: "ua.11.1.5"}

// crowd opens a ledger with a published version and some people to be told of it: every tenth has no address,
// every thirteenth lets his address not be used.
func crowd(t *testing.T, people int) *app.App {
	t.Helper()
	cfg := config.Default()
	cfg.Dir = t.TempDir()
	a, err := app.Open(t.Context(), app.Options{Config: cfg, Logger: testProgram().logger(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	at := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	src := strings.NewReplacer(`version: "2014-01"`, `version: "2099"`, `effective-from: "2014-01-01"`, `effective-from: "2099-01-01"`).Replace(string(policy.ImagineYAML()))
	commands := []ledger.Command{policy.Publish{Operation: mailer.Op("p", at), Source: src}}
	for n := range people {
		id := domain.SubjectID{UUID: uuid.MustParse(fmt.Sprintf("a0000000-0000-4000-8000-%012d", n))}
		commands = append(commands, subject.Register{About: web.Subject(id, "r", at)})
		if n%10 != 9 {
			commands = append(commands, subject.Collect{About: web.Subject(id, "c", at), Source: subject.BySubject,
				Values: []subject.Given{subject.Give("email", fmt.Sprintf("person%d@example.com", n))}})
			if n%13 == 12 {
				commands = append(commands, subject.Restrict{About: web.Subject(id, "x", at), Fields: []domain.Field{"email"}})
			}
		}
	}
	if err := ledger.Errors(a.Ledger.HandleAll(t.Context(), commands)); err != nil {
		t.Fatal(err)
	}
	if a.Policies, err = a.Ledger.Policies(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// box is an outbox that breaks after some letters.
type box struct {
	letters map[string]int
	left    int // letters until it breaks
	says    error
}

var errBroken = errors.New("the connection is lost")

func (b *box) Deliver(_ context.Context, l outbox.Letter) (outbox.Outcome, error) {
	if b.says != nil {
		return "", b.says
	}
	if b.left == 0 {
		return "", errBroken
	}
	b.left--
	b.letters[l.To]++
	return outbox.Sent, nil
}

func (b *box) Close() error { return nil }

func run(t *testing.T, a *app.App, b outbox.Outbox) (tally, error) {
	t.Helper()
	v, ok := a.Policies.ByVersion("2099")
	if !ok {
		t.Fatal("the version is not known")
	}
	x := &telling{app: a, box: b, edition: v, notice: v.Notice(), channel: subject.ByEmail, spec: mailer.Op("n", time.Now()).Spec(), field: addressField(a.Policy)}
	err := x.everyone(t.Context())
	return x.counts, err
}

// However often it breaks, everyone who can be told gets one letter; the rest are counted and stay pending.
func TestClause_6_1_EveryoneIsToldOnce(t *testing.T) {
	t.Parallel()
	const people = 120 // 12 without an address; of the others 9 are restricted (12, 25, 38, 51, 64, 77, 90, 103, 116)
	a := crowd(t, people)
	b := &box{letters: map[string]int{}}
	var counts tally
	runs := 0
	for err := errBroken; err != nil; runs++ {
		if !errors.Is(err, errBroken) || runs > 9 {
			t.Fatal(runs, err)
		}
		b.left = 30
		counts, err = run(t, a, b)
	}
	if runs != 4 || len(b.letters) != people-12-9 {
		t.Errorf("%d runs, %d letters", runs, len(b.letters))
	}
	for to, n := range b.letters {
		if n != 1 {
			t.Errorf("%s got %d letters", to, n)
		}
	}
	if diff := cmp.Diff(tally{Told: 9, NoAddress: 12, Forbidden: 9}, counts); diff != "" {
		t.Errorf("the last run (-want +got):\n%s", diff)
	}
	for _, says := range []error{outbox.ErrLater, outbox.ErrRefused} {
		if counts, err := run(t, a, &box{says: says}); err != nil || counts.Told+counts.Later+counts.Refused != 0 {
			t.Errorf("%v: nobody is left, %+v", err, counts)
		}
	}
}

// Who could not be told now is told in the next run, not twice in this one.
func TestLettersThatAreNotTakenStayPending(t *testing.T) {
	t.Parallel()
	a := crowd(t, 4)
	for says, want := range map[error]tally{outbox.ErrLater: {Later: 4}, outbox.ErrRefused: {Refused: 4}} {
		if counts, err := run(t, a, &box{says: says}); err != nil || counts != want {
			t.Errorf("%+v, %v, want %+v", counts, err, want)
		}
	}
	if counts, err := run(t, a, &box{letters: map[string]int{}, left: 9}); err != nil || counts.Told != 4 {
		t.Errorf("%+v, %v", counts, err)
	}
}

// mailServer takes letters from anybody.
type mailServer struct {
	mu sync.Mutex
	to []string
}

func (s *mailServer) NewSession(*smtp.Conn) (smtp.Session, error) { return s, nil }
func (s *mailServer) Reset()                                      {}
func (s *mailServer) Logout() error                               { return nil }
func (s *mailServer) Mail(string, *smtp.MailOptions) error        { return nil }
func (s *mailServer) Data(r io.Reader) error                      { _, err := io.Copy(io.Discard, r); return err }
func (s *mailServer) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = append(s.to, to)
	return nil
}

// The program sends to a mail server and prints no address.
func TestNoticeByMailServer(t *testing.T) {
	t.Parallel()
	a := crowd(t, 3)
	s := &mailServer{}
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
	defer func() { _ = srv.Close(); <-done }()
	var out, talk strings.Builder
	p := testProgram()
	p.Out, p.Err = &out, &talk
	f := noticeFlags{channel: "email", smtp: "smtp://" + l.Addr().String()}
	if err := p.notify(t.Context(), a, f, mailer.Op("n", time.Now()).Spec()); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.to) != 3 || strings.Contains(out.String()+talk.String(), "@") || !strings.Contains(out.String(), "told           3") {
		t.Errorf("%d letters; printed %s%s", len(s.to), out.String(), talk.String())
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"3d": 72 * time.Hour, "0d": 0, "12h": 12 * time.Hour, "1h30m": 90 * time.Minute} {
		if got, err := parseSpan("--due-in", text); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "3", "-1d", "-3h", "3x", "3dd", "1.5d", "99999d"} {
		if got, err := parseSpan("--due-in", text); err == nil {
			t.Errorf("%q is taken as %s", text, got)
		}
	}
}
