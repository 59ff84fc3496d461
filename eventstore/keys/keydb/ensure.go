package keydb

import (
	"context"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

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

// Make answers a group of calls with one commit.
func (w *writer) Make(calls []*keys.Call) (made []*keys.Entry, err error) {
	ctx, cancel := kmsContext()
	defer cancel()
	g := &group{writer: w, entries: map[keys.Ref]*pending{}}
	if err := g.commit(ctx, calls); err != nil {
		return nil, err
	}
	for _, p := range g.entries {
		if p.entry != nil {
			made = append(made, p.entry)
		}
	}
	return made, nil
}

func (g *group) commit(ctx context.Context, calls []*keys.Call) (err error) {
	g.master, err = g.masters.ofMonth(ctx, g.conn, domain.MonthOf(g.cfg.Now()))
	if err != nil {
		return err
	}
	passed := max(g.passed.Load(), g.followed)
	err = g.conn.Tx(func() error {
		for _, call := range calls {
			if err := g.answer(ctx, call); err != nil {
				return err
			}
		}
		if passed == g.followed {
			return nil
		}
		return g.conn.Run("UPDATE meta SET followed = ?", passed)
	})
	if err == nil {
		g.followed = passed
	}
	return err
}

// answer looks up all refs of a call before it makes any, so that a refused call leaves nothing behind.
func (g *group) answer(ctx context.Context, call *keys.Call) error {
	for _, want := range call.Wants {
		p, err := g.lookup(ctx, want.Ref)
		if err != nil {
			return err
		}
		if p.err != nil {
			call.Err = p.err
			return nil
		}
	}
	call.Got = make([]keys.Key, len(call.Wants))
	for i, want := range call.Wants {
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
		call.Got[i] = p.entry.Key
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
		p.err = keys.NotLive(key.Ref)
	}
	return nil
}

func (g *group) refuseClosed(p *pending, ref keys.Ref) error {
	closed, err := closedThrough(g.conn, ref)
	if closed {
		p.err = keys.NotLive(ref)
	}
	return err
}

// make inserts a new key. The row numbers of keys and secrets are equal and rise.
func (g *group) make(ctx context.Context, ref keys.Ref, p *pending) error {
	master, err := g.masters.get(ctx, g.conn, g.master)
	if err != nil {
		return err
	}
	key := keys.NewKey(ref)
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
		if err := writeTag(g.conn, p.n, tag); err != nil {
			return err
		}
	}
	p.entry = p.entry.WithTag(tag)
	return nil
}

func writeTag(conn *sqlite.Conn, key int64, tag keys.Tag) error {
	if err := conn.Run("INSERT INTO tags (key, tag) VALUES (?, ?)", key, tag[:]); err != nil {
		return err
	}
	return conn.Run("INSERT INTO buckets (bucket, tag) VALUES (?, ?)", int(tag.Bucket()), conn.LastInsertRowID())
}
