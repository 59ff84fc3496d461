package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/eventstore/pgtest"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/profile"
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
		t.Errorf("%d outages, %d lines say lost and %d back: %q", outages, gone, back, lines.lines)
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
	steps := 0
	for _, after := range []bool{false, true} {
		for at, cut := 1, true; cut; at++ {
			s := &scissors{server: address.Host, at: at, after: after}
			cfg := Config{URL: through(t, direct, s.listen(t)), Schema: place(fmt.Sprint(after, at))}
			cut = runOnce(t, cfg, direct, log, s)
			steps++
		}
	}
	if steps < 60 {
		t.Errorf("%d steps: too few to be true", steps)
	}
}

// through is the address of the same database by way of the proxy, without encryption.
func through(t testing.TB, direct, proxy string) string {
	t.Helper()
	u, err := url.Parse(direct)
	must(t, err)
	return fmt.Sprintf("postgres://postgres@%s%s?sslmode=disable", proxy, u.Path)
}

func runOnce(t *testing.T, cfg Config, direct string, log *projtest.Log, s *scissors) bool {
	t.Helper()
	var b *Backend
	var err error
	if b, err = Open(t.Context(), cfg); err != nil {
		want(t, err, ErrUnavailable) // opening does not wait: whoever starts a program wants to hear of it
		b, err = Open(t.Context(), cfg)
		must(t, err)
	}
	set := []*projections.Projection{profile.New(), transfers.New()}
	e := engine(t, log, b, func(c *projections.Config) { c.Projections = set })
	must(t, e.CatchUp(t.Context()))
	must(t, e.Rebuild(t.Context(), []string{"profile"}, nil))
	must(t, e.Rollback(t.Context(), "profile"))
	must(t, e.CatchUp(t.Context()))
	must(t, b.Close())
	cfg.URL = direct
	b, err = Open(t.Context(), cfg)
	must(t, err)
	got := projtest.Read(t, b, set)
	list, err := b.Builds(t.Context())
	must(t, err)
	if len(list) != 3 { // two live, one old
		t.Errorf("cut at %d: builds %+v", s.at, list)
	}
	for _, x := range list {
		if x.Events != int64(len(log.Events())) || (x.Projection == "profile" && x.State == projections.Live && x.Number != 1) {
			t.Errorf("cut at %d: %+v", s.at, x)
		}
	}
	must(t, engine(t, log, b, func(c *projections.Config) { c.Projections = set }).Rebuild(t.Context(), nil, nil))
	if diff := cmp.Diff(projtest.Read(t, b, set), got); diff != "" {
		t.Fatalf("cut at %d, after %t (-rebuilt +got):\n%.2000s", s.at, s.after, diff)
	}
	must(t, b.Close())
	pgtest.Exec(t, direct, dropAll(cfg.Schema))
	return s.done()
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
