package keydb

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// probeID and indexID are the ids that the wrapped probe and index key bear; they tell the two apart.
var (
	probeID = uuid.MustParse("5c1d5e0a-7f6b-5a44-8d0e-000000000001")
	indexID = uuid.MustParse("5c1d5e0a-7f6b-5a44-8d0e-000000000002")
)

// head is the row of table meta.
type head struct {
	format   int
	ledger   uuid.UUID
	probe    []byte
	indexKey []byte
	followed uint64
}

// begin reads or makes the head of the file and gives the writer that stands on it.
func begin(ctx context.Context, cfg Config, conn *sqlite.Conn) (*writer, *keys.Index, error) {
	root := keys.Root{KMS: cfg.KMS, Ledger: cfg.Ledger}
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
	if err := h.check(cfg); err != nil {
		return nil, nil, err
	}
	secret, err := h.unlock(ctx, cfg.Path, root)
	if err != nil {
		return nil, nil, err
	}
	w := &writer{
		conn:     conn,
		cfg:      cfg,
		masters:  newMasters(cfg.Path, root),
		cache:    keys.NewCache(cfg.CacheKeys),
		followed: h.followed,
	}
	// A crash between the commit of a destruction and the end of the call leaves the old page in the WAL.
	return w, keys.NewIndex(secret), conn.Checkpoint()
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
			probe:    s.ColumnBlob(2, nil),
			indexKey: s.ColumnBlob(3, nil),
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
	probe, err := root.Wrap(ctx, probeID, keys.NewSecret())
	if err != nil {
		return head{}, err
	}
	indexKey, err := root.Wrap(ctx, indexID, keys.NewSecret())
	if err != nil {
		return head{}, err
	}
	err = conn.Tx(func() error {
		if err := conn.Script(schema); err != nil {
			return err
		}
		return conn.Run("INSERT INTO meta (one, format, ledger, probe, indexkey) VALUES (1, ?, ?, ?, ?)",
			format, root.Ledger, probe, indexKey)
	})
	return head{format: format, ledger: root.Ledger, probe: probe, indexKey: indexKey}, err
}

func (h head) check(cfg Config) error {
	if h.format != format {
		return fmt.Errorf("%s has layout %d; this program knows %d", cfg.Path, h.format, format)
	}
	if h.ledger != cfg.Ledger {
		return fmt.Errorf("%s has the keys of ledger %s, not of %s: %w", cfg.Path, h.ledger, cfg.Ledger, eventstore.ErrForeign)
	}
	return nil
}

// unlock opens the index key, after the probe has shown that the key-management service is the right one.
func (h head) unlock(ctx context.Context, path string, root keys.Root) (secret [keys.Size]byte, err error) {
	if _, err := root.Unwrap(ctx, probeID, h.probe); err != nil {
		return secret, rootError(path, "header", err)
	}
	secret, err = root.Unwrap(ctx, indexID, h.indexKey)
	return secret, rootError(path, "index key", err)
}

// rootError tells damage from a key-management service that is wrong, forbidden or out of reach.
func rootError(path, place string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keys.ErrUnwrap):
		return corrupt(path, place, "wrapped bytes are damaged")
	}
	return fmt.Errorf("%s: the key-management service does not open it: %w", path, err)
}

func corrupt(path, place, detail string) error {
	return &eventstore.CorruptError{File: path, Place: place, Detail: detail}
}
