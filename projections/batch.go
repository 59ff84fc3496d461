package projections

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"imagine.ua/litopys/domain"
)

// Change is an edit on its way out: columns are set (Patch) or summed up (Add).
type Change struct {
	Key  []Value
	Set  []Set
	When []Where
	Add  bool
}

// Changes is all that a batch does to one table. The keys of Upserts, Deletes and Rounds are disjoint.
type Changes struct {
	Table *Table
	// Appends are new rows of a Log table, in the order of their keys.
	Appends []Row
	// Upserts are whole rows, sorted by key.
	Upserts []Row
	// Deletes are keys, sorted.
	Deletes []Row
	// Rounds are changes of rows that the batch does not know whole. Each round names a key at most once,
	// sorted; rounds are to be carried out in order.
	Rounds [][]Change
}

// Batch folds events and melts their changes together until they are committed. It is not safe for
// concurrent use.
type Batch struct {
	projection *Projection
	writer     Writer
	tables     []melter
	slabs      slabs
	spare      *spare // of a packed batch
	events     int64
	size       int
	from, mark Mark
}

// NewBatch begins a batch of the projection after the mark.
func NewBatch(p *Projection, from Mark) *Batch {
	b := &Batch{projection: p, from: from, mark: from}
	for _, t := range p.Tables {
		b.tables = append(b.tables, &pending{table: t, slabs: &b.slabs, byKey: map[string]*entry{}})
	}
	return b
}

// melter is what a batch does to one table.
type melter interface {
	// take melts the change of this number in and gives the memory it costs.
	take(w *Writer, change int) int
}

// newPacked begins a batch that keeps everything in the form in which it goes to disk.
func newPacked(p *Projection, from Mark) *Batch {
	b := &Batch{projection: p, from: from, mark: from, writer: Writer{packs: true}, spare: &spare{}}
	for _, t := range p.Tables {
		b.tables = append(b.tables, &pack{table: t, batch: b})
	}
	return b
}

// renew begins the next packed batch in the same memory. Nothing of this one may be in use any more.
func (b *Batch) renew() {
	b.from, b.events, b.size = b.mark, 0, 0
	for i := range b.tables {
		b.pack(i).renew()
	}
}

func (b *Batch) pack(table int) *pack { return b.tables[table].(*pack) }

// Apply folds the event. An event at or before the batch's mark is passed over. When the fold refuses the
// event, or panics on it, the batch stays as it was before the event and the error is a *FailureError.
func (b *Batch) Apply(r domain.Recorded) error { return b.apply(&r) }

// apply spares what is done a million times the copies of a large struct.
func (b *Batch) apply(r *domain.Recorded) error {
	if r.Position <= b.mark.Position {
		return nil
	}
	b.writer.begin()
	if err := b.fold(r); err != nil {
		return &FailureError{Projection: b.projection.Name, Failure: failureOf(*r, err), cause: err}
	}
	for i, t := range b.writer.tables {
		b.size += b.tableOf(t).take(&b.writer, i)
	}
	b.events++
	b.mark = b.mark.next(r)
	return nil
}

func (b *Batch) fold(r *domain.Recorded) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("fold panicked: %v", p)
		}
	}()
	if err := b.projection.Apply(*r, &b.writer); err != nil {
		return err
	}
	for _, t := range b.writer.tables {
		if b.tableOf(t) == nil {
			return fmt.Errorf("wrote to table %s of another projection", t.Name)
		}
	}
	return nil
}

func (b *Batch) tableOf(t *Table) melter {
	if i := slices.Index(b.projection.Tables, t); i >= 0 {
		return b.tables[i]
	}
	return nil
}

// Mark is the place up to which the batch has folded.
func (b *Batch) Mark() Mark { return b.mark }

// From is the place after which the batch began.
func (b *Batch) From() Mark { return b.from }

// Events is the number of events folded.
func (b *Batch) Events() int64 { return b.events }

// Size estimates the memory held, in bytes.
func (b *Batch) Size() int { return b.size }

// Empty reports whether no event was folded.
func (b *Batch) Empty() bool { return b.mark == b.from }

// Changes gives what the batch does, by table, sorted by key. The batch must not be used afterwards.
func (b *Batch) Changes() []Changes {
	var out []Changes
	for _, p := range b.tables {
		if c := p.(*pending).changes(); len(c.Appends)+len(c.Upserts)+len(c.Deletes)+len(c.Rounds) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// pending is what a batch does to one table.
type pending struct {
	table   *Table
	slabs   *slabs // of the batch
	appends []Row
	byKey   map[string]*entry
	entries []entry // the last of them; many in one allocation, where they keep their places
	key     []byte  // scratch
}

// entry is what becomes of one key: a row that the batch knows whole, a deletion, or changes of a row that
// only the backend knows.
type entry struct {
	key     string
	kind    entryKind
	row     Row // whole: the row; gone: the key
	changes []Change
}

type entryKind uint8

const (
	unknown entryKind = iota
	whole
	gone
)

const slabEntries = 256

// slabs is memory for rows, a thousand values in one allocation.
type slabs struct{ last []Value }

func (s *slabs) copy(row []Value) Row {
	if cap(s.last)-len(s.last) < len(row) {
		s.last = make([]Value, 0, max(1024, len(row)))
	}
	from := len(s.last)
	s.last = append(s.last, row...)
	return s.last[from:len(s.last):len(s.last)]
}

// put keeps a row in the place of another one of the same key, if there is room.
func (s *slabs) put(place, row Row) Row {
	if cap(place) < len(row) {
		return s.copy(row)
	}
	clear(place[:cap(place)])
	place = place[:len(row)]
	copy(place, row)
	return place
}

const valueSize = 32 // of a Value itself

func rowSize(row Row) int {
	n := len(row) * valueSize
	for _, v := range row {
		n += v.size()
	}
	return n
}

func (p *pending) take(w *Writer, change int) int {
	o := w.ops[change]
	if o.kind == opAppend {
		p.appends = append(p.appends, p.slabs.copy(o.row))
		return rowSize(o.row) + 24
	}
	key := o.row
	if o.kind == opPatch || o.kind == opAdd {
		key = o.edit.Key
	}
	e, cost := p.entry(key[:p.table.Key])
	switch o.kind {
	case opUpsert:
		cost += rowSize(o.row) - rowSize(e.row)
		e.kind, e.row, e.changes = whole, p.slabs.put(e.row, o.row), e.changes[:0]
	case opDelete:
		e.kind, e.row, e.changes = gone, p.slabs.put(e.row, o.row), e.changes[:0]
	default:
		cost += p.change(e, o.edit)
	}
	return cost
}

func (p *pending) entry(key []Value) (*entry, int) {
	p.key = AppendKey(p.key[:0], key)
	if e, ok := p.byKey[string(p.key)]; ok {
		return e, 0
	}
	if len(p.entries) == cap(p.entries) {
		p.entries = make([]entry, 0, slabEntries)
	}
	p.entries = append(p.entries, entry{key: string(p.key)})
	e := &p.entries[len(p.entries)-1]
	p.byKey[e.key] = e
	return e, len(e.key) + 160
}

// change melts a change in, and gives the memory it costs when it has to be kept for itself.
func (p *pending) change(e *entry, c Change) int {
	if e.kind != unknown || e.melts(c) {
		e.change(p.table, c)
		return 0
	}
	c.Key, c.Set, c.When = p.slabs.copy(c.Key), slices.Clone(c.Set), slices.Clone(c.When)
	e.change(p.table, c)
	return 64 + rowSize(c.Key) + 48*(len(c.Set)+len(c.When))
}

// melts tells whether a change of a row that only the backend knows melts into the one before: two sums do,
// and two patches without a condition.
func (e *entry) melts(c Change) bool {
	n := len(e.changes)
	return n > 0 && e.changes[n-1].Add == c.Add && len(e.changes[n-1].When)+len(c.When) == 0
}

func (e *entry) change(t *Table, c Change) {
	switch {
	case e.kind == whole:
		changeRow(e.row, c)
	case e.kind == gone && c.Add:
		e.kind, e.row = whole, made(t, c)
	case e.kind == unknown && e.melts(c):
		e.changes[len(e.changes)-1].merge(c)
	case e.kind == unknown:
		e.changes = append(e.changes, c)
	}
}

func (c *Change) merge(d Change) {
	for _, s := range d.Set {
		i := slices.IndexFunc(c.Set, func(x Set) bool { return x.Column == s.Column })
		switch {
		case i < 0:
			c.Set = append(c.Set, s)
		case c.Add:
			c.Set[i].Value.n += s.Value.n
		default:
			c.Set[i] = s
		}
	}
}

func changeRow(row Row, c Change) {
	for _, w := range c.When {
		if !w.holds(row) {
			return
		}
	}
	for _, s := range c.Set {
		if c.Add {
			s.Value.n += row[s.Column].n
		}
		row[s.Column] = s.Value
	}
}

// made is the row that a sum makes when there was none.
func made(t *Table, c Change) Row {
	row := make(Row, len(t.Columns))
	copy(row, c.Key)
	changeRow(row, c)
	return row
}

// sorted gives the entries in the order of their keys.
func (p *pending) sorted() []*entry {
	entries := slices.Collect(maps.Values(p.byKey))
	slices.SortFunc(entries, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
	return entries
}

// head is the first eight bytes of a key, so that heads that differ are in the order of their keys.
func head[K string | []byte](key K) uint64 {
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

func (p *pending) changes() Changes {
	out := Changes{Table: p.table, Appends: p.appends}
	entries := p.sorted()
	for _, e := range entries {
		switch e.kind {
		case whole:
			out.Upserts = append(out.Upserts, e.row)
		case gone:
			out.Deletes = append(out.Deletes, e.row)
		case unknown:
			for i, c := range e.changes {
				if i == len(out.Rounds) {
					out.Rounds = append(out.Rounds, nil)
				}
				out.Rounds[i] = append(out.Rounds[i], c)
			}
		}
	}
	return out
}

// AppendKey encodes a key so that the order of the bytes is the order of the key in every backend: numbers
// big-endian with the sign turned, ids as they are, texts by their bytes up to a zero byte.
func AppendKey(b []byte, key []Value) []byte {
	for _, v := range key {
		switch v.t {
		case Int, Time:
			b = binary.BigEndian.AppendUint64(b, uint64(v.n)^1<<63) // #nosec G115 -- bits, not a number
		case Text:
			b = append(append(b, v.s...), 0)
		default:
			b = append(b, v.s...)
		}
	}
	return b
}
