// Package sqlite is the small layer between Litopys and its SQLite driver: opening a file with the pragmas
// that the ledger's promises need, cached statements, transactions, a pool of readers, and errors
// translated by code. The log, the key store and the embedded read models all stand on it.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	_ "github.com/ncruces/go-sqlite3/vfs/memdb" // Memory

	"imagine.ua/litopys/eventstore"
)

// Config says how a file is opened.
type Config struct {
	// Path of the database file.
	Path string
	// VFS is the name of a registered VFS; empty for the operating system's. Fault injection uses it.
	VFS string
	// ReadOnly opens an existing file for reading; the pragmas that write are left out.
	ReadOnly bool
	// TidyUp lets a ReadOnly connection, if it is the last of a file to close, take the write-ahead log and its
	// index away, as a writer does.
	TidyUp bool
	// SecureDelete overwrites deleted content with zeros (the key store needs it).
	SecureDelete bool
	// Relaxed gives up the fsync of every commit (synchronous=NORMAL): for files that are derivable from
	// the log. A crash of the machine may lose the last commits, never consistency.
	Relaxed bool
	// Scratch opens a file that counts only once it is finished: nothing is journaled or synced, and a crash
	// leaves rubbish. Finish makes an ordinary file of it.
	Scratch bool
	// CacheKiB bounds the page cache of the connection, in KiB; 0 means 8 MiB.
	CacheKiB int
	// PageSize of a new file in bytes; 0 means 4096.
	PageSize int
	// BusyTimeout is how long a statement waits for another connection's lock; 0 means 10 s.
	BusyTimeout time.Duration
	// GatherWAL writes what a commit adds to the write-ahead log with one call. It takes no effect with
	// Relaxed, whose commits do not end with a sync.
	GatherWAL bool
	// CheckpointPages is after how many pages the WAL is copied back; 0 means 1000, negative never.
	CheckpointPages int

	full func(dir string) bool // tells whether a folder takes no more bytes; nil means noSpace
}

// Memory is the VFS of databases in memory. Their paths begin with a slash and are names in this process; each
// is gone with its last connection, and readers make its writer wait.
const Memory = "memdb"

func (c Config) withDefaults() Config {
	if c.CacheKiB == 0 {
		c.CacheKiB = 8 << 10
	}
	if c.PageSize == 0 {
		c.PageSize = 4096
	}
	if c.BusyTimeout == 0 {
		c.BusyTimeout = 10 * time.Second
	}
	if c.CheckpointPages == 0 {
		c.CheckpointPages = 1000
	}
	if c.full == nil {
		c.full = noSpace
	}
	return c
}

// pragmas in the order in which SQLite wants them: the page size before the first write, the journal mode
// after it.
func (c Config) pragmas() string {
	var b strings.Builder
	set := func(name string, value any) { fmt.Fprintf(&b, "PRAGMA %s=%v;", name, value) }
	set("busy_timeout", c.BusyTimeout.Milliseconds())
	set("cache_size", -c.CacheKiB)
	set("trusted_schema", "OFF")
	set("cell_size_check", "ON")
	if c.ReadOnly {
		set("query_only", "ON")
		if c.TidyUp {
			b.WriteString(firstLook)
		}
		return b.String()
	}
	set("page_size", c.PageSize)
	if c.Scratch {
		set("journal_mode", "OFF")
		set("synchronous", "OFF")
		set("locking_mode", "EXCLUSIVE")
		return b.String()
	}
	set("journal_mode", "WAL")
	// FULL syncs the WAL at every commit: durable means on stable storage before it is acknowledged.
	set("synchronous", map[bool]string{false: "FULL", true: "NORMAL"}[c.Relaxed])
	set("secure_delete", map[bool]string{false: "OFF", true: "ON"}[c.SecureDelete])
	set("foreign_keys", "ON")
	set("wal_autocheckpoint", max(c.CheckpointPages, 0))
	// The WAL file is cut back to this after a checkpoint, so that one large transaction does not occupy
	// the disk for ever.
	set("journal_size_limit", 64<<20)
	b.WriteString(firstLook)
	return b.String()
}

// firstLook at a file opens the write-ahead log and its index; see Open.
const firstLook = "SELECT count(*) FROM sqlite_schema;"

// makesSides tells whether the connection may make what stands beside the file.
func (c Config) makesSides() bool { return (!c.ReadOnly || c.TidyUp) && c.VFS != Memory }

func (c Config) uri() string {
	query := url.Values{}
	if c.VFS != "" {
		query.Set("vfs", c.VFS)
	}
	if c.ReadOnly && !c.TidyUp {
		query.Set("mode", "ro")
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(c.Path), RawQuery: query.Encode()}
	return u.String()
}

// Conn is one connection. It is not safe for concurrent use: every connection has one owner at a time.
// The driver's connection is embedded for hot paths.
type Conn struct {
	*sqlite3.Conn
	path       string
	vfs        string          // of this connection alone; empty for none
	elsewhere  *indexElsewhere // where its index is; nil for beside the file
	statements *statements     // nil when closed
}

// Open opens the file, creating it unless it is opened read-only: for its owner alone, as what SQLite puts
// beside it. On a full disk the index of the write-ahead log goes to another file system, so that what is
// recorded can be read; see elsewhere.go. Where there is none, the error is eventstore.ErrFull.
func Open(ctx context.Context, cfg Config) (*Conn, error) {
	cfg = cfg.withDefaults()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	elsewhere := joinElsewhere(cfg)
	c, err := open(cfg, elsewhere)
	if elsewhere != nil || !isIndexError(err) || !cfg.full(filepath.Dir(cfg.Path)) {
		return c, translateOpen(cfg, err)
	}
	if elsewhere, err = moveIndex(cfg); err != nil {
		return nil, fmt.Errorf("open %s: %w: %w", cfg.Path, eventstore.ErrFull, err)
	}
	c, err = open(cfg, elsewhere)
	return c, translateOpen(cfg, err)
}

func translateOpen(cfg Config, err error) error { return Translate(cfg.Path, "open", err) }

// open opens the file with its index in one place. The errors are the driver's.
func open(cfg Config, elsewhere *indexElsewhere) (*Conn, error) {
	flags := sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE | sqlite3.OPEN_URI
	switch {
	case cfg.ReadOnly && cfg.TidyUp:
		flags = sqlite3.OPEN_READWRITE | sqlite3.OPEN_URI
	case cfg.ReadOnly:
		flags = sqlite3.OPEN_READONLY | sqlite3.OPEN_URI
	}
	c := &Conn{path: cfg.Path, elsewhere: elsewhere}
	if elsewhere != nil {
		cfg.VFS = elsewhere.name
	}
	if cfg.GatherWAL && !cfg.Relaxed && !cfg.ReadOnly {
		c.vfs = gatherWAL(cfg.VFS)
		cfg.VFS = c.vfs
	}
	err := ownFile(cfg)
	if err == nil {
		c.Conn, err = sqlite3.OpenFlags(cfg.uri(), flags)
	}
	if err != nil {
		c.leave()
		return nil, err
	}
	c.statements = newStatements(c.Conn)
	err = c.Exec(cfg.pragmas())
	if err == nil {
		err = ownSides(cfg)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// ownFile makes the file for its owner only, before SQLite would make it by the umask.
func ownFile(cfg Config) error {
	if cfg.ReadOnly || cfg.VFS == Memory {
		return nil
	}
	f, err := os.OpenFile(cfg.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// ownSides gives the write-ahead log and its index, which the driver makes by the umask, no more readers than
// the file has.
func ownSides(cfg Config) error {
	if !cfg.makesSides() {
		return nil
	}
	file, err := os.Stat(cfg.Path)
	if err != nil {
		return err
	}
	for _, side := range []string{cfg.Path + "-wal", cfg.Path + "-shm"} {
		info, err := os.Stat(side)
		if err == nil && info.Mode().Perm()&^file.Mode().Perm() != 0 {
			err = os.Chmod(side, file.Mode().Perm())
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Path of the database file.
func (c *Conn) Path() string { return c.path }

// leave gives back what of the connection is registered.
func (c *Conn) leave() {
	vfs.Unregister(c.vfs)
	c.elsewhere.leave()
}

// Close releases the statements and the connection. The last connection to close copies the WAL back into the
// file. Closing nil or twice is a no-op; a loop over Rows that it happens in ends with eventstore.ErrClosed.
func (c *Conn) Close() error {
	if c == nil || c.Conn == nil {
		return nil
	}
	c.statements.close()
	c.statements = nil
	raw := c.Conn
	c.Conn = nil
	err := raw.Close()
	c.leave()
	return Translate(c.path, "close", err)
}

// Prepared gives a statement for the text, reset and unbound, that Run and Rows never use. It is kept until the
// connection closes, for a caller who holds on to it, and given again to whoever asks for the text unless it
// is between two rows; so the program must know its texts: what is made up for one query goes through Rows.
func (c *Conn) Prepared(sql string) (*sqlite3.Stmt, error) {
	s, err := c.statements.keep(sql)
	return s, c.translate("prepare", err)
}

// Run executes one statement with its arguments, for its effect.
func (c *Conn) Run(sql string, args ...any) error {
	s, err := c.borrow(sql, args)
	if err != nil {
		return err
	}
	defer func() { c.statements.giveBack(sql, s) }()
	return c.translate("execute", s.Exec())
}

// Script executes several statements without arguments.
func (c *Conn) Script(sql string) error { return c.translate("execute", c.Conn.Exec(sql)) }

// Rows yields the statement positioned on each row of the answer. Columns are read from it before the
// next step; when the loop ends, however it ends, it is the connection's again. Loops may stand inside one
// another, of the same text too.
func (c *Conn) Rows(sql string, args ...any) iter.Seq2[*sqlite3.Stmt, error] {
	return func(yield func(*sqlite3.Stmt, error) bool) {
		s, err := c.borrow(sql, args)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { c.statements.giveBack(sql, s) }()
		for s.Step() {
			if !yield(s.Stmt, nil) {
				return
			}
			if c.Conn == nil {
				yield(nil, c.translate("query", eventstore.ErrClosed))
				return
			}
		}
		if err := s.Err(); err != nil {
			yield(nil, c.translate("query", err))
		}
	}
}

// Row reads the first row of the answer with scan, and reports whether there was one.
func (c *Conn) Row(scan func(*sqlite3.Stmt), sql string, args ...any) (bool, error) {
	for s, err := range c.Rows(sql, args...) {
		if err != nil {
			return false, err
		}
		scan(s)
		return true, nil
	}
	return false, nil
}

// Tx runs do in a write transaction: committed when do gives nil, rolled back otherwise. An error of the
// commit itself leaves nothing behind in this process, but after an I/O error only a reopen tells what a
// crash would find.
func (c *Conn) Tx(do func() error) (err error) {
	if err := c.Run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil && !c.GetAutocommit() {
			_ = c.Conn.Exec("ROLLBACK")
		}
	}()
	if err := do(); err != nil {
		return err
	}
	return c.Run("COMMIT")
}

// Snapshot runs do in one read transaction: its statements see one state of the file, and take and release
// the file's lock once instead of each for itself. It holds back the cutting of the WAL, so it must be short.
func (c *Conn) Snapshot(do func() error) error {
	if err := c.Run("BEGIN"); err != nil {
		return err
	}
	err := do()
	if c.GetAutocommit() {
		return err // SQLite has ended it because of the error
	}
	if end := c.Run("COMMIT"); err == nil {
		err = end
	}
	return err
}

// Checkpoint copies the WAL back into the file and cuts it to nothing, so that no older content of a page
// is left in it. It fails with a busy error while a reader holds an old snapshot.
func (c *Conn) Checkpoint() error {
	_, _, err := c.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	return c.translate("checkpoint", err)
}

// Finish closes a Scratch file as one with a write-ahead log. It is not synced.
func (c *Conn) Finish() error { return errors.Join(c.Script("PRAGMA journal_mode=WAL"), c.Close()) }

// borrow gives a statement with its arguments bound.
func (c *Conn) borrow(sql string, args []any) (*statement, error) {
	s, err := c.statements.borrow(sql)
	if err != nil {
		return nil, c.translate("prepare", err)
	}
	for i, a := range args {
		if err := Bind(s.Stmt, i+1, a); err != nil {
			c.statements.giveBack(sql, s)
			return nil, c.translate("bind", err)
		}
	}
	return s, nil
}

func (c *Conn) translate(op string, err error) error { return Translate(c.path, op, err) }
