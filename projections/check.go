package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// Comparison is what a fresh fold of the log says of one table's live rows.
type Comparison struct {
	Projection string
	Table      string
	Position   uint64 // up to which both stand for the log
	Fresh      Sum
	Live       Sum
	// Difference is the first one, by key; "" when there is none.
	Difference string
}

// Check folds the log anew, beside everything, and compares what comes of it with the live rows of these
// projections (all, when none is named), each at the place where its rows stand. It writes nothing to the
// backend, and live builds go on meanwhile. When rows differ it gives every comparison with ErrMismatch,
// which names the first table and key that differ. A projection that stands still for a reason of its own
// gives that reason; ErrNoBuild says that there is nothing to compare with.
func (e *Engine) Check(ctx context.Context, names []string, watch func(Progress)) ([]Comparison, error) {
	set, err := e.named(names)
	if err != nil {
		return nil, err
	}
	shelf, err := tempShelf()
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	defer shelf.close()
	c := &check{engine: e, progress: progress{now: e.cfg.Now, watch: watch, began: e.cfg.Now()}}
	out, err := c.run(ctx, set, shelf)
	for _, x := range c.lanes {
		x.spool.abandon()
	}
	if err != nil {
		return out, fmt.Errorf("check: %w", err)
	}
	return out, nil
}

// check is one run of Check.
type check struct {
	engine *Engine
	lanes  []*lane
	progress
}

func (c *check) run(ctx context.Context, set []*Projection, shelf *shelf) ([]Comparison, error) {
	if err := c.prepare(ctx, set, shelf); err != nil {
		return nil, err
	}
	c.say(Loading)
	if err := c.read(ctx); err != nil {
		return nil, err
	}
	c.say(Comparing)
	var out []Comparison
	err := c.engine.cfg.Backend.View(ctx, func(s Snapshot) error {
		// The live builds have gone on while the log was read.
		if err := c.follow(ctx, s); err != nil {
			return err
		}
		out = nil
		for _, x := range c.lanes {
			for i := range x.p.Tables {
				one, err := c.compare(ctx, s, x, i)
				if err != nil {
					return fmt.Errorf("projection %s: %w", x.p.Name, err)
				}
				out = append(out, one)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, mismatch(out)
}

func mismatch(all []Comparison) error {
	for _, one := range all {
		if one.Difference != "" {
			return fmt.Errorf("%w: table %s: %s", ErrMismatch, one.Table, one.Difference)
		}
	}
	return nil
}

func (c *check) prepare(ctx context.Context, set []*Projection, shelf *shelf) error {
	cfg := c.engine.cfg
	log, err := cfg.Source.Identity(ctx)
	if err != nil {
		return err
	}
	builds, err := cfg.Backend.Builds(ctx)
	if err != nil {
		return err
	}
	for _, p := range set {
		b, ok := find(builds, p.Name, Live)
		if !ok {
			return fmt.Errorf("projection %s: %w", p.Name, ErrNoBuild)
		}
		if err := c.engine.check(ctx, p, b, log); err != nil {
			return err
		}
		c.head = max(c.head, b.Mark.Position)
		x := &lane{p: p, build: b, bounded: true, until: b.Mark.Position}
		if x.spool, err = openSpool(shelf.dir, p, b); err != nil {
			return err
		}
		x.batch = newPacked(p, Mark{})
		c.lanes = append(c.lanes, x)
	}
	return nil
}

// read folds up to where each lane has to go.
func (c *check) read(ctx context.Context) error {
	l := &load{cfg: c.engine.cfg, read: c.advance, head: c.head}
	if err := l.run(ctx, c.lanes, after(c.lanes, 0)); err != nil {
		return err
	}
	var errs []error
	for _, x := range c.lanes {
		if x.failure != nil {
			errs = append(errs, x.failure)
		}
	}
	return errors.Join(errs...)
}

// follow brings the lanes to where the snapshot stands.
func (c *check) follow(ctx context.Context, s Snapshot) error {
	again := false
	for _, x := range c.lanes {
		live, err := s.Live(ctx, x.p.Name)
		if err != nil {
			return err
		}
		have := x.batch.Mark()
		if live.Version != x.build.Version || live.Log != x.build.Log || live.Mark.Position < have.Position {
			return fmt.Errorf("projection %s: %w", x.p.Name, ErrConflict)
		}
		x.build, x.until = live, live.Mark.Position
		again = again || live.Mark.Position > have.Position
		c.head = max(c.head, live.Mark.Position)
	}
	if !again {
		return nil
	}
	return c.read(ctx)
}

// compare goes through both sides at once, since both are sorted by key.
func (c *check) compare(ctx context.Context, s Snapshot, x *lane, i int) (Comparison, error) {
	t := x.p.Tables[i]
	out := Comparison{Projection: x.p.Name, Table: t.Name, Position: x.build.Mark.Position}
	next, stop := iter.Pull2(x.spool.rows(i))
	defer stop()
	var side [2]summer
	side[0], side[1] = *newSummer(t), *newSummer(t)
	fresh, err, more := next()
	for live, bad := range s.Select(ctx, Select{Table: t}) {
		if err = errors.Join(err, bad); err != nil {
			return out, err
		}
		side[1].add(coded{Row: live})
		order := -1
		for more && order < 0 && err == nil {
			if order = compareKeys(t, fresh.Row, live); order > 0 {
				break
			}
			side[0].add(fresh)
			out.note(t, order, fresh.Row, live)
			fresh, err, more = next()
		}
		if order != 0 {
			out.note(t, 1, nil, live)
		}
	}
	for ; more && err == nil; fresh, err, more = next() {
		side[0].add(fresh)
		out.note(t, -1, fresh.Row, nil)
	}
	out.Fresh, out.Live = side[0].sum(), side[1].sum()
	c.stored(out.Live.Rows, 0)
	return out, err
}

// note keeps the first difference. Which columns differ is said, and never what stands in them.
func (o *Comparison) note(t *Table, order int, fresh, live Row) {
	switch {
	case o.Difference != "":
	case order < 0:
		o.Difference = "row " + keyText(t, fresh) + " is missing"
	case order > 0:
		o.Difference = "row " + keyText(t, live) + " should not be there"
	default:
		var names []string
		for i, c := range t.Columns {
			if fresh[i] != live[i] {
				names = append(names, c.Name)
			}
		}
		if len(names) > 0 {
			o.Difference = "row " + keyText(t, live) + " differs in " + strings.Join(names, ", ")
		}
	}
}

func compareKeys(t *Table, a, b Row) int {
	var x, y [128]byte
	return strings.Compare(string(AppendKey(x[:0], a[:t.Key])), string(AppendKey(y[:0], b[:t.Key])))
}

// keyText writes a key for people.
func keyText(t *Table, row Row) string {
	parts := make([]string, t.Key)
	for i, v := range row[:t.Key] {
		switch v.t {
		case UUID:
			parts[i] = v.UUID().String()
		case Time:
			parts[i] = TimeText(v.Time())
		case Text:
			parts[i] = fmt.Sprintf("%q", v.s)
		default:
			parts[i] = fmt.Sprint(v.n)
		}
	}
	return strings.Join(parts, " ")
}
