package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

const (
	buildsSuffix = "-builds"
	spoolSuffix  = "-rebuild"
	// unfinished is the end of the name of a file that is being written.
	unfinished = ".new"
)

// place names a build.
type place struct {
	projection string
	number     int64
}

// files are the files of the builds. It is safe for concurrent use.
type files struct {
	dir string
	cfg Config

	mu     sync.Mutex
	known  map[place]*file // guarded by mu
	closed bool            // guarded by mu
}

func newFiles(cfg Config) *files {
	return &files{dir: cfg.Path + buildsSuffix, cfg: cfg, known: map[place]*file{}}
}

func (f *files) inMemory() bool { return f.cfg.VFS == sqlite.Memory }

func (f *files) path(at place) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s.%d.db", at.projection, at.number))
}

// use gives the file of a build, which stays until it is given back, also when the build is removed meanwhile.
// A build that is gone gives fs.ErrNotExist.
func (f *files) use(at place) (*file, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, eventstore.ErrClosed
	}
	x, ok := f.known[at]
	if !ok {
		path := f.path(at)
		if f.inMemory() {
			return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
		x = newFile(path, f.cfg)
		f.known[at] = x
	}
	x.users++
	return x, nil
}

func (f *files) giveBack(x *file) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	x.users--
	return f.leave(x)
}

// read lends do a connection to the file of a build.
func (f *files) read(ctx context.Context, at place, do func(*sqlite.Conn) error) error {
	return f.using(at, func(x *file) error { return x.pool.Read(ctx, do) })
}

// write runs do in a write transaction of the file of a build.
func (f *files) write(ctx context.Context, at place, do func(*sqlite.Conn) error) error {
	return f.using(at, func(x *file) error { return x.write(ctx, do) })
}

func (f *files) using(at place, do func(*file) error) (err error) {
	x, err := f.use(at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.giveBack(x)) }()
	return do(x)
}

// leave closes and removes a file that was dropped, when its last user has gone.
func (f *files) leave(x *file) error {
	if x.users > 0 || !x.dropped {
		return nil
	}
	if err := x.close(); err != nil || f.inMemory() {
		return err
	}
	return removeFile(x.path)
}

// remove removes the file of a build when nobody uses it any more.
func (f *files) remove(at place) error {
	x, err := f.use(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	delete(f.known, at)
	x.dropped = true
	f.mu.Unlock()
	return f.giveBack(x)
}

// keep makes a file known with its writer: one in memory lasts as long as that.
func (f *files) keep(at place, writer *sqlite.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := newFile(f.path(at), f.cfg)
	x.writer = writer
	f.known[at] = x
}

// publish gives a finished file of a build, which has none yet, its name, once it is durable.
func (f *files) publish(at place, finished string) error {
	if err := syncFile(finished); err != nil {
		return err
	}
	path := f.path(at)
	// A write-ahead log that was left there would be taken for that of the new file.
	if err := removeSides(path); err != nil {
		return err
	}
	if err := os.Rename(finished, path); err != nil {
		return err
	}
	return eventstore.SyncDir(f.dir)
}

// sweep makes the folder and removes what is not of these builds.
func (f *files) sweep(builds []projections.Build) error {
	if f.inMemory() {
		return nil
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, b := range builds {
		keep[filepath.Base(f.path(placeOf(b)))] = true
	}
	found, err := os.ReadDir(f.dir)
	for _, e := range found {
		name := strings.TrimSuffix(strings.TrimSuffix(e.Name(), "-wal"), "-shm")
		if !keep[name] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(f.dir, e.Name())))
		}
	}
	return err
}

// close closes every file. Nobody may be using one.
func (f *files) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	var errs []error
	for at, x := range f.known {
		errs = append(errs, x.close())
		delete(f.known, at)
	}
	return errors.Join(errs...)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) // #nosec G304 -- in a folder of our own
	if err != nil {
		return err
	}
	return sqlite.Translate(path, "sync", errors.Join(f.Sync(), f.Close()))
}

func removeFile(path string) error {
	// The sides first: a file that is left without them is whole, only older.
	return errors.Join(removeSides(path), removeOne(path))
}

func removeSides(path string) error {
	return errors.Join(removeOne(path+"-wal"), removeOne(path+"-shm"))
}

func removeOne(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// file is the file of one build. Connections are opened when they are first needed.
type file struct {
	path string
	cfg  Config
	pool *sqlite.Pool

	users   int  // guarded by files.mu
	dropped bool // guarded by files.mu; no longer known

	mu     sync.Mutex
	writer *sqlite.Conn // guarded by mu; nil until there is something to write
}

func newFile(path string, cfg Config) *file {
	return &file{path: path, cfg: cfg, pool: sqlite.NewPool(sqlite.Config{Path: path, VFS: cfg.VFS, TidyUp: true, CacheKiB: readerCacheKiB}, cfg.Readers)}
}

const (
	// pageSize of a build: larger pages hold more rows of one person together.
	pageSize = 8192
	// readerCacheKiB bounds the cache of one reader of one build.
	readerCacheKiB = 4 << 10
	// checkpointPages is how many pages a build's write-ahead log holds before they are copied back.
	checkpointPages = 2048
)

func writerConfig(path string, cfg Config) sqlite.Config {
	return sqlite.Config{Path: path, VFS: cfg.VFS, Relaxed: true, CacheKiB: cfg.CacheKiB, PageSize: pageSize, CheckpointPages: checkpointPages}
}

// write runs do in a write transaction.
func (x *file) write(ctx context.Context, do func(*sqlite.Conn) error) (err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.writer == nil {
		if x.writer, err = sqlite.Open(ctx, writerConfig(x.path, x.cfg)); err != nil {
			return err
		}
	}
	return x.writer.Tx(func() error { return do(x.writer) })
}

func (x *file) closeWriter() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	err := x.writer.Close()
	x.writer = nil
	return err
}

func (x *file) close() error { return errors.Join(x.pool.Close(), x.closeWriter()) }
