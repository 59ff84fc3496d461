package keypg

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

// group is one attempt at a group of Ensure calls.
type group struct {
	*backend
	pending map[keys.Ref]*pending
	order   []*pending        // in which the refs were first wanted
	tags    map[recorded]bool // tags known to be recorded
	batch   batch             // what is to be written

	sure  bool // what does not open is damage
	doubt bool // a key did not open, and we are not sure
}

// doubts is how often what does not open is read again before it is called damage: a rotation may have wrapped
// it anew, or erased its master key, between the reading of the two.
const doubts = 3

// pending is a key inside a group.
type pending struct {
	ref   keys.Ref
	entry *keys.Entry // nil until the key was found or made
	err   error       // why the ref has no live key
}

// recorded is a tag beside a key.
type recorded struct {
	key [16]byte
	tag keys.Tag
}

// Make answers a group of calls with one commit.
func (b *backend) Make(calls []*keys.Call) (made []*keys.Entry, err error) {
	var g *group
	tries := 0
	err = b.attempt(context.Background(), func(ctx context.Context) error { // patience ends it
		tries++
		g = &group{backend: b, pending: map[keys.Ref]*pending{}, tags: map[recorded]bool{}, sure: tries > doubts}
		err := g.run(ctx, calls)
		if errors.Is(err, errStale) {
			b.masters.refresh() // a rotation may have made a newer master key
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, p := range g.order {
		if p.entry != nil {
			made = append(made, p.entry)
		}
	}
	return made, nil
}

// run reads what there is, decides what each call gets, and writes what is missing. What was read is
// read outside of the turn, so keys that exist need none; the writing looks whether it still holds.
func (g *group) run(ctx context.Context, calls []*keys.Call) error {
	for _, call := range calls {
		call.Err, call.Got = nil, nil
		for _, want := range call.Wants {
			if g.pending[want.Ref] == nil {
				p := &pending{ref: want.Ref}
				g.pending[want.Ref] = p
				g.order = append(g.order, p)
			}
		}
	}
	if err := g.find(ctx); err != nil {
		return err
	}
	if g.doubt {
		return errStale
	}
	if err := g.findTags(ctx, calls); err != nil {
		return err
	}
	month, err := g.masters.ofMonth(ctx, domain.MonthOf(g.cfg.Now()))
	if err != nil {
		return err
	}
	if g.batch.master, err = g.masters.get(ctx, month); err != nil {
		return err
	}
	g.batch.month = month
	for _, call := range calls {
		g.answer(call)
	}
	return g.batch.write(ctx, g.backend)
}

// find reads the keys of the refs, and whether those without one are closed.
func (g *group) find(ctx context.Context) error {
	refs := make([]keys.Ref, len(g.order))
	for i, p := range g.order {
		refs[i] = p.ref
	}
	rows, marks, err := g.look(ctx, refs)
	if err != nil {
		return err
	}
	found := map[keys.Ref]bool{}
	for _, r := range rows {
		found[r.key.Ref] = true
		g.adopt(ctx, g.pending[r.key.Ref], r.row)
	}
	for _, ref := range refs {
		if !found[ref] && isClosed(marks, ref) {
			g.pending[ref].err = keys.NotLive(ref)
		}
	}
	return nil
}

// look asks for keys and marks in one round trip, since most calls of the writer are about new keys.
func (g *group) look(ctx context.Context, refs []keys.Ref) (rows []numbered, marks map[place]domain.Epoch, err error) {
	subjects, fields, epochs := refArrays(refs)
	questions := &pgx.Batch{}
	questions.Queue(byRefs, subjects, fields, epochs).Query(func(answer pgx.Rows) (err error) {
		rows, err = scanAll(answer)
		return err
	})
	questions.Queue(marksOf, markArgs(refs)...).Query(func(answer pgx.Rows) (err error) {
		marks, err = scanMarks(answer)
		return err
	})
	if err := g.pool.SendBatch(ctx, questions).Close(); err != nil {
		return nil, nil, err
	}
	whole, err := addWrapped(ctx, g.pool, rows)
	if err == nil && !whole {
		rows, err = g.consistent(ctx, g.pool, byRefs, subjects, fields, epochs)
	}
	return rows, marks, err
}

// adopt takes a key that exists. One that does not open fails the calls that want it, not the others.
func (g *group) adopt(ctx context.Context, p *pending, r row) {
	key, err := g.unwrap(ctx, r)
	if err != nil {
		g.doubt = g.doubt || !g.sure && errors.Is(err, eventstore.ErrCorrupt)
		p.err = g.translate(err)
		return
	}
	p.entry = keys.NewEntry(key)
	if key.State != keys.Live {
		p.err = keys.NotLive(key.Ref)
	}
}

// findTags reads which of the wanted tags are recorded with the keys that exist.
func (g *group) findTags(ctx context.Context, calls []*keys.Call) error {
	var shelf []int16
	var key [][16]byte
	var tag [][]byte
	for _, call := range calls {
		for _, want := range call.Wants {
			if p := g.pending[want.Ref]; want.Tag != nil && p.entry != nil && p.err == nil {
				shelf, key, tag = append(shelf, shelfOf(want.Ref.Subject)), append(key, p.entry.Key.ID), append(tag, want.Tag[:])
			}
		}
	}
	if len(key) == 0 {
		return nil
	}
	rows, err := g.pool.Query(ctx, `SELECT t.key, t.tag FROM unnest($1::smallint[], $2::uuid[], $3::bytea[]) AS w (shelf, key, tag)
		JOIN litopys_keys.tags t ON t.shelf = w.shelf AND t.key = w.key AND t.tag = w.tag`, shelf, key, tag)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r recorded
		var bytes []byte
		if err := rows.Scan(&r.key, &bytes); err != nil {
			return err
		}
		copy(r.tag[:], bytes)
		g.tags[r] = true
	}
	return rows.Err()
}

// answer looks at all refs of a call before it makes any, so that a refused call leaves nothing behind.
func (g *group) answer(call *keys.Call) {
	for _, want := range call.Wants {
		if err := g.pending[want.Ref].err; err != nil {
			call.Err = err
			return
		}
	}
	call.Got = make([]keys.Key, len(call.Wants))
	for i, want := range call.Wants {
		p := g.pending[want.Ref]
		if p.entry == nil {
			p.entry = keys.NewEntry(g.batch.make(want.Ref))
		} else {
			g.batch.expect(p.entry.Key)
		}
		if !p.entry.Has(want.Tag) {
			g.record(p, *want.Tag)
		}
		call.Got[i] = p.entry.Key
	}
}

// record writes a tag beside its key, once.
func (g *group) record(p *pending, tag keys.Tag) {
	r := recorded{key: p.entry.Key.ID, tag: tag}
	if !g.tags[r] {
		g.tags[r] = true
		g.batch.record(p.entry.Key, tag)
	}
	p.entry = p.entry.WithTag(tag)
}
