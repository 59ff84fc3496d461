package keydb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// head is the row of table meta.
type head struct {
	format   int
	ledger   uuid.UUID
	lock     keys.Lock
	followed uint64
}

// begin reads or makes the head of the file and gives the writer that stands on it.
func begin(ctx context.Context, cfg Config, conn *sqlite.Conn) (*writer, *keys.Index, error) {
	root := keys.Root{KMS: cfg.KMS, Ledger: cfg.Ledger, Name: cfg.Path}
	h, found, err := readHead(conn)
	if err != nil {
		return nil, nil, err
	}
	if !found {
		if cfg.MustExist {
			return nil, nil, corrupt(cfg.Path, "header", "the file is empty")
		}
		if h, err = create(ctx, conn, root); err != nil {
			return nil, nil, err
		}
	}
	if err := errors.Join(h.check(cfg.Path), root.Check(h.ledger)); err != nil {
		return nil, nil, err
	}
	if err := h.upgrade(conn, cfg.Now()); err != nil {
		return nil, nil, err
	}
	index, err := root.Unlock(ctx, h.lock)
	if err != nil {
		return nil, nil, err
	}
	w := &writer{
		conn:     conn,
		readers:  sqlite.NewPool(cfg.sqlite(), cfg.Readers),
		cfg:      cfg,
		masters:  masters{keys.NewMasters[int64](root)},
		cache:    keys.NewCache(cfg.CacheKeys),
		followed: h.followed,
	}
	// A crash between the commit of a destruction and the end of the call leaves the old page in the WAL. On a
	// full disk it stays there for now: what is recorded can be read, but nothing is certified as gone.
	if err := conn.Checkpoint(); errors.Is(err, eventstore.ErrFull) {
		w.unclean = true
	} else if err != nil {
		return nil, nil, err
	}
	return w, index, nil
}

func readHead(conn *sqlite.Conn) (h head, found bool, err error) {
	tables := 0
	if _, err = conn.Row(func(s *sqlite3.Stmt) { tables = s.ColumnInt(0) }, "SELECT count(*) FROM sqlite_schema"); err != nil || tables == 0 {
		return h, false, err
	}
	found, err = conn.Row(func(s *sqlite3.Stmt) {
		h = head{
			format:   s.ColumnInt(0),
			ledger:   sqlite.ColumnUUID(s, 1),
			lock:     keys.Lock{Probe: s.ColumnBlob(2, nil), IndexKey: s.ColumnBlob(3, nil)},
			followed: uint64(s.ColumnInt64(4)),
		}
	}, "SELECT format, ledger, probe, indexkey, followed FROM meta")
	var driver *sqlite3.Error
	if errors.As(err, &driver) && driver.Code() == sqlite3.ERROR {
		return h, false, corrupt(conn.Path(), "header", "this is no key store")
	}
	if err == nil && !found {
		err = corrupt(conn.Path(), "header", "the table meta is empty")
	}
	return h, found, err
}

// create lays out a new file. It stands whole after the commit, or stays empty.
func create(ctx context.Context, conn *sqlite.Conn, root keys.Root) (head, error) {
	lock, err := root.NewLock(ctx)
	if err != nil {
		return head{}, err
	}
	err = conn.Tx(func() error {
		for _, step := range layouts {
			if err := conn.Script(step); err != nil {
				return err
			}
		}
		return conn.Run("INSERT INTO meta (one, format, ledger, probe, indexkey) VALUES (1, ?, ?, ?, ?)",
			format, root.Ledger, lock.Probe, lock.IndexKey)
	})
	return head{format: format, ledger: root.Ledger, lock: lock}, err
}

func (h head) check(path string) error {
	if h.format < 1 || h.format > format {
		return fmt.Errorf("%s has layout %d; this program knows 1 to %d", path, h.format, format)
	}
	return nil
}

// upgrade brings the file of an older version to the present layout, whole or not at all. Nobody wrote down
// when its tombstones were made: they count from now, and are owed their certificates.
func (h head) upgrade(conn *sqlite.Conn, now time.Time) error {
	if h.format == format {
		return nil
	}
	return conn.Tx(func() error {
		for _, step := range layouts[h.format:] {
			if err := conn.Script(step); err != nil {
				return err
			}
		}
		if err := conn.Run("UPDATE keys SET destroyed = ?, owed = iif(master IS NULL, NULL, 1) WHERE state = 3", now); err != nil {
			return err
		}
		return conn.Run("UPDATE meta SET format = ?", format)
	})
}

func corrupt(path, place, detail string) error {
	return &eventstore.CorruptError{File: path, Place: place, Detail: detail}
}
