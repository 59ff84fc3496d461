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
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	taken, err := lock.TryLock()
	if err == nil && !taken {
		err = fmt.Errorf("another one, in %s, %w", dir, ErrRunning)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &shelf{dir: dir, lock: lock}, nil
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
	_ = s.lock.Close()
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
