package esdbtest

import (
	"sort"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// The names that the server gives a meaning.
const (
	systemPrefix   = "$"
	metaPrefix     = "$$"
	typeMetadata   = "$metadata"
	typeDeleted    = "$streamDeleted"
	typeLink       = "$>"
	epochStream    = "$epoch-information"
	parkedPrefix   = "$persistentsubscription-$all::"
	deletedStream  = int64(1<<63 - 1) // revision of a tombstone, and $tb of a soft delete
	noRevision     = int64(-1)        // revision of a stream without events
	recordOverhead = 88               // bytes that a record of the server's log takes beside its payload
)

// LogConfig sets up a Log.
type LogConfig struct {
	// RecentBytes bounds the cache of recent event ids that makes appends with Any and StreamExists
	// idempotent; default 8 MiB, as on the server.
	RecentBytes int
	// Now gives the time of new records and the age of old ones; default time.Now.
	Now func() time.Time
	// Bare leaves out the records that a server writes at its first start (epoch and users).
	Bare bool
}

// Log is the database: one totally ordered log in memory. It is safe for concurrent use, and any number of
// servers may share it.
type Log struct {
	now func() time.Time

	mu      sync.RWMutex
	entries []*entry // guarded by mu; append-only, rising positions, hidden records included
	streams map[string]*stream
	tail    uint64 // position of the next record
	recent  *recentIDs
	lives   map[*live]struct{} // live subscriptions, fed under mu so that nothing falls between
}

// entry is one record of the log. It never changes once it is written.
type entry struct {
	id       uuid.UUID
	stream   string
	revision int64
	typ      string
	json     bool
	data     []byte
	meta     []byte
	created  time.Time
	pos      uint64
	hidden   bool // takes its place in the log, shows in no read of $all
	wire     *streams.ReadResp_ReadEvent_RecordedEvent
}

// stream is what the index knows about one stream. Its slice index is the revision.
type stream struct {
	entries    []*entry
	tombstoned bool
}

// NewLog makes an empty database.
func NewLog(cfg LogConfig) *Log {
	if cfg.RecentBytes <= 0 {
		cfg.RecentBytes = 8 << 20
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	l := &Log{
		now:     cfg.Now,
		streams: make(map[string]*stream),
		recent:  newRecentIDs(cfg.RecentBytes),
		lives:   make(map[*live]struct{}),
	}
	if !cfg.Bare {
		l.genesis()
	}
	return l
}

// genesis writes what a server writes at its first start: an epoch that $all hides, and the administrator
// in $users, which the client's own suite waits for.
func (l *Log) genesis() {
	l.write(epochStream, proposed{id: uuid.New(), typ: "$epoch-information", json: true, data: []byte(`{}`)})
	l.write("$user-admin", proposed{id: uuid.New(), typ: "$UserCreated", json: true, data: []byte(`{"loginName":"admin"}`)})
	l.write("$users", proposed{id: uuid.New(), typ: "$User", json: true, data: []byte(`"admin"`)})
}

// proposed is an event on its way into the log.
type proposed struct {
	id      uuid.UUID
	typ     string
	json    bool
	data    []byte
	meta    []byte
	created time.Time // zero: now
}

// size is what the event counts towards the largest append.
func (p proposed) size() int { return len(p.data) + len(p.meta) + 2*len(p.typ) }

// write puts one event at the end of a stream; mu is held, or nobody else has the log yet.
func (l *Log) write(name string, p proposed) *entry {
	s := l.streams[name]
	if s == nil {
		s = &stream{}
		l.streams[name] = s
	}
	e := l.newEntry(name, int64(len(s.entries)), p)
	s.entries = append(s.entries, e)
	l.commit(e)
	return e
}

func (l *Log) newEntry(name string, revision int64, p proposed) *entry {
	if p.created.IsZero() {
		p.created = l.now()
	}
	e := &entry{
		id: p.id, stream: name, revision: revision, typ: p.typ, json: p.json,
		data: p.data, meta: p.meta, created: p.created.UTC(), pos: l.tail,
		hidden: hiddenInAll(name),
	}
	e.wire = wireEvent(e)
	return e
}

// commit gives the entry its place at the tail and shows it to the live subscriptions.
func (l *Log) commit(e *entry) {
	l.entries = append(l.entries, e)
	l.tail = e.pos + e.length()
	l.recent.add(e)
	for sub := range l.lives {
		sub.offer(e)
	}
}

// length is the number of bytes that the record takes in the server's log.
func (e *entry) length() uint64 {
	n := recordOverhead + len(e.stream) + len(e.typ) + len(e.data) + len(e.meta)
	return uint64(n + varintLen(len(e.stream)) + varintLen(len(e.typ)))
}

func varintLen(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// hiddenInAll tells which streams no read of $all shows, filtered or not.
func hiddenInAll(name string) bool {
	if name == epochStream {
		return true
	}
	parked := len(name) > len(parkedPrefix) && name[:len(parkedPrefix)] == parkedPrefix
	return parked && (hasSuffix(name, "-checkpoint") || hasSuffix(name, "-parked"))
}

func hasSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix
}

// place gives the index of the first entry at or after the position, and whether one starts exactly there.
func place(entries []*entry, pos uint64) (int, bool) {
	i := sort.Search(len(entries), func(i int) bool { return entries[i].pos >= pos })
	return i, i < len(entries) && entries[i].pos == pos
}

// snapshot gives the log as it stands: the slice only ever grows, so a reader may keep it.
func (l *Log) snapshot() (entries []*entry, tail uint64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.entries, l.tail
}

// ForgetRecentIDs empties the cache of recent event ids, as a restart or a change of leader does. Appends
// with Any and StreamExists are no longer idempotent for what was written before.
func (l *Log) ForgetRecentIDs() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recent.clear()
}

// Len counts the records of the log, system records and hidden ones included.
func (l *Log) Len() int {
	entries, _ := l.snapshot()
	return len(entries)
}

// Tail gives the position at which the next record will be written.
func (l *Log) Tail() uint64 {
	_, tail := l.snapshot()
	return tail
}
