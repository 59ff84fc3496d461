package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// shelf is the folder where a rebuild puts rows aside.
type shelf struct {
	dir  string
	lock *flock.Flock
	temp bool
}

// Spooler is a backend that knows a folder of its own where a rebuild may put rows aside.
type Spooler interface {
	// SpoolDir is the folder, the same for the same read models; "" when there is none.
	SpoolDir() string
}

// shelf takes the folder for this process. Another process that has it gives ErrRunning.
func (e *Engine) shelf() (*shelf, error) {
	dir := e.cfg.SpoolDir
	if s, ok := e.cfg.Backend.(Spooler); ok && dir == "" {
		dir = s.SpoolDir()
	}
	if dir == "" {
		return tempShelf()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("put rows aside: %w", err)
	}
	for range shelfTries {
		lock := flock.New(filepath.Join(dir, shelfLock), flock.SetPermissions(0o600))
		taken, err := lock.TryLock()
		if err == nil && !taken {
			err = fmt.Errorf("another one, in %s, %w", dir, ErrRunning)
		}
		if err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		// Whoever had it may have tidied up between our opening of the file and the lock.
		if current(lock) {
			s := &shelf{dir: dir, lock: lock}
			if err := s.sweep(e.cfg.Projections); err != nil {
				return nil, err
			}
			return s, nil
		}
		if err := errors.Join(lock.Close(), os.MkdirAll(dir, 0o700)); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("another one, in %s, %w", dir, ErrRunning)
}

const (
	shelfLock  = "lock"
	shelfTries = 5
)

// current tells whether the locked file is the one that others find.
func current(lock *flock.Flock) bool {
	held, err := lock.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(lock.Path())
	return err == nil && os.SameFile(held, found)
}

// tempShelf is one that the next run does not find.
func tempShelf() (*shelf, error) {
	dir, err := os.MkdirTemp("", "litopys-rebuild-")
	if err != nil {
		return nil, fmt.Errorf("put rows aside: %w", err)
	}
	return &shelf{dir: dir, temp: true}, nil
}

func (s *shelf) close() {
	if s.temp {
		_ = os.RemoveAll(s.dir)
		return
	}
	// A folder with nothing in it but the lock is not left behind.
	if left, err := os.ReadDir(s.dir); err == nil && len(left) == 1 {
		_ = os.Remove(s.lock.Path())
		_ = os.Remove(s.dir)
	}
	_ = s.lock.Close()
}

// sweep removes what belongs to no projection: remains of loads that died, or of another program.
func (s *shelf) sweep(set []*Projection) error {
	keep := map[string]bool{shelfLock: true}
	for _, p := range set {
		keep[p.Name] = true
	}
	found, err := os.ReadDir(s.dir)
	for _, f := range found {
		if !keep[f.Name()] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.dir, f.Name())))
		}
	}
	if err != nil {
		s.close()
	}
	return err
}

// clear removes what is put aside for a projection.
func (s *shelf) clear(p *Projection) error { return os.RemoveAll(filepath.Join(s.dir, p.Name)) }

// takeUp opens what an earlier run put aside for the lane's build, if its log is still this log.
func (e *Engine) takeUp(ctx context.Context, s *shelf, x *lane) (err error) {
	if x.spool, err = openSpool(s.dir, x.p, x.build); err != nil {
		return err
	}
	held, err := e.holds(ctx, x.spool.said.Mark)
	if err == nil && !held {
		err = x.spool.restart()
	}
	x.batch = newPacked(x.p, x.spool.said.Mark)
	return err
}
