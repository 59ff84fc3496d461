package pgtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Database makes an empty database and gives its connection string. It is dropped at the end of the test,
// with every connection that it still has.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return s.copyOf(t, "template0")
}

// templates remembers which databases were prepared to be copied.
type templates struct {
	mu    sync.Mutex
	named map[string]*template // guarded by mu
}

type template struct {
	once     sync.Once
	database string
	err      error
}

// DatabaseFrom makes a database as prepare left it: prepare is run once for each name on a database of its
// own, whose copies are then given out, which is faster than to prepare each. It must close its connections.
// An existing server keeps no such database behind: there each is prepared.
func (s *Server) DatabaseFrom(t testing.TB, name string, prepare func(url string) error) string {
	t.Helper()
	if s.base != nil {
		database := s.Database(t)
		if err := prepare(database); err != nil {
			t.Fatalf("prepare database %s: %v", name, err)
		}
		return database
	}
	p := s.templates.get(name)
	p.once.Do(func() { p.err = s.prepare(p, prepare) })
	if p.err != nil {
		t.Fatalf("prepare database %s: %v", name, p.err)
	}
	return s.copyOf(t, p.database)
}

func (p *templates) get(name string) *template {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.named == nil {
		p.named = map[string]*template{}
	}
	if p.named[name] == nil {
		p.named[name] = &template{database: databaseName()}
	}
	return p.named[name]
}

func (s *Server) prepare(p *template, prepare func(url string) error) error {
	if err := s.admin("CREATE DATABASE " + p.database + " TEMPLATE template0"); err != nil {
		return err
	}
	return prepare(s.URL(p.database))
}

func databaseName() string { return "litopys_" + strings.ReplaceAll(uuid.NewString(), "-", "") }

func (s *Server) copyOf(t testing.TB, source string) string {
	t.Helper()
	name := databaseName()
	if err := s.admin(fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, source)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.admin("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Logf("drop database: %v", err) // a test may leave its private server stopped
		}
	})
	return s.URL(name)
}

// Exec runs statements in a database, by a connection of its own as the server's first user.
func Exec(t testing.TB, url string, statements ...string) {
	t.Helper()
	if err := execute(url, statements...); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) admin(statement string) error { return execute(s.URL("postgres"), statement) }

func execute(url string, statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), controlTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, statement := range statements {
		// The simple protocol takes several statements at once.
		if _, err := conn.PgConn().Exec(ctx, statement).ReadAll(); err != nil {
			return fmt.Errorf("%.60s: %w", statement, err)
		}
	}
	return nil
}

// Query gives the one value that the query answers with.
func Query[T any](t testing.TB, url, query string, args ...any) (value T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), controlTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := conn.QueryRow(ctx, query, args...).Scan(&value); err != nil {
		t.Fatalf("%.60s: %v", query, err)
	}
	return value
}
