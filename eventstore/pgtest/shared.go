package pgtest

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
)

// Env names the environment variable with the address of an existing server.
const Env = "LITOPYS_TEST_POSTGRES"

// shared is the one server of this test process. A process-wide value, since tests of one package have
// nothing else in common.
var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Shared gives the server of this test process, which lives as long as the process. Where no PostgreSQL is
// installed the test is skipped and says so.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = startShared() })
	skipOrFail(t, shared.err)
	return shared.server
}

// Available reports whether there is a server to test with. Where there is none, Shared and New skip.
func Available() bool {
	_, err := findBinaries()
	return err == nil || os.Getenv(Env) != ""
}

func startShared() (*Server, error) {
	address := os.Getenv(Env)
	if address == "" {
		return launch(Config{})
	}
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "postgres" && base.Scheme != "postgresql" {
		return nil, errors.New(Env + " is no postgres:// address") // not quoted: it may have a password
	}
	return &Server{base: base}, nil
}

// New gives a private server, removed at the end of the test. Making one takes about a second.
func New(t testing.TB, cfg Config) *Server {
	t.Helper()
	s, err := launch(cfg)
	skipOrFail(t, err)
	s.private = true
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Errorf("remove server: %v", err)
		}
	})
	return s
}

func skipOrFail(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, errMissing):
		t.Skip(err)
	case err != nil:
		t.Fatal(fmt.Errorf("start PostgreSQL: %w", err))
	}
}
