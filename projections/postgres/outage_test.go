package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"imagine.ua/litopys/eventstore/pgtest"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/transfers"
)

// The server goes away and comes back, in order and suddenly, while the engine follows and a rebuild runs:
// both go on by themselves, and one line is logged when it is lost and one when it is back.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Config{})
	lines := &journalist{}
	b := open(t, Config{URL: server.Database(t), Logger: slog.New(lines)})
	log, crowd := people(1, 200)
	e := engine(t, log, b, func(c *projections.Config) {
		c.BatchEvents, c.Backoff, c.Logger = 16, 10*time.Millisecond, slog.New(lines)
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	outages := 0
	for _, stop := range []func(testing.TB){server.Stop, server.StopHard, server.Stop, server.StopHard} {
		rebuilt := make(chan error, 1)
		log.Append(crowd.Some(300)...)
		go func() { rebuilt <- e.Rebuild(ctx, nil, nil) }()
		log.Append(crowd.Some(300)...)
		stop(t)
		outages++
		log.Append(crowd.Some(50)...)
		server.Start(t)
		must(t, <-rebuilt)
		head, _ := log.Head(ctx)
		must(t, e.WaitFor(ctx, head))
	}
	cancel()
	want(t, <-ended, context.Canceled)
	if gone, back := lines.count("is lost"), lines.count("is back"); gone != back || gone == 0 || gone > outages {
		t.Errorf("%d outages, %d lines say lost and %d back: %q", outages, gone, back, lines.all())
	}
	sameAsRebuilt(t, log, b)
}

// A connection is cut at every single message in turn, before the server gets it and after. Nothing is lost
// or doubled, and nobody outside notices: also where the answer to a commit never came.
func TestConnectionCutAnywhere(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	direct := server.Database(t)
	address, err := url.Parse(server.TCP("x"))
	must(t, err)
	log, _ := people(2, 12)
	plain := Config{URL: direct, Schema: "plain"}
	must(t, runThrough(t, plain, log))
	wanted := answers(t, plain, log)
	steps := 0
	for _, after := range []bool{false, true} {
		for at, cut := 1, true; cut; at++ {
			s := &scissors{server: address.Host, at: at, after: after}
			cfg := Config{URL: direct, Schema: place(fmt.Sprint(after, at))}
			must(t, Migrate(t.Context(), cfg))
			cfg.URL = through(t, direct, s.listen(t))
			if err := runThrough(t, cfg, log); err != nil {
				// Opening does not wait: whoever starts a program wants to hear of it.
				want(t, err, ErrUnavailable)
				must(t, runThrough(t, cfg, log))
			}
			cfg.URL, cut = direct, s.done()
			if diff := cmp.Diff(wanted, answers(t, cfg, log)); diff != "" {
				t.Fatalf("cut at %d, after %t (-want +got):\n%.2000s", at, after, diff)
			}
			pgtest.Exec(t, direct, dropAll(cfg.Schema))
			steps++
		}
	}
	t.Logf("%d steps", steps)
	if steps < 60 {
		t.Errorf("%d steps: too few to be true", steps)
	}
}

// few is enough for every kind of statement.
func few(c *projections.Config) {
	c.Projections = []*projections.Projection{transfers.New()}
}

// runThrough does everything once: follow, rebuild, switch, roll back. It gives the error of opening.
func runThrough(t *testing.T, cfg Config, log *projtest.Log) error {
	t.Helper()
	b, err := Open(t.Context(), cfg)
	if err != nil {
		return err
	}
	e := engine(t, log, b, few)
	must(t, e.CatchUp(t.Context()))
	must(t, e.Rebuild(t.Context(), nil, nil))
	must(t, e.Rollback(t.Context(), "transfers"))
	must(t, b.Close())
	return nil
}

// answers is the rows and the books.
func answers(t *testing.T, cfg Config, log *projtest.Log) projtest.Dump {
	t.Helper()
	b, err := Open(t.Context(), cfg)
	must(t, err)
	d := projtest.Read(t, b, []*projections.Projection{transfers.New()})
	list, err := b.Builds(t.Context())
	must(t, err)
	for _, x := range list {
		d["builds"] = append(d["builds"], fmt.Sprintf("%+v", x))
	}
	must(t, b.Close())
	return d
}

// through is the address of the same database by way of the proxy, without encryption.
func through(t testing.TB, direct, proxy string) string {
	t.Helper()
	u, err := url.Parse(direct)
	must(t, err)
	return fmt.Sprintf("postgres://postgres@%s%s?sslmode=disable", proxy, u.Path)
}

// dropAll forgets a place, so that the server's catalogue stays small.
func dropAll(schema string) string {
	return fmt.Sprintf(`DO $$ DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspname LIKE '%[1]s%%' LOOP
		EXECUTE 'DROP SCHEMA "' || s || '" CASCADE'; END LOOP; END $$`, schema)
}

// A server that is not there is said to be so, and at once.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Config{URL: "postgres://postgres@127.0.0.1:1/nothing?sslmode=disable"})
	want(t, err, ErrUnavailable)
	for _, bad := range []Config{{}, {URL: "-", Schema: "Has Space"}, {URL: "-", Readers: -1}} {
		if _, err := Open(t.Context(), bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	b := open(t, Config{URL: pgtest.Shared(t).Database(t)})
	must(t, b.Close())
	must(t, b.Close())
	if _, err := b.Builds(t.Context()); err == nil {
		t.Error("a closed backend answers")
	}
}

// While the database is away the engine tries again and again, and says so once.
func TestPausesAreSaidOnce(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Config{})
	lines := &journalist{}
	b := open(t, Config{URL: server.Database(t), Patience: time.Millisecond, Logger: slog.New(lines)})
	log, crowd := people(9, 50)
	e := engine(t, log, b, func(c *projections.Config) {
		c.Backoff, c.MaxBackoff, c.Logger = time.Millisecond, 2*time.Millisecond, slog.New(lines)
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	head, _ := log.Head(ctx)
	must(t, e.WaitFor(ctx, head))
	server.Stop(t)
	log.Append(crowd.Some(50)...)
	lines.hears(t, "projections pause")
	server.Start(t)
	head, _ = log.Head(ctx)
	must(t, e.WaitFor(ctx, head))
	cancel()
	want(t, <-ended, context.Canceled)
	if pause, on := lines.count("projections pause"), lines.count("projections go on"); pause != 1 || on != 1 {
		t.Errorf("%d lines say pause and %d go on: %q", pause, on, lines.all())
	}
	sameAsRebuilt(t, log, b)
}

// The answer to a commit was lost: a transaction that still runs is waited for, one that was committed is not
// done again, and one that was not never will be.
func TestOutcomeOfALostCommit(t *testing.T) {
	t.Parallel()
	b := open(t, Config{URL: pgtest.Shared(t).Database(t)})
	ask := func(id uuid.UUID) (bool, uuid.UUID, error) { return b.settle(t.Context(), id) }
	begun := func() (*session, *pgxpool.Conn, uuid.UUID) {
		conn, err := b.writers.Acquire(t.Context())
		must(t, err)
		s := &session{names: b.names, conn: conn.Conn()}
		id, err := s.begin(t.Context(), derivable)
		must(t, err)
		return s, conn, id
	}
	s, conn, id := begun()
	if _, still, err := ask(id); still != id || !passing(err) {
		t.Errorf("a running transaction: %v, %v", still, err)
	}
	must(t, script(t.Context(), s.conn, "COMMIT"))
	conn.Release()
	for range 2 {
		if committed, still, err := ask(id); !committed || still != uuid.Nil || err != nil {
			t.Errorf("a committed transaction: %t, %v, %v", committed, still, err)
		}
	}
	s, conn, id = begun()
	s.abandon(t.Context())
	conn.Release()
	if committed, still, err := ask(id); committed || still != uuid.Nil || err != nil {
		t.Errorf("a transaction that was rolled back: %t, %v, %v", committed, still, err)
	}
	if err := b.write(t.Context(), "x", derivable, func(ctx context.Context, s *session) error {
		_, err := s.conn.Exec(ctx, "INSERT INTO "+s.state+".outcomes (id) VALUES ($1)", id)
		return err
	}); code(err) != uniqueViolation {
		t.Errorf("the transaction comes after all: %v", err)
	}
}
