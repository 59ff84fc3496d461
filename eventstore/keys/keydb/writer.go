package keydb

import (
	"context"
	"errors"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

const (
	// maxGroup bounds the wants that one transaction carries, and so how long the first caller waits for
	// those who came after him.
	maxGroup = 4096
	// kmsTimeout bounds a call to the key-management service, during which no other key is made.
	kmsTimeout = 30 * time.Second
)

// job is one call on its way through the writer: an Ensure, or a Follow.
type job struct {
	wants []keys.Want
	got   []keys.Key // the answer to wants

	follow   bool
	position uint64
	fates    []domain.Fate

	err  error
	done chan error
}

// writer owns the connection that writes. Only its own goroutine uses it.
type writer struct {
	conn    *sqlite.Conn
	cfg     Config
	masters *masters
	cache   *keys.Cache

	followed uint64
	// unclean says that bytes of destroyed keys may still stand in the WAL.
	unclean bool
}

// run carries out jobs until the channel is closed.
func (w *writer) run(jobs <-chan *job) {
	for first := range jobs {
		group, next := gather(first, jobs)
		w.ensure(group)
		if next != nil {
			next.done <- w.follow(next)
		}
	}
}

// close empties the WAL and closes the file; the writer's goroutine has ended and the readers are closed.
func (w *writer) close() error {
	return errors.Join(w.conn.Checkpoint(), w.conn.Close())
}

// gather takes the Ensure calls that wait already; a Follow ends the group and is done after it.
func gather(first *job, jobs <-chan *job) (group []*job, follow *job) {
	total := 0
	for next := first; next != nil; {
		if next.follow {
			return group, next
		}
		group = append(group, next)
		if total += len(next.wants); total >= maxGroup {
			return group, nil
		}
		select {
		case next = <-jobs: // nil when the channel is closed
		default:
			return group, nil
		}
	}
	return group, nil
}

// kmsContext bounds what the writer asks of the key-management service; callers' contexts end one call each,
// and a group has many.
func kmsContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), kmsTimeout)
}
