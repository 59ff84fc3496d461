package keypg

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// Ensure gives the live key of each ref, making the missing ones. Warm keys come out of memory when the
// database says that they have not changed; the rest go to the writer, who commits the calls that wait
// together.
func (s *Store) Ensure(ctx context.Context, wants []keys.Want) ([]keys.Key, error) {
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	out := make([]keys.Key, len(wants))
	var cold []keys.Want
	var places []int
	for i, w := range wants {
		entry, ok := s.cache.ByRef(w.Ref)
		if !ok || !entry.Has(w.Tag) {
			if err := check(w.Ref); err != nil {
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

// check keeps out what the database would refuse, and with it all calls of the group.
func check(r keys.Ref) error {
	if err := r.Check(); err != nil {
		return err
	}
	if !utf8.ValidString(string(r.Field)) || strings.ContainsRune(string(r.Field), 0) {
		return fmt.Errorf("field is not UTF-8 text: %w", keys.ErrInvalidRef)
	}
	return nil
}

// group is one attempt at a group of Ensure calls.
type group struct {
	*Store
	pending map[keys.Ref]*pending
	order   []*pending        // in which the refs were first wanted
	tags    map[recorded]bool // tags known to be recorded
	batch   batch             // what is to be written
}

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

// ensureGroup answers a group of calls with one commit. A call that wants a key which is not live gets its
// error and makes nothing, the others of the group are not harmed by it.
func (s *Store) ensureGroup(ctx context.Context, jobs []*job) {
	var g *group
	generation := uint64(0)
	err := s.attempt(ctx, func(ctx context.Context) error {
		generation = s.cache.Generation()
		g = &group{Store: s, pending: map[keys.Ref]*pending{}, tags: map[recorded]bool{}}
		return g.run(ctx, jobs)
	})
	if err == nil {
		for _, p := range g.order {
			if p.entry != nil {
				s.cache.Put(generation, p.entry)
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

// run reads what there is, decides what each call gets, and writes what is missing. What was read is
// read outside of the turn, so keys that exist need none; the writing looks whether it still holds.
func (g *group) run(ctx context.Context, jobs []*job) error {
	for _, j := range jobs {
		j.err, j.got = nil, nil
		for _, want := range j.wants {
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
	if err := g.findTags(ctx, jobs); err != nil {
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
	for _, j := range jobs {
		g.answer(j)
	}
	return g.batch.write(ctx, g.Store)
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
			g.pending[ref].err = notLive(ref)
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
		p.err = g.translate(err)
		return
	}
	p.entry = keys.NewEntry(key)
	if key.State != keys.Live {
		p.err = notLive(key.Ref)
	}
}

// findTags reads which of the wanted tags are recorded with the keys that exist.
func (g *group) findTags(ctx context.Context, jobs []*job) error {
	var shelf []int16
	var key [][16]byte
	var tag [][]byte
	for _, j := range jobs {
		for _, want := range j.wants {
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
func (g *group) answer(j *job) {
	for _, want := range j.wants {
		if err := g.pending[want.Ref].err; err != nil {
			j.err = err
			return
		}
	}
	j.got = make([]keys.Key, len(j.wants))
	for i, want := range j.wants {
		p := g.pending[want.Ref]
		if p.entry == nil {
			p.entry = keys.NewEntry(g.batch.make(want.Ref))
		} else {
			g.batch.expect(p.entry.Key)
		}
		if !p.entry.Has(want.Tag) {
			g.record(p, *want.Tag)
		}
		j.got[i] = p.entry.Key
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
