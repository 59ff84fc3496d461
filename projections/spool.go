package projections

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/google/uuid"
)

// A rebuild puts rows aside on disk, sorted, until it has read the whole log: then every row is known to the
// end and is loaded once, in the order of its key, into an empty table. What was put aside up to a mark
// survives a kill:
//
//	<dir>/<projection>/mark.json    which build, up to where, and which files count with their sums
//	                  /runs.<n>     sorted runs, one for each table of a batch
//	                  /<table>.<n>  a stretch of a Log table
//
// Files that mark.json does not name are remains of a run that died, and go.

// spool is what one projection has put aside.
type spool struct {
	dir        string
	projection *Projection
	said       bookmark
	runs       *os.File     // where the sorted runs of this batch go
	end        int64        // of the last one
	buf        []byte       // of whichever run is written
	open       []*runWriter // by table: the stretch of a Log table that is being written
	number     int          // of the last file made
	fresh      int64        // bytes in open stretches
	passed     atomic.Int64 // bytes of runs that were read
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
			if r.sound(s.dir) != nil {
				return false
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
	for i := range s.said.Tables {
		n += s.tableSize(i)
	}
	return n
}

func (s *spool) tableSize(i int) (n int64) {
	for _, r := range s.said.Tables[i] {
		n += r.Size
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
	_ = s.endRuns()
}

func (s *spool) create(name string) (*os.File, error) {
	s.number++
	name = fmt.Sprintf("%s.%d", name, s.number)
	return os.OpenFile(filepath.Join(s.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // #nosec G304 -- a name of our own
}

// sorted begins a run behind the others of the batch: a file for each would cost more than what is in it.
func (s *spool) sorted() (w *runWriter, err error) {
	if s.runs == nil {
		if s.runs, err = s.create("runs"); err != nil {
			return nil, err
		}
		s.end = 0
	}
	return newRunWriter(s.runs, s.end, s.buf[:0]), nil
}

// ended ends what sorted began.
func (s *spool) ended(w *runWriter) (run, error) {
	err := w.flush()
	s.end, s.buf = s.end+w.Size, w.buf
	return w.run, err
}

// endRuns ends the file of the batch. It is not synced: sums tell whether it is all there.
func (s *spool) endRuns() (err error) {
	if s.runs != nil {
		err = s.runs.Close()
	}
	s.runs = nil
	return err
}

// drain writes rows of Log tables out of the batch's memory.
func (s *spool) drain(b *Batch, least int) (err error) {
	for i := range b.tables {
		p := b.pack(i)
		if !p.table.Log || p.size < least || p.size == 0 {
			continue
		}
		if s.open[i] == nil {
			f, err := s.create(p.table.Name)
			if err != nil {
				return err
			}
			s.open[i] = newRunWriter(f, 0, nil)
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
			r, err = s.open[i].run, s.open[i].f.Close()
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
	if err := s.endRuns(); err != nil {
		return err
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
	w, err := s.sorted()
	if err == nil {
		err = p.entries(w.block)
	}
	if err != nil {
		return run{}, err
	}
	return s.ended(w)
}

// compact makes one run of the oldest ones: with the first of them every row is known whole.
func (s *spool) compact(t *Table, runs []run) ([]run, error) {
	w, err := s.sorted()
	if err != nil {
		return nil, err
	}
	var b block
	readers := s.readers(runs)
	defer closeAll(readers)
	merge(t, readers, func(row coded, bad error) bool {
		if err = bad; err == nil {
			b = appendWhole(b[:0], t, row.Row)
			err = w.block(b)
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	one, err := s.ended(w)
	return []run{one}, err
}

// rows gives the rows of a table that come of all that was put aside, sorted by key. It may be asked several
// times. A row is valid until the next one.
func (s *spool) rows(i int) iter.Seq2[coded, error] {
	t, runs := s.projection.Tables[i], s.said.Tables[i]
	return func(yield func(coded, error) bool) {
		readers := s.readers(runs)
		defer closeAll(readers)
		if t.Log {
			logRows(t, readers, yield)
		} else {
			merge(t, readers, yield)
		}
	}
}

func (s *spool) readers(runs []run) []*runReader {
	out := make([]*runReader, len(runs))
	for i, r := range runs {
		out[i] = r.open(s.dir)
		out[i].passed = &s.passed
	}
	return out
}

func closeAll(readers []*runReader) {
	for _, r := range readers {
		r.close()
	}
}

func logRows(t *Table, runs []*runReader, yield func(coded, error) bool) {
	row := make(Row, len(t.Columns))
	for _, r := range runs {
		for {
			b, err := r.next()
			if b == nil && err == nil {
				break
			}
			if err == nil {
				err = b.row(t, row)
			}
			if err != nil {
				yield(coded{}, err)
				return
			}
			if !yield(coded{row, b.code()}, nil) {
				return
			}
		}
	}
}
