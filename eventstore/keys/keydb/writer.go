package keydb

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// kmsTimeout bounds a call to the key-management service, during which no other key is made.
const kmsTimeout = 30 * time.Second

// writer owns the connection that writes; only the goroutine of the base uses that. It is what the base
// keeps its keys in.
type writer struct {
	conn    *sqlite.Conn
	readers *sqlite.Pool
	cfg     Config
	masters masters
	cache   *keys.Cache

	followed uint64
	passed   atomic.Uint64 // see Store.Passed
	// unclean says that bytes of destroyed keys may still stand in the WAL.
	unclean bool
}

var _ keys.Backend = (*writer)(nil)

// Fresh has nothing to do: no other process writes the file.
func (w *writer) Fresh(context.Context) error { return nil }

// read lends a connection for a short query; while it runs, a destruction waits for it to empty the WAL.
// All queries of do see the file as it is at the first of them.
func (w *writer) read(ctx context.Context, do func(*sqlite.Conn) error) error {
	return w.readers.Read(ctx, func(conn *sqlite.Conn) (err error) {
		if err := conn.Run("BEGIN"); err != nil {
			return err
		}
		err = do(conn)
		if end := conn.Run("ROLLBACK"); err == nil {
			err = end
		}
		return err
	})
}

// close empties the WAL and closes the file; the base is shut. On a full disk the WAL stays for the next open.
func (w *writer) close() error {
	readers, emptied := w.readers.Close(), w.conn.Checkpoint()
	if errors.Is(emptied, eventstore.ErrFull) {
		emptied = nil
	}
	return errors.Join(readers, emptied, w.conn.Close())
}

// kmsContext bounds what the writer asks of the key-management service; callers' contexts end one call each,
// and a group has many.
func kmsContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), kmsTimeout)
}
