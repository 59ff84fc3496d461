package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
)

const (
	writerCacheKiB = 4 << 10 // the writer touches the last pages only
	// A reader's cache keeps the inner pages of some ten million records, though each read of a record pushes
	// a leaf through it: with a quarter of it a scattered stream took twice as long.
	readerCacheKiB = 16 << 10
)

// Open opens the data folder, making a new ledger in an empty one. It holds the folder's lock until Close.
//
// Errors: eventstore.ErrLocked with the name of the process that has it; eventstore.ErrForeign when the
// folder, or a piece in it, belongs to another ledger; eventstore.ErrCorrupt for damage, before anything is
// written. The stream index is repaired where it is lost or damaged; the log never is.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := cfg.FS.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := lockFolder(cfg.FS, cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock, heads: newHeads(cfg.HeadCache), queue: newQueue(), closing: make(chan struct{})}
	if err := s.open(ctx, cfg); err != nil {
		// Nothing was appended; an error of releasing adds nothing to the first one.
		_ = s.release()
		return nil, diskError(err)
	}
	s.index.start()
	s.writing.Go(s.writer.run)
	return s, nil
}

// open takes everything in the order in which it depends on each other.
func (s *Store) open(ctx context.Context, cfg Config) error {
	path := filepath.Join(cfg.Dir, logName)
	if err := prepareLog(ctx, cfg, path); err != nil {
		return err
	}
	shared := sqlite.Config{Path: path, VFS: cfg.VFS, PageSize: pageSize, CheckpointPages: -1}
	forWriting, forReading := shared, shared
	forWriting.CacheKiB, forReading.CacheKiB = writerCacheKiB, readerCacheKiB
	var err error
	gathering := forWriting
	gathering.GatherWAL = true
	if s.conn, err = sqlite.Open(ctx, gathering); err != nil {
		return err
	}
	head, err := s.inspectUntouched(cfg)
	if err != nil {
		return err
	}
	s.committed.Store(head)
	s.log = &log{path: path, pool: sqlite.NewPool(forReading, cfg.Readers)}
	// One reader is opened now: a disk that fills up later must not keep the ledger from being read.
	if err := s.log.pool.Read(ctx, func(*sqlite.Conn) error { return nil }); err != nil {
		return err
	}
	if s.index, err = loadIndex(ctx, cfg, s.identity, s.log, head); err != nil {
		return err
	}
	copying, err := sqlite.Open(ctx, forWriting)
	if err != nil {
		return err
	}
	if s.writer, err = newWriter(s, s.conn, copying, cfg, head); err != nil {
		return errors.Join(err, copying.Close())
	}
	s.writer.mark = openMark(cfg, s.identity, head)
	return nil
}

// prepareLog sees to it that there is a log of ours to open. It makes one only when nothing speaks of an
// earlier one.
func prepareLog(ctx context.Context, cfg Config, path string) error {
	_, err := cfg.FS.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := refuseLeftovers(cfg, path); err != nil {
			return err
		}
		if err := createLog(ctx, cfg); err != nil {
			return fmt.Errorf("create log: %w", err)
		}
	} else if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	if err := checkHeader(cfg.FS, path); err != nil {
		return err
	}
	if err := checkWAL(cfg.FS, path); err != nil {
		return err
	}
	// SQLite would make its write-ahead log readable to all, and its driver does not make the name durable:
	// the first commits after a crash of the machine could be in a file without a name.
	if err := touch(cfg.FS, path+walSuffix); err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	if err := cfg.FS.SyncDir(cfg.Dir); err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	return nil
}

// refuseLeftovers finds signs of a log that is gone: a new one in its place would hide the loss.
func refuseLeftovers(cfg Config, path string) error {
	lost := func(sign string) error {
		return &eventstore.CorruptError{File: path, Place: "file", Detail: "it is missing, but there is " + sign}
	}
	if _, err := cfg.FS.Stat(path + walSuffix); err == nil {
		return lost("its write-ahead log")
	}
	if _, err := cfg.FS.Stat(filepath.Join(cfg.Dir, markName)); err == nil {
		return lost("the mark of its end, " + markName)
	}
	dir := filepath.Join(cfg.Dir, indexDir)
	listing, err := cfg.FS.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open store: %w", err)
	}
	for _, item := range listing {
		if filepath.Ext(item.Name()) == ".run" {
			return lost("an index of its streams")
		}
	}
	return nil
}

// inspectUntouched is inspect; what is damaged is closed as it was found, its write-ahead log in its place.
func (s *Store) inspectUntouched(cfg Config) (uint64, error) {
	if _, err := s.conn.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true); err != nil {
		return 0, fmt.Errorf("open log: %w", err)
	}
	head, err := s.inspect(cfg)
	if err != nil {
		return 0, err
	}
	if _, err := s.conn.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, false); err != nil {
		return 0, fmt.Errorf("open log: %w", err)
	}
	return head, nil
}

// inspect checks that the log is one and whose it is, and gives the place of its last record.
func (s *Store) inspect(cfg Config) (head uint64, err error) {
	if err := checkSchema(s.conn); err != nil {
		return 0, err
	}
	if s.identity, err = readIdentity(s.conn); err != nil {
		return 0, err
	}
	if cfg.Identity != uuid.Nil && cfg.Identity != s.identity {
		return 0, fmt.Errorf("%s: %w: it is of ledger %s, expected %s", s.conn.Path(), eventstore.ErrForeign, s.identity, cfg.Identity)
	}
	var first int64
	_, err = s.conn.Row(func(st *sqlite3.Stmt) { first, head = st.ColumnInt64(0), uint64(st.ColumnInt64(1)) },
		"SELECT coalesce((SELECT min(seq) FROM records), 1), coalesce((SELECT max(seq) FROM records), 0)")
	if err != nil {
		return 0, err
	}
	if first != 1 {
		return 0, damagedRecord(s.conn.Path(), 1, fmt.Sprintf("it is missing, record %d follows", first))
	}
	return head, checkMark(cfg, s.identity, head)
}

// Close implements eventstore.Store: what was accepted is committed and answered, the stream index and the
// write-ahead log are brought to their places if the disk has room, the lock is given back. Reads and subscriptions under way
// end with eventstore.ErrClosed.
func (s *Store) Close() error {
	s.once.Do(func() {
		close(s.closing)
		s.queue.close()
		s.writing.Wait()
		s.closed = s.release()
	})
	return s.closed
}

// release gives back what is held, in the reverse order of open. It serves a half-opened store too. What finds
// no room on a full disk is no error: the log is whole, and the next open does the rest.
func (s *Store) release() error {
	var errs []error
	if s.index != nil {
		errs = append(errs, unlessFull(s.index.stop()))
	}
	if s.log != nil {
		errs = append(errs, s.log.pool.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.mark.close(), s.writer.copier.close())
		if s.writer.broken == nil {
			errs = append(errs, unlessFull(s.conn.Checkpoint()))
		}
	}
	errs = append(errs, s.conn.Close(), s.lock.Close()) // closing no connection is a no-op
	return errors.Join(errs...)
}
