package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/eventstore"
)

const (
	// leadPause is how often a second runner asks whether the first is gone. It asks instead of waiting in
	// the lock's queue: a waiting statement holds a snapshot, and the server could not clean up anything
	// that was deleted since.
	leadPause = 500 * time.Millisecond
	// leadCheck is how often the leader looks whether it still leads, and leadTimeout how long it waits for
	// the answer. Between a loss and the look two may run; the checkpoints let one of them through.
	leadCheck   = time.Second
	leadTimeout = 5 * time.Second
)

// errLeadLost ends the work of a runner whose lock is gone with its connection.
var errLeadLost = errors.New("another runner may lead now")

// Lead runs do, typically an engine's Run, while this process is the only one that leads this ledger's
// read models, whatever machine the others are on. It waits until no other leads. When the connection that
// holds the lock is lost, the context of do ends, and Lead waits again; the lock of a process that died is
// free at once, that of a machine that died within about ten seconds. Lead ends with the error of do, or
// with that of the context.
func (b *Backend) Lead(ctx context.Context, do func(context.Context) error) error {
	waits := false
	pause := firstPause
	for {
		began := time.Now()
		conn, err := b.lock(ctx)
		b.link.note(ctx, began, err)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && !passing(err):
			return translate(ctx, "lead", err)
		case err == nil && conn != nil:
			b.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "this runner leads")
			if err := b.hold(ctx, conn, do); !errors.Is(err, errLeadLost) {
				return err
			}
			b.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "this runner leads no more: it lost its connection")
			waits, pause = false, firstPause
			continue
		case err == nil && !waits:
			waits = true
			b.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "another runner leads; this one waits")
		}
		if err != nil {
			pause = min(2*pause, lastPause)
		} else {
			pause = leadPause
		}
		if err := b.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func (b *Backend) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-b.done:
		return fmt.Errorf("read models: lead: %w", eventstore.ErrClosed)
	}
}

// lock gives a connection that holds the lock, or none when another does.
func (b *Backend) lock(ctx context.Context) (*pgx.Conn, error) {
	conn, err := b.cfg.connect(ctx)
	if err != nil {
		return nil, err
	}
	var held bool
	err = marked(conn, conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", b.names.lock("lead")).Scan(&held))
	if err != nil || !held {
		closeConn(ctx, conn)
		return nil, err
	}
	return conn, nil
}

func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = conn.Close(ctx) // the lock goes with the connection, however it ends
}

// hold runs do until it ends or the connection does, and gives the lock back after do has returned.
func (b *Backend) hold(parent context.Context, conn *pgx.Conn, do func(context.Context) error) error {
	defer closeConn(parent, conn)
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() { ended <- do(ctx) }()
	look := time.NewTicker(leadCheck)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-look.C:
			began := time.Now()
			if err := ping(ctx, conn); err != nil && parent.Err() == nil {
				cancel(errLeadLost)
				<-ended
				b.link.note(parent, began, marked(conn, err))
				return errLeadLost
			}
		case <-b.done:
			cancel(eventstore.ErrClosed)
			return errors.Join(fmt.Errorf("read models: lead: %w", eventstore.ErrClosed), <-ended)
		}
	}
}

func ping(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, leadTimeout)
	defer cancel()
	return conn.Ping(ctx)
}
