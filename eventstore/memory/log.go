package memory

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// entry is a record and what it looked like when it was written.
type entry struct {
	eventstore.Record
	digest [sha256.Size]byte
}

// ledger is what outlives a Store: the records, and who they belong to.
type ledger struct {
	cfg      Config
	identity uuid.UUID

	mu      sync.Mutex
	rng     *rand.Rand       // guarded by mu
	entries []entry          // guarded by mu; grows only, an entry never changes
	streams map[string][]int // guarded by mu; indexes into entries, by revision
	grown   chan struct{}    // guarded by mu; closed and replaced at each change
	open    bool             // guarded by mu; one Store at a time
}

func newLedger(cfg Config) *ledger {
	return &ledger{
		cfg:      cfg,
		identity: cfg.Identity,
		rng:      rand.New(rand.NewPCG(cfg.Seed, 0)),
		streams:  map[string][]int{},
		grown:    make(chan struct{}),
	}
}

// head is the revision of the stream's last event. The caller holds mu.
func (l *ledger) head(stream string) int64 { return int64(len(l.streams[stream])) - 1 }

// end is the position of the last record. The caller holds mu.
func (l *ledger) end() eventstore.Position {
	if len(l.entries) == 0 {
		return eventstore.Start
	}
	return l.entries[len(l.entries)-1].Position
}

// write puts the whole batch at the end of the stream. The caller holds mu.
func (l *ledger) write(stream string, events []eventstore.Event) {
	for _, e := range events {
		r := eventstore.Record{Event: cloneEvent(e), Stream: stream, Revision: l.head(stream) + 1}
		// Like byte offsets: never contiguous, and no two logs alike.
		r.Position = l.end() + eventstore.Position(50+r.Size()+l.rng.IntN(100))
		l.streams[stream] = append(l.streams[stream], len(l.entries))
		l.entries = append(l.entries, entry{Record: r, digest: r.Digest()})
	}
	l.signal()
}

// repeated tells whether the events after expected carry exactly the ids of the batch, and where the last
// of them stands. The caller holds mu.
func (l *ledger) repeated(stream string, expected int64, events []eventstore.Event) (eventstore.Appended, bool) {
	after := l.streams[stream][expected+1:]
	if len(after) < len(events) {
		return eventstore.Appended{}, false
	}
	for i, e := range events {
		if l.entries[after[i]].ID != e.ID {
			return eventstore.Appended{}, false
		}
	}
	last := l.entries[after[len(events)-1]]
	return eventstore.Appended{Revision: last.Revision, Position: last.Position}, true
}

// signal wakes every subscriber. The caller holds mu.
func (l *ledger) signal() {
	close(l.grown)
	l.grown = make(chan struct{})
}

// after gives the index of the first entry behind the position. A position that the log never gave is a
// bug of the caller: he has computed it, or it belongs to another ledger. The caller holds mu.
func (l *ledger) after(p eventstore.Position) int {
	i := sort.Search(len(l.entries), func(i int) bool { return l.entries[i].Position > p })
	if p != eventstore.Start && (i == 0 || l.entries[i-1].Position != p) {
		panic(fmt.Sprintf("memory: position %d was never given by this log", p))
	}
	return i
}

// copyOut checks that the entry is still what was written, and copies it.
func (e entry) copyOut() (eventstore.Record, error) {
	if e.Digest() != e.digest {
		return eventstore.Record{}, &eventstore.CorruptError{
			File:   "memory",
			Place:  fmt.Sprintf("record %d", e.Position),
			Detail: "bytes changed after they were written",
		}
	}
	r := e.Record
	r.Event = cloneEvent(r.Event)
	return r, nil
}

// cloneEvent copies the bytes into slices without spare capacity, so that appending to one moves it.
func cloneEvent(e eventstore.Event) eventstore.Event {
	e.Data = slices.Clip(bytes.Clone(e.Data))
	e.Meta = slices.Clip(bytes.Clone(e.Meta))
	return e
}
