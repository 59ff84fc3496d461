package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"imagine.ua/litopys/eventstore"
)

// link is what is known of the database's reachability.
type link struct {
	logger *slog.Logger

	mu    sync.Mutex
	down  bool      // guarded by mu
	since time.Time // guarded by mu; when it was lost, or the first connection since was made
}

// note hears the result of every try, and since when its connection has been there, and logs when the state
// changes. Connections from before the last change say nothing of what is so now: a server that is going
// down still answers on some of them.
func (l *link) note(ctx context.Context, born time.Time, err error) {
	gone := err != nil && ctx.Err() == nil && lost(err)
	if err != nil && !gone {
		return // a refusal proves nothing that matters here
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if gone == l.down || born.Before(l.since) {
		return
	}
	l.down = gone
	if gone {
		l.since = time.Now()
		l.logger.LogAttrs(ctx, slog.LevelWarn, "the database of the read models is lost", slog.Any("error", err))
		return
	}
	l.logger.LogAttrs(ctx, slog.LevelInfo, "the database of the read models is back", slog.Duration("after", time.Since(l.since)))
	l.since = born
}

const bornKey = "litopys born"

// welcome marks a new connection with its time.
func welcome(_ context.Context, conn *pgx.Conn) error {
	conn.PgConn().CustomData()[bornKey] = time.Now()
	return nil
}

func born(conn *pgx.Conn) time.Time {
	t, _ := conn.PgConn().CustomData()[bornKey].(time.Time)
	return t
}

// pauses grow from the first to the last, by half of each at random so that processes that lost the same
// server do not come back in step.
const (
	firstPause = 25 * time.Millisecond
	lastPause  = time.Second
)

// waiting is one call's patience.
type waiting struct {
	until time.Time
	pause time.Duration
}

func wait(patience time.Duration) waiting {
	return waiting{until: time.Now().Add(patience), pause: firstPause}
}

// more pauses, and tells whether another try is worth it.
func (w *waiting) more(ctx context.Context, closed <-chan struct{}) bool {
	if time.Now().After(w.until) {
		return false
	}
	t := time.NewTimer(w.pause/2 + rand.N(w.pause/2)) // #nosec G404 -- to spread, not to hide
	defer t.Stop()
	w.pause = min(2*w.pause, lastPause)
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-closed:
	}
	return false
}

// durability of a transaction.
type durability string

const (
	// durable waits for the disk: which build is live must not be forgotten once it was said.
	durable durability = "on"
	// derivable does not: rows and checkpoint are set back together, and are folded again.
	derivable durability = "off"
)

// write runs do in a transaction, again when it could not end for reasons that pass. A commit whose answer
// was lost is looked up, not repeated blindly: a transaction that was committed left its name.
func (b *Backend) write(ctx context.Context, what string, d durability, do func(context.Context, *session) error) error {
	w := wait(b.cfg.Patience)
	unsettled := uuid.Nil
	for {
		if b.closed() {
			return fmt.Errorf("read models: %s: %w", what, eventstore.ErrClosed)
		}
		var err error
		done := false
		if unsettled == uuid.Nil {
			unsettled, err = b.try(ctx, d, do)
			done = err == nil
		} else {
			done, unsettled, err = b.settle(ctx, unsettled)
		}
		switch {
		case done:
			return nil
		case err != nil && !passing(err) || !w.more(ctx, b.done):
			if unsettled != uuid.Nil {
				err = errors.Join(ErrOutcome, err)
			}
			return translate(ctx, what, err)
		}
	}
}

func (b *Backend) closed() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// try runs one transaction. When the answer to the commit was lost it gives the name of the transaction.
func (b *Backend) try(ctx context.Context, d durability, do func(context.Context, *session) error) (unsettled uuid.UUID, err error) {
	conn, err := b.acquire(ctx, b.writers)
	if err != nil {
		return uuid.Nil, err
	}
	s := &session{names: b.names, conn: conn.Conn()}
	defer func() {
		b.link.note(ctx, born(conn.Conn()), err)
		if err != nil {
			s.abandon(ctx)
		}
		conn.Release()
	}()
	id, err := s.begin(ctx, d)
	if err != nil {
		return uuid.Nil, s.gone(err)
	}
	if err := do(ctx, s); err != nil {
		return uuid.Nil, s.gone(err)
	}
	if err := script(ctx, s.conn, "COMMIT"); err != nil {
		if err = s.gone(err); lost(err) {
			return id, err
		}
		return uuid.Nil, err
	}
	s.keep(id)
	return uuid.Nil, nil
}

// acquire gives a connection of a pool, and notes when there is none to be had.
func (b *Backend) acquire(ctx context.Context, from *pgxpool.Pool) (*pgxpool.Conn, error) {
	began := time.Now()
	conn, err := from.Acquire(ctx)
	if err != nil {
		b.link.note(ctx, began, err)
	}
	return conn, err
}

// settleTimeout bounds one wait for a transaction whose connection was lost while the server still works on it.
const settleTimeout = "1s"

// settle asks what became of a transaction: whether it is committed, and if not, its name as long as there is
// no answer, or uuid.Nil when it is to be done again. It leaves the same name, which waits for a transaction
// that still runs, fails to when that was committed, and when it was not makes sure that it never will be.
func (b *Backend) settle(ctx context.Context, id uuid.UUID) (committed bool, unsettled uuid.UUID, err error) {
	conn, err := b.acquire(ctx, b.writers)
	if err != nil {
		return false, id, err
	}
	defer conn.Release()
	results, err := conn.Conn().PgConn().Exec(ctx, "SET LOCAL lock_timeout = '"+settleTimeout+"'; "+b.names.leave(id)+" ON CONFLICT DO NOTHING").ReadAll()
	err = marked(conn.Conn(), err)
	b.link.note(ctx, born(conn.Conn()), err)
	if err != nil {
		return false, id, err
	}
	return results[len(results)-1].CommandTag.RowsAffected() == 0, uuid.Nil, nil
}

// session is one transaction on one connection.
type session struct {
	names
	conn *pgx.Conn
}

const outcomeKey = "litopys outcome"

// begin opens a transaction and gives its name, in one round trip. The name of the connection's last one goes:
// its outcome is known.
func (s *session) begin(ctx context.Context, d durability) (uuid.UUID, error) {
	id := uuid.New()
	last, _ := s.conn.PgConn().CustomData()[outcomeKey].(uuid.UUID)
	return id, script(ctx, s.conn, "BEGIN; SET LOCAL synchronous_commit = "+string(d)+"; DELETE FROM "+s.state+".outcomes WHERE id = '"+
		last.String()+"'; "+s.leave(id))
}

// leave is the statement by which a transaction leaves its name.
func (n names) leave(id uuid.UUID) string {
	return "INSERT INTO " + n.state + ".outcomes (id) VALUES ('" + id.String() + "')"
}

// keep remembers the name that the committed transaction left on the server.
func (s *session) keep(id uuid.UUID) { s.conn.PgConn().CustomData()[outcomeKey] = id }

// rollbackTimeout bounds the farewell on a connection that may be dead; the pool closes it otherwise.
const rollbackTimeout = time.Second

func (s *session) abandon(ctx context.Context) {
	if s.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	// When it fails, the pool sees a connection within a transaction, and closes it.
	_ = script(ctx, s.conn, "ROLLBACK")
}

// gone marks an error after which the connection is closed.
func (s *session) gone(err error) error { return marked(s.conn, err) }

func marked(conn *pgx.Conn, err error) error {
	if err != nil && conn.IsClosed() && code(err) == "" {
		return fmt.Errorf("%w: %w", errConnectionGone, err)
	}
	return err
}
