package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
)

// Names of the files in the data folder that the journal itself knows; the embedded store has more.
const (
	logFile   = "events.db"
	keysFile  = "keys.db"
	localFile = "local.key"
)

// Config says where a ledger of one machine stands.
type Config struct {
	// Dir is the data folder; it is made when it does not exist. One process at a time has it. Required.
	Dir string
	// KMS wraps the master keys of the months; nil means a local key file in the folder. It stays the
	// caller's, who closes it after the Journal.
	KMS keys.KMS
	// Policy, Logger, Clock and BackupLife are as in Parts.
	Policy     *policy.Policy
	Logger     *slog.Logger
	Clock      ledger.Clock
	BackupLife time.Duration
	// VFS is the name of a registered SQLite VFS and FS the file system for all other files of the log;
	// empty for the operating system's. For fault injection.
	VFS string
	FS  embedded.FS
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return c
}

func (c Config) validate() error {
	if c.Dir == "" {
		return errors.New("the data folder (Dir) is missing")
	}
	return nil
}

// Open opens the ledger in a data folder, making a new one in an empty folder, and returns when the states
// of all keys agree with the log. The context bounds Open, not the Journal.
//
// Errors, with file and place: eventstore.ErrLocked when another process has the folder,
// eventstore.ErrForeign when a piece belongs to another ledger, eventstore.ErrCorrupt for damage and for a
// log, key store or local key that is gone while others are there. Nothing is overwritten when it fails.
func Open(ctx context.Context, cfg Config) (*Journal, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if err := cfg.lostLog(); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	store, err := embedded.Open(ctx, embedded.Config{Dir: cfg.Dir, Logger: cfg.Logger, VFS: cfg.VFS, FS: cfg.FS})
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	o := opening{cfg: cfg, store: store, closers: []func() error{store.Close}}
	j, err := o.join(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger: %w", err), o.undo())
	}
	return j, nil
}

// lostLog finds keys whose log is gone. The log is made before them, so a folder with keys alone is no new
// ledger, and a log made there would hide the loss.
func (c Config) lostLog() error {
	path := filepath.Join(c.Dir, logFile)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range []string{keysFile, localFile} {
		if hasContent(filepath.Join(c.Dir, name)) {
			return lost(path)
		}
	}
	return nil
}

// opening is a ledger that is open in part.
type opening struct {
	cfg     Config
	store   *embedded.Store
	closers []func() error // in the order of opening
}

// undo closes what is open, in reverse.
func (o *opening) undo() error {
	var errs []error
	for i := len(o.closers) - 1; i >= 0; i-- {
		errs = append(errs, o.closers[i]())
	}
	return errors.Join(errs...)
}

func (o *opening) join(ctx context.Context) (*Journal, error) {
	identity, err := o.store.Identity(ctx)
	if err != nil {
		return nil, err
	}
	head, err := o.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	kms, release, err := o.kms(head)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(o.cfg.Dir, keysFile)
	store, err := keydb.Open(ctx, keydb.Config{
		Path: path, Ledger: identity, KMS: kms, MustExist: head != eventstore.Start, VFS: o.cfg.VFS, Now: o.cfg.Clock,
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, lost(path)
	}
	if err != nil {
		return nil, err
	}
	o.closers = append(o.closers, store.Close)
	j, err := New(ctx, Parts{
		Store: o.store, Keys: store, Policy: o.cfg.Policy, Logger: o.cfg.Logger, Clock: o.cfg.Clock, BackupLife: o.cfg.BackupLife,
	})
	if err != nil {
		return nil, err
	}
	j.release = release
	return j, nil
}

// kms gives the key-management service, and what the Journal must close after everything else. The local
// key is made only for a ledger without facts and keys: a new one would open nothing of an old ledger.
func (o *opening) kms(head eventstore.Position) (keys.KMS, []func() error, error) {
	if o.cfg.KMS != nil {
		return o.cfg.KMS, nil, nil
	}
	path := filepath.Join(o.cfg.Dir, localFile)
	local, err := keys.OpenLocal(path)
	if errors.Is(err, fs.ErrNotExist) {
		if head != eventstore.Start || hasContent(filepath.Join(o.cfg.Dir, keysFile)) {
			return nil, nil, lost(path)
		}
		local, err = keys.CreateLocal(path)
	}
	if err != nil {
		return nil, nil, err
	}
	o.closers = append(o.closers, local.Close)
	return local, []func() error{local.Close}, nil
}

func hasContent(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}

// lost is the damage of a ledger with facts, one of whose files is gone.
func lost(path string) error {
	return &eventstore.CorruptError{File: path, Place: "file", Detail: "it is missing, but the ledger was used with it; put it back from its backup"}
}
