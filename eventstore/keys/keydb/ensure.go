package keydb

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

// Ensure gives the live key of each ref, making the missing ones. Warm keys come out of memory; the rest go
// to the writer, who commits the calls that wait together.
func (s *Store) Ensure(ctx context.Context, wants []keys.Want) ([]keys.Key, error) {
	if s.closed.Load() {
		return nil, eventstore.ErrClosed
	}
	out := make([]keys.Key, len(wants))
	var cold []keys.Want
	var places []int
	for i, w := range wants {
		entry, ok := s.cache.ByRef(w.Ref)
		if !ok || !entry.Has(w.Tag) {
			if err := w.Ref.Check(); err != nil {
				return nil, err
			}
			cold, places = append(cold, w), append(places, i)
			continue
		}
		if entry.Key.State != keys.Live {
			return nil, notLive(w.Ref)
		}
		out[i] = entry.Key
	}
	if len(cold) == 0 {
		return out, nil
	}
	j := &job{wants: cold}
	if err := s.do(ctx, j); err != nil {
		return nil, err
	}
	for i, place := range places {
		out[place] = j.got[i]
	}
	return out, nil
}

func notLive(ref keys.Ref) error { return fmt.Errorf("%s: %w", ref, keys.ErrNotLive) }

// group is one transaction's worth of Ensure calls.
type group struct {
	*writer
	master int64 // number of this month's master key
	// entries are the keys looked up or made by this transaction, with the tags written. They go to the
	// cache when it is committed.
	entries map[keys.Ref]*pending
}

// pending is a key inside a transaction.
type pending struct {
	n     int64
	entry *keys.Entry
	err   error // why the ref has no live key
}

// ensure answers a group of calls with one commit. A call that wants a key which is not live gets its error
// and makes nothing, the others of the group are not harmed by it.
func (w *writer) ensure(jobs []*job) {
	if len(jobs) == 0 {
		return
	}
	ctx, cancel := kmsContext()
	defer cancel()
	generation := w.cache.Generation()
	g := &group{writer: w, entries: map[keys.Ref]*pending{}}
	err := g.commit(ctx, jobs)
	if err == nil {
		for _, p := range g.entries {
			if p.entry != nil {
				w.cache.Put(generation, p.entry)
			}
		}
	}
	for _, j := range jobs {
		if err != nil {
			j.err = err
		}
		j.done <- j.err
	}
}

func (g *group) commit(ctx context.Context, jobs []*job) (err error) {
	g.master, err = g.masters.ofMonth(ctx, g.conn, domain.MonthOf(g.cfg.Now()))
	if err != nil {
		return err
	}
	return g.conn.Tx(func() error {
		for _, j := range jobs {
			if err := g.answer(ctx, j); err != nil {
				return err
			}
		}
		return nil
	})
}

// answer looks up all refs of a call before it makes any, so that a refused call leaves nothing behind.
func (g *group) answer(ctx context.Context, j *job) error {
	for _, want := range j.wants {
		p, err := g.lookup(ctx, want.Ref)
		if err != nil {
			return err
		}
		if p.err != nil {
			j.err = p.err
			return nil
		}
	}
	j.got = make([]keys.Key, len(j.wants))
	for i, want := range j.wants {
		p := g.entries[want.Ref]
		if p.entry == nil {
			if err := g.make(ctx, want.Ref, p); err != nil {
				return err
			}
		}
		if !p.entry.Has(want.Tag) {
			if err := g.record(p, *want.Tag); err != nil {
				return err
			}
		}
		j.got[i] = p.entry.Key
	}
	return nil
}

func (g *group) lookup(ctx context.Context, ref keys.Ref) (*pending, error) {
	if p, ok := g.entries[ref]; ok {
		return p, nil
	}
	p := &pending{}
	r, found, err := findRef(g.conn, ref)
	if err != nil {
		return nil, err
	}
	if found {
		err = g.adopt(ctx, p, r)
	} else {
		err = g.refuseClosed(p, ref)
	}
	g.entries[ref] = p
	return p, err
}

func (g *group) adopt(ctx context.Context, p *pending, r row) error {
	key, err := r.unwrap(ctx, g.conn, g.masters)
	if err != nil {
		return err
	}
	p.n, p.entry = r.n, keys.NewEntry(key)
	if key.State != keys.Live {
		p.err = notLive(key.Ref)
	}
	return nil
}

func (g *group) refuseClosed(p *pending, ref keys.Ref) error {
	closed, err := closedThrough(g.conn, ref)
	if closed {
		p.err = notLive(ref)
	}
	return err
}

// make inserts a new key. The row numbers of keys and secrets are equal and rise.
func (g *group) make(ctx context.Context, ref keys.Ref, p *pending) error {
	master, err := g.masters.get(ctx, g.conn, g.master)
	if err != nil {
		return err
	}
	key := keys.Key{ID: newID(), Ref: ref, State: keys.Live, Secret: keys.NewSecret()}
	err = g.conn.Run("INSERT INTO keys (id, subject, field, epoch, state, master) VALUES (?, ?, ?, ?, ?, ?)",
		key.ID, ref.Subject.UUID, string(ref.Field), string(ref.Epoch), int(keys.Live), g.master)
	if err != nil {
		return err
	}
	p.n = g.conn.LastInsertRowID()
	p.entry = keys.NewEntry(key)
	return g.conn.Run("INSERT INTO secrets (n, wrapped) VALUES (?, ?)", p.n, master.Wrap(key))
}

// record writes a tag beside its key, once.
func (g *group) record(p *pending, tag keys.Tag) error {
	known, err := g.conn.Row(func(*sqlite3.Stmt) {}, "SELECT 1 FROM tags WHERE key = ? AND tag = ?", p.n, tag[:])
	if err != nil {
		return err
	}
	if !known {
		if err := g.conn.Run("INSERT INTO tags (key, tag) VALUES (?, ?)", p.n, tag[:]); err != nil {
			return err
		}
		if err := g.conn.Run("INSERT INTO buckets (bucket, tag) VALUES (?, ?)", bucketOf(tag), g.conn.LastInsertRowID()); err != nil {
			return err
		}
	}
	p.entry = p.entry.WithTag(tag)
	return nil
}
