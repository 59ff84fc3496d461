package storetest

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"imagine.ua/litopys/eventstore"
)

// model is the contract in its plainest words: one list, searched from the start each time.
type model struct{ records []eventstore.Record }

func (m *model) stream(name string) (rs []eventstore.Record) {
	for _, r := range m.records {
		if r.Stream == name {
			rs = append(rs, r)
		}
	}
	return rs
}

// answers tells whether the append must succeed, and whether as a repeat.
func (m *model) answers(name string, expected int64, batch []eventstore.Event) (ok, repeat bool) {
	rs := m.stream(name)
	if expected == int64(len(rs))-1 {
		return true, false
	}
	for i, ev := range batch {
		at := expected + 1 + int64(i)
		if at >= int64(len(rs)) || rs[at].ID != ev.ID {
			return false, false
		}
	}
	return true, true
}

// likeModel does random things to the store and to the model. One ledger serves all runs, each beginning
// where the last one ended, so that the store is not opened a hundred times.
func likeModel(t *testing.T, e *env) {
	rapid.Check(t, func(rt *rapid.T) {
		base, err := e.Head(e.ctx)
		if err != nil {
			rt.Fatalf("head: %v", err)
		}
		m := &model{}
		names := []string{e.Stream(), e.Stream()}
		var batches [][]eventstore.Event // those given before, to be given again
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			name := rapid.SampledFrom(names).Draw(rt, "stream")
			head := int64(len(m.stream(name))) - 1
			expected := rapid.Int64Range(eventstore.NoStream, head+1).Draw(rt, "expected")
			if rapid.Bool().Draw(rt, "at the head") {
				expected = head
			}
			batch := e.Batch(rapid.IntRange(1, 3).Draw(rt, "events"))
			if len(batches) > 0 && expected != head && rapid.Bool().Draw(rt, "again") {
				batch = rapid.SampledFrom(batches).Draw(rt, "batch")
				batch = batch[:rapid.IntRange(1, len(batch)).Draw(rt, "prefix")]
			}
			batches = append(batches, batch)
			e.step(rt, m, name, expected, batch)
		}
		e.compare(rt, m, base, names)
	})
}

// step appends to both and compares the answers.
func (e *env) step(rt *rapid.T, m *model, name string, expected int64, batch []eventstore.Event) {
	ok, repeat := m.answers(name, expected, batch)
	got, err := e.Append(e.ctx, name, expected, batch)
	if ok != (err == nil) {
		rt.Fatalf("append after %d: %v, the model says success is %v", expected, err, ok)
	}
	if !ok {
		if !errors.Is(err, eventstore.ErrWrongRevision) {
			rt.Fatalf("append after %d: %v, want %v", expected, err, eventstore.ErrWrongRevision)
		}
		return
	}
	last := expected + int64(len(batch))
	if got.Revision != last {
		rt.Fatalf("append answered revision %d, want %d", got.Revision, last)
	}
	if repeat {
		if at := m.stream(name)[last].Position; at != 0 && at != got.Position {
			rt.Fatalf("repeat answered position %d, the record stands at %d", got.Position, at)
		}
		return
	}
	for i, ev := range batch {
		m.records = append(m.records, eventstore.Record{Event: ev, Stream: name, Revision: expected + 1 + int64(i)})
	}
	m.records[len(m.records)-1].Position = got.Position // those before it in the batch are not told
}

// compare reads everything that this run wrote.
func (e *env) compare(rt *rapid.T, m *model, base eventstore.Position, names []string) {
	i, at := 0, base
	for r, err := range e.ReadAll(e.ctx, base) {
		if err != nil || i == len(m.records) {
			rt.Fatalf("read: %v, after %d records of %d", err, i, len(m.records))
		}
		want := m.records[i]
		if r.Digest() != want.Digest() || r.Position <= at || want.Position != 0 && want.Position != r.Position {
			rt.Fatalf("record %d is %s revision %d at %d, want %s revision %d at %d",
				i, r.Stream, r.Revision, r.Position, want.Stream, want.Revision, want.Position)
		}
		i, at = i+1, r.Position
	}
	if i != len(m.records) {
		rt.Fatalf("the log has %d records, want %d", i, len(m.records))
	}
	for _, name := range names {
		want, n := m.stream(name), 0
		for r, err := range e.ReadStream(e.ctx, name, eventstore.NoStream) {
			if err != nil || n >= len(want) || r.Digest() != want[n].Digest() {
				rt.Fatalf("%s, record %d: %v or another record", name, n, err)
			}
			n++
		}
		head, err := e.StreamHead(e.ctx, name)
		if err != nil || n != len(want) || head != int64(n)-1 {
			rt.Fatalf("%s: %d records, head %d, %v; want %d records", name, n, head, err, len(want))
		}
	}
}
