package importer

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	json "github.com/go-json-experiment/json"
	"github.com/gofrs/flock"
)

// Partial follows the name of a file of rejects until the run has ended well.
const Partial = ".partial"

// RejectsConfig says where rejects go, and what they keep away from.
type RejectsConfig struct {
	// Path is the file. A pipe or a device takes the rejects as they come.
	Path string
	// Input is the text that is imported: it is never written to. Optional.
	Input *Input
	// Folder is the data folder of the ledger: nothing is written inside. Optional.
	Folder string
	// Answers are the files to which the program answers: replacing one would lose the answer. Optional.
	Answers []*os.File
}

// Rejects writes rejects, one JSON object a line. It is used by one goroutine.
//
// A run judges every line of its input anew, so its rejects replace those of an earlier run, at its end and at
// once: until then they stand in a file of their own beside (Partial), which is what a run that was killed or
// failed leaves, and what the next run begins anew. So a file of rejects always belongs to one run that went
// through, with one line for each that its report counts as rejected; without rejects there is no file. Only
// files that are empty or hold rejects are ever replaced or removed.
type Rejects struct {
	cfg    RejectsConfig
	target string // the file itself where Path is a link
	stream bool   // a pipe or a device: nothing to replace

	file    *os.File // open from the first reject to the end
	lock    *flock.Flock
	out     *bufio.Writer
	pending []Reject // of the lines that are judged together, not yet in order
	written bool
	failed  error // of writing
	ended   bool  // the run went through
}

// NewRejects opens a file of rejects that keeps away from nothing but what is no file of rejects.
func NewRejects(path string) (*Rejects, error) { return OpenRejects(RejectsConfig{Path: path}) }

// OpenRejects prepares for rejects and changes nothing yet. It fails with ErrPlace where they must not go, and
// when the folder can't be written to: before anything is imported, so that no reject is lost later.
func OpenRejects(cfg RejectsConfig) (*Rejects, error) {
	r := &Rejects{cfg: cfg, target: cfg.Path}
	if isStream(cfg.Path) {
		r.stream = true
		return r, r.openStream()
	}
	if err := r.resolve(); err != nil {
		return nil, err
	}
	if err := r.mayReplace(); err != nil {
		return nil, err
	}
	return r, probe(filepath.Dir(r.target))
}

// probe tells whether files can be made in the folder.
func probe(folder string) error {
	// A folder whose mode allows nobody to write is left alone, also by those whom no mode stops.
	if info, err := os.Stat(folder); err == nil && info.Mode().Perm()&0o222 == 0 {
		return fmt.Errorf("rejects: %s: %w", folder, os.ErrPermission)
	}
	trial, err := os.CreateTemp(folder, ".rejects-*")
	if err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	if err := errors.Join(trial.Close(), os.Remove(trial.Name())); err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	return nil
}

// Add takes one reject; Settle writes it.
func (r *Rejects) Add(reject Reject) { r.pending = append(r.pending, reject) }

// Settle writes what was added since the last time, in the order of lines, so that a process that is killed
// after it leaves them. After an error nothing more is written, and the error is told once.
func (r *Rejects) Settle() error {
	if len(r.pending) == 0 || r.failed != nil {
		return nil
	}
	if r.failed = r.begin(); r.failed == nil {
		r.failed = r.write()
	}
	r.pending = r.pending[:0]
	return r.failed
}

func (r *Rejects) write() error {
	slices.SortFunc(r.pending, func(a, b Reject) int { return cmp.Compare(a.Line, b.Line) })
	for _, reject := range r.pending {
		if err := json.MarshalWrite(r.out, reject); err != nil {
			return fmt.Errorf("rejects: %w", err)
		}
		if err := r.out.WriteByte('\n'); err != nil {
			return fmt.Errorf("rejects: %w", err)
		}
	}
	if err := r.out.Flush(); err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	return nil
}

// begin opens the file at the first reject of the run: by then the ledger is open, so a run that is turned
// away leaves what an earlier one left.
func (r *Rejects) begin() error {
	if r.written {
		return nil
	}
	if !r.stream {
		if err := r.openPartial(); err != nil {
			return err
		}
	}
	r.out = bufio.NewWriter(r.file)
	r.written = true
	return nil
}

// openPartial opens the partial file for this run alone: two imports of one input into two ledgers would
// otherwise write into each other's account.
func (r *Rejects) openPartial() error {
	partial := r.target + Partial
	if err := r.mayTake(partial); err != nil {
		return err
	}
	lock := flock.New(partial, flock.SetPermissions(0o600))
	mine, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("rejects: lock %s: %w", partial, err)
	}
	if !mine {
		return busy(partial)
	}
	file, err := os.OpenFile(partial, os.O_WRONLY, 0)
	if err != nil {
		return errors.Join(fmt.Errorf("rejects: %w", err), lock.Close())
	}
	if err = sameFile(lock, file); err == nil {
		err = file.Truncate(0)
	}
	if err != nil {
		return errors.Join(err, file.Close(), lock.Close())
	}
	r.file, r.lock = file, lock
	return nil
}

func busy(partial string) error {
	return refusePlace("another import writes to %s; name another file and run again", partial)
}

// sameFile guards against an import that ended between lock and open, and renamed the file that was locked.
func sameFile(lock *flock.Flock, file *os.File) error {
	locked, err := lock.Stat()
	if err != nil {
		return err
	}
	opened, err := file.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(locked, opened) {
		return busy(file.Name())
	}
	return nil
}

// Finish is called when every line was judged: the rejects take the place of those of an earlier run.
func (r *Rejects) Finish() error {
	if err := r.Settle(); err != nil || r.failed != nil {
		return cmp.Or(err, r.failed)
	}
	if r.stream {
		r.ended = true
		return r.Close()
	}
	// Somebody may have put something else there while the run went on.
	if err := r.mayReplace(); err != nil {
		return err
	}
	if !r.written {
		r.ended = true
		return errors.Join(r.remove(r.target), r.removePartial())
	}
	err := r.file.Sync()
	if err == nil {
		err = os.Rename(r.target+Partial, r.target)
	}
	if err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	r.ended = true
	return r.Close()
}

// removePartial takes away what a killed run left, unless somebody writes there now.
func (r *Rejects) removePartial() error {
	partial := r.target + Partial
	if _, err := os.Lstat(partial); err != nil || r.mayTake(partial) != nil {
		return nil
	}
	lock := flock.New(partial, flock.SetFlag(os.O_RDONLY))
	if mine, err := lock.TryLock(); err != nil || !mine {
		return nil
	}
	return errors.Join(r.remove(partial), lock.Close())
}

func (r *Rejects) remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("rejects: %w", err)
	}
	return nil
}

// Path is the file that holds the rejects of this run, or empty when none does: there are no rejects, or they
// went into a pipe. It ends with Partial when the run did not go through.
func (r *Rejects) Path() string {
	switch {
	case !r.written || r.stream:
		return ""
	case r.ended:
		return r.cfg.Path
	}
	return r.target + Partial
}

// Close writes out what is left; what a run that did not end wrote stays in its partial file. Closing twice
// is a no-op.
func (r *Rejects) Close() error {
	err := r.Settle()
	if r.file == nil {
		return err
	}
	if !r.stream {
		err = errors.Join(err, r.file.Sync())
	}
	err = errors.Join(err, r.file.Close())
	if r.lock != nil {
		err = errors.Join(err, r.lock.Close())
	}
	r.file, r.lock = nil, nil
	return err
}
