package storetest

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// Maker makes random events that mean nothing, the same ones for the same seed. It is safe for concurrent
// use.
type Maker struct {
	mu  sync.Mutex
	rng *rand.Rand // guarded by mu
	n   int        // guarded by mu; events made
}

// NewMaker makes a maker.
func NewMaker(seed uint64) *Maker { return &Maker{rng: rand.New(rand.NewPCG(seed, 0x6c69746f707973))} }

// SeedOf turns a test's name into a seed, so that a test fails the same way twice.
func SeedOf(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64()
}

// awkward are pieces that careless storage changes: bytes that look like escapes, composed and decomposed
// letters, line ends, quotes, what JSON would write shorter.
var awkward = []string{
	`"plain"`, `"\u0456мя"`, `"e\u0301 é"`, `"\r\n\t\\ \/"`, `"<&>'%s"`, `1.0E+2`, `-0`, `12345678901234567890`,
	`[ ]`, `{ "a" :1,  "a": 2 }`, `"\u0000"`, `null`,
}

// Event makes one event of an ordinary size.
func (m *Maker) Event() eventstore.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n++
	return eventstore.Event{
		ID:   m.id(),
		Type: fmt.Sprintf("Something%d.v%d", m.rng.IntN(20), 1+m.rng.IntN(3)),
		Data: m.document("data"),
		Meta: m.document("meta"),
	}
}

// Batch makes n events.
func (m *Maker) Batch(n int) []eventstore.Event {
	events := make([]eventstore.Event, n)
	for i := range events {
		events[i] = m.Event()
	}
	return events
}

// Stream makes a stream's name that was not used before.
func (m *Maker) Stream() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return "thing-" + m.id().String()
}

// Intn gives a number from 0 to below n.
func (m *Maker) Intn(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rng.IntN(n)
}

// Bytes makes n random bytes, not a document.
func (m *Maker) Bytes(n int) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.rng.Uint32())
	}
	return b
}

// id makes a random UUID. The caller holds mu.
func (m *Maker) id() (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], m.rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], m.rng.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// document makes a JSON object with odd spelling. The caller holds mu.
func (m *Maker) document(kind string) []byte {
	b := fmt.Appendf(nil, "{ %q:%d", kind, m.n)
	for i := range m.rng.IntN(8) {
		b = fmt.Appendf(b, ", \"%d\":%s", i, awkward[m.rng.IntN(len(awkward))])
	}
	return append(b, "}\n"...)
}
