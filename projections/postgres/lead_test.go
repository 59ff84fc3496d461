package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/pgtest"
)

// leaderEnv makes the test binary a process that leads the read models of this database, says so, and waits
// to be killed.
const leaderEnv = "LITOPYS_POSTGRES_LEADER"

// A runner that is killed leaves the lead to the one that waits.
func TestLeadPassesWhenKilled(t *testing.T) {
	t.Parallel()
	if url := os.Getenv(leaderEnv); url != "" {
		must(t, open(t, Config{URL: url}).Lead(t.Context(), func(ctx context.Context) error {
			fmt.Println("leads")
			<-ctx.Done()
			return ctx.Err()
		}))
		return
	}
	url := pgtest.Shared(t).Database(t)
	lines := &journalist{}
	b := open(t, Config{URL: url, Logger: slog.New(lines)})
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLeadPassesWhenKilled$") // #nosec G204 G702 -- this binary
	cmd.Env = append(os.Environ(), leaderEnv+"="+url)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	for said := bufio.NewScanner(out); said.Scan() && said.Text() != "leads"; {
		t.Log(said.Text())
	}
	conn, err := b.lock(t.Context())
	must(t, err)
	if conn != nil {
		t.Fatal("two hold the lock")
	}
	var killed atomic.Bool
	led := make(chan error, 1)
	go func() {
		led <- b.Lead(t.Context(), func(context.Context) error {
			if !killed.Load() {
				return errors.New("leads beside another")
			}
			return nil
		})
	}()
	for lines.count("this one waits") == 0 { // the deadline of the tests ends a wait in vain
		must(t, b.sleep(t.Context(), firstPause))
	}
	killed.Store(true)
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed
	must(t, <-led)
}

// A runner whose connection is cut stops before it leads again, and the log says both.
func TestLeadLostWithConnection(t *testing.T) {
	t.Parallel()
	url := pgtest.Shared(t).Database(t)
	lines := &journalist{}
	b := open(t, Config{URL: url, Logger: slog.New(lines)})
	var turns, running atomic.Int32
	reason := errors.New("enough")
	err := b.Lead(t.Context(), func(ctx context.Context) error {
		if running.Add(1) != 1 {
			t.Error("leads twice at once")
		}
		defer running.Add(-1)
		if turns.Add(1) == 2 {
			return reason
		}
		pgtest.Exec(t, url, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"+
			" AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
		<-ctx.Done()
		want(t, context.Cause(ctx), errLeadLost)
		return ctx.Err()
	})
	want(t, err, reason)
	if lines.count("leads no more") != 1 || lines.count("this runner leads") != 3 {
		t.Errorf("%q", lines.all())
	}
}

// Cancelling and closing end a wait and a lead.
func TestLeadEnds(t *testing.T) {
	t.Parallel()
	url := pgtest.Shared(t).Database(t)
	one, two := open(t, Config{URL: url}), open(t, Config{URL: url})
	leads := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() {
		ended <- one.Lead(ctx, func(ctx context.Context) error {
			close(leads)
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	<-leads
	waiting, stop := context.WithCancel(t.Context())
	stop()
	want(t, two.Lead(waiting, nil), context.Canceled)
	go func() { ended <- two.Lead(t.Context(), nil) }()
	must(t, two.Close())
	want(t, <-ended, eventstore.ErrClosed)
	cancel()
	want(t, <-ended, context.Canceled)
	go func() { // another schema is another ledger, and has its own lead
		other := open(t, Config{URL: url, Schema: "other"})
		ended <- other.Lead(t.Context(), func(context.Context) error { return nil })
	}()
	must(t, <-ended)
}
