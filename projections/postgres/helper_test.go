package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
)

// TestMain keeps what rebuilds put aside out of the user's cache.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "litopys-postgres-")
	if err == nil {
		err = os.Setenv("XDG_CACHE_HOME", dir)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got %v, want %v", err, target)
	}
}

func people(seed uint64, events int) (*projtest.Log, *projtest.Crowd) {
	c := projtest.NewCrowd(rand.New(rand.NewPCG(seed, seed)).IntN)
	log := projtest.NewLog(ledgerID)
	log.Append(c.Recipients()...)
	log.Append(c.Some(events)...)
	return log, c
}

func engine(t testing.TB, log projections.Source, b projections.Backend, adjust ...func(*projections.Config)) *projections.Engine {
	t.Helper()
	cfg := projections.Config{Source: log, Backend: b, Projections: projtest.All()}
	for _, f := range adjust {
		f(&cfg)
	}
	e, err := projections.New(cfg)
	must(t, err)
	return e
}

// sameAsRebuilt: what is live now is what a fold from zero gives, row for row, and no event counted twice.
func sameAsRebuilt(t testing.TB, log *projtest.Log, b *Backend) {
	t.Helper()
	live := projtest.Read(t, b, projtest.All())
	builds, err := b.Builds(context.Background())
	must(t, err)
	for _, x := range builds {
		if x.State == projections.Live && x.Events != int64(len(log.Events())) {
			t.Errorf("%s folded %d events of %d", x.Projection, x.Events, len(log.Events()))
		}
	}
	must(t, engine(t, log, b).Rebuild(context.Background(), nil, nil))
	if diff := cmp.Diff(projtest.Read(t, b, projtest.All()), live); diff != "" {
		t.Errorf("live differs from rebuilt (-rebuilt +live):\n%.3000s", diff)
	}
}

// journalist is a log handler that keeps the messages.
type journalist struct {
	mu    sync.Mutex
	lines []string
}

func (j *journalist) Enabled(context.Context, slog.Level) bool { return true }
func (j *journalist) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j *journalist) WithGroup(string) slog.Handler            { return j }
func (j *journalist) Handle(_ context.Context, r slog.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, r.Message)
	return nil
}

// all is a copy: whoever still works may still write.
func (j *journalist) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

func (j *journalist) count(part string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.lines {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// hears waits until a message came.
func (j *journalist) hears(t testing.TB, part string) {
	t.Helper()
	for j.count(part) == 0 {
		if t.Context().Err() != nil {
			t.Fatalf("never said: %s", part)
		}
		time.Sleep(time.Millisecond) // between two looks; the suite's deadline ends a wait in vain
	}
}

// scissors is a proxy before the server that cuts a connection at the at-th piece of what clients send,
// before or after the server gets it.
type scissors struct {
	server string // address
	at     int
	after  bool

	mu    sync.Mutex
	count int
	conns []net.Conn
}

func (s *scissors) listen(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			_ = c.Close()
		}
		s.mu.Unlock()
		serving.Wait()
	})
	return l.Addr().String()
}

func (s *scissors) serve(client net.Conn) {
	server, err := net.Dial("tcp", s.server)
	if err != nil {
		_ = client.Close()
		return
	}
	s.mu.Lock()
	s.conns = append(s.conns, client, server)
	s.mu.Unlock()
	closed := func() { _, _ = client.Close(), server.Close() }
	go func() {
		_, _ = io.Copy(client, server)
		closed()
	}()
	defer closed()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		cut := s.cut()
		if cut && !s.after {
			return
		}
		if _, err := server.Write(buf[:n]); err != nil || cut {
			_ = client.Close() // the answer is lost; the server works on until it notices
			return
		}
	}
}

func (s *scissors) cut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	return s.count == s.at
}

func (s *scissors) done() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count >= s.at
}
