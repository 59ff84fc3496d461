package projections

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/uuid"
)

// A rebuild puts rows aside on disk, sorted, until it has read the whole log: then every row is known to the
// end and is loaded once, in the order of its key, into an empty table. What was put aside up to a mark
// survives a kill:
//
//	<dir>/<projection>/mark.json    which build, up to where, and which files count with their sums
//	                  /<table>.<n>  a sorted run, or a stretch of a Log table
//
// Files that mark.json does not name are remains of a run that died, and go.

// spool is what one projection has put aside.
type spool struct {
	dir        string
	projection *Projection
	said       bookmark
	open       []*runWriter // by table: the stretch of a Log table that is being written
	number     int          // of the last file made
	fresh      int64        // bytes in open stretches
}

// bookmark is the content of mark.json.
type bookmark struct {
	Projection string
	Version    int
	Number     int64 // of the build
	Log        uuid.UUID
	Mark       Mark
	Events     int64
	Tables     [][]run // by table, the oldest run first
}

const (
	bookmarkName = "mark.json"
	// maxRuns of a table are open at once; when there are more, the older half is first merged into one.
	maxRuns = 256
)

// openSpool takes up what was put aside for this build, or begins anew when that is of another build, or
// damaged.
func openSpool(dir string, p *Projection, b Build) (*spool, error) {
	s := &spool{dir: filepath.Join(dir, p.Name), projection: p, open: make([]*runWriter, len(p.Tables))}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	fresh := bookmark{Projection: p.Name, Version: b.Version, Number: b.Number, Log: b.Log, Tables: make([][]run, len(p.Tables))}
	text, err := os.ReadFile(filepath.Join(s.dir, bookmarkName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err != nil || json.Unmarshal(text, &s.said) != nil || !s.said.continues(fresh) || !s.sound() {
		s.said = fresh
	}
	return s, s.sweep()
}

func (m bookmark) continues(b bookmark) bool {
	return m.Projection == b.Projection && m.Version == b.Version && m.Number == b.Number && m.Log == b.Log && len(m.Tables) == len(b.Tables)
}

// sound reads every file once: a machine that lost its power may have kept the bookmark and lost rows.
func (s *spool) sound() bool {
	for _, runs := range s.said.Tables {
		for _, r := range runs {
			for _, err := range r.blocks(s.dir) {
				if err != nil {
					return false
				}
			}
		}
	}
	return true
}

// restart forgets everything.
func (s *spool) restart() error {
	s.said.Mark, s.said.Events, s.said.Tables = Mark{}, 0, make([][]run, len(s.projection.Tables))
	return s.sweep()
}

// sweep removes files that do not count, and makes sure that new ones get new names.
func (s *spool) sweep() error {
	keep := map[string]bool{bookmarkName: s.said.Mark != Mark{}}
	for _, runs := range s.said.Tables {
		for _, r := range runs {
			keep[r.File] = true
		}
	}
	found, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, f := range found {
		if !keep[f.Name()] {
			if err := os.Remove(filepath.Join(s.dir, f.Name())); err != nil {
				return err
			}
		}
		var n int
		if _, err := fmt.Sscanf(filepath.Ext(f.Name()), ".%d", &n); err == nil {
			s.number = max(s.number, n)
		}
	}
	return nil
}

// size is how many bytes are bookmarked; of no spool, none.
func (s *spool) size() (n int64) {
	if s == nil {
		return 0
	}
	for _, runs := range s.said.Tables {
		for _, r := range runs {
			n += r.Size
		}
	}
	return n
}

// remove removes everything, once it is loaded.
func (s *spool) remove() error {
	s.abandon()
	return os.RemoveAll(s.dir)
}

// abandon closes open files. What they hold is not bookmarked.
func (s *spool) abandon() {
	for i, w := range s.open {
		if w != nil {
			_ = w.f.Close()
		}
		s.open[i] = nil
	}
}

func (s *spool) create(t *Table) (*runWriter, error) {
	s.number++
	name := fmt.Sprintf("%s.%d", t.Name, s.number)
	f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &runWriter{f: f, run: run{File: name}}, nil
}

// drain writes rows of Log tables out of the batch's memory.
func (s *spool) drain(b *Batch, least int) (err error) {
	for i := range b.tables {
		p := b.pack(i)
		if !p.table.Log || p.size < least || p.size == 0 {
			continue
		}
		if s.open[i] == nil {
			if s.open[i], err = s.create(p.table); err != nil {
				return err
			}
		}
		if err := s.open[i].write(p); err != nil {
			return err
		}
		b.size -= p.size
		s.fresh += int64(p.size)
		p.renew()
	}
	return nil
}

// put writes all that the batch holds, bookmarks it, and begins the next batch in its memory.
func (s *spool) put(b *Batch) error {
	if b.Empty() {
		return nil
	}
	if err := s.drain(b, 0); err != nil {
		return err
	}
	next := s.said
	next.Tables = slices.Clone(next.Tables)
	for i := range b.tables {
		var r run
		var err error
		p := b.pack(i)
		switch {
		case s.open[i] != nil:
			r, err = s.open[i].close()
			s.open[i] = nil
		case len(p.ops) > 0:
			r, err = s.writeRun(p)
		default:
			continue
		}
		if err != nil {
			return err
		}
		next.Tables[i] = append(slices.Clip(next.Tables[i]), r)
		if runs := next.Tables[i]; len(runs) > maxRuns && !p.table.Log {
			one, err := s.compact(p.table, runs[:maxRuns/2])
			if err != nil {
				return err
			}
			next.Tables[i] = append(one, runs[maxRuns/2:]...)
		}
	}
	next.Mark, next.Events = b.Mark(), next.Events+b.Events()
	if err := s.say(next); err != nil {
		return err
	}
	s.fresh = 0
	b.renew()
	return nil
}

// say makes the bookmark: whole or not at all.
func (s *spool) say(next bookmark) error {
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	name := filepath.Join(s.dir, bookmarkName)
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	s.said = next
	return nil
}

// writeRun writes the entries of a batch, sorted.
func (s *spool) writeRun(p *pack) (run, error) {
	w, err := s.create(p.table)
	if err != nil {
		return run{}, err
	}
	if err := p.entries(w.block); err != nil {
		return run{}, errors.Join(err, w.f.Close())
	}
	return w.close()
}

// compact makes one run of the oldest ones: with the first of them every row is known whole.
func (s *spool) compact(t *Table, runs []run) ([]run, error) {
	w, err := s.create(t)
	if err != nil {
		return nil, err
	}
	var key, block []byte
	cursors := s.cursors(t, runs)
	defer stopAll(cursors)
	merge(t, cursors, func(row coded, bad error) bool {
		if err = bad; err != nil {
			return false
		}
		key = AppendKey(key[:0], row.Row[:t.Key])
		block = row.entry(block[:0], key)
		err = w.block(block)
		return err == nil
	})
	if err != nil {
		return nil, errors.Join(err, w.f.Close())
	}
	one, err := w.close()
	return []run{one}, err
}

// rows gives the rows of a table that come of all that was put aside, sorted by key. It may be asked several
// times. A row is valid until the next one.
func (s *spool) rows(i int) iter.Seq2[coded, error] {
	t, runs := s.projection.Tables[i], s.said.Tables[i]
	if t.Log {
		return func(yield func(coded, error) bool) { s.logRows(t, runs, yield) }
	}
	return func(yield func(coded, error) bool) {
		open := s.cursors(t, runs)
		defer stopAll(open)
		merge(t, open, yield)
	}
}

func stopAll(runs []*cursor) {
	for _, c := range runs {
		c.stop()
	}
}

func (s *spool) cursors(t *Table, runs []run) []*cursor {
	var out []*cursor
	for _, r := range runs {
		next, stop := r.open(s.dir)
		out = append(out, &cursor{entry: &entry{}, stop: stop, next: func(c *cursor) (bool, error) {
			block, err := next()
			if err != nil || block == nil {
				return false, err
			}
			in := reader{b: block}
			if in.entry(t, c.entry); in.bad {
				return false, errSpoiled
			}
			return true, nil
		}})
	}
	return out
}

func (s *spool) logRows(t *Table, runs []run, yield func(coded, error) bool) {
	row := make(Row, len(t.Columns))
	for _, r := range runs {
		for block, err := range r.blocks(s.dir) {
			in := reader{b: block}
			if err == nil {
				if in.row(t, row); in.bad || len(in.b) > 0 {
					err = errSpoiled
				}
			}
			if !yield(coded{row, block}, err) || err != nil {
				return
			}
		}
	}
}
