package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
)

const (
	logName = "events.db"
	newName = logName + ".new" // a log that is being made

	applicationID = 0x4C49544F // "LITO", in the header of the file
	formatVersion = 1          // user_version in the header
	pageSize      = 8192       // measured: 16 KiB appends batches a tenth faster and reads a stream a fifth slower
)

// schema is the log's, for ever. Opening compares it word by word with what stands in the file.
func schema() []string {
	return []string{
		`CREATE TABLE ledger(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id BLOB NOT NULL CHECK (length(id) = 16),
  created TEXT NOT NULL,
  crc INTEGER NOT NULL
) STRICT`,
		`CREATE TABLE records(
  seq INTEGER PRIMARY KEY,
  rev INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT`,
		`CREATE VIEW events AS SELECT
  seq,
  substr(body, 14, 16) AS id,
  CAST(substr(body, 30, s) AS TEXT) AS stream,
  rev,
  CAST(substr(body, 30 + s, t) AS TEXT) AS type,
  CAST(substr(body, 30 + s + t, d) AS TEXT) AS data,
  CAST(substr(body, 30 + s + t + d) AS TEXT) AS meta,
  crc
FROM (SELECT seq, rev, crc, body,
  CAST(substr(body, 1, 3) AS INTEGER) AS s,
  CAST(substr(body, 4, 3) AS INTEGER) AS t,
  CAST(substr(body, 7, 7) AS INTEGER) AS d FROM records)`,
		`CREATE TRIGGER records_no_update BEFORE UPDATE ON records BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END`,
		`CREATE TRIGGER records_no_delete BEFORE DELETE ON records BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END`,
		`CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'a ledger keeps its identity'); END`,
		`CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'a ledger keeps its identity'); END`,
	}
}

// createLog makes an empty log under another name and renames it when it is complete, so that events.db is
// either absent or whole. A crash on the way leaves events.db.new, which the next attempt removes.
func createLog(ctx context.Context, cfg Config) error {
	identity := cfg.Identity
	if identity == uuid.Nil {
		var err error
		if identity, err = uuid.NewRandom(); err != nil {
			return fmt.Errorf("identity: %w", err)
		}
	}
	path := filepath.Join(cfg.Dir, newName)
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := cfg.FS.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := touch(cfg.FS, path); err != nil {
		return err
	}
	if err := writeSchema(ctx, sqlite.Config{Path: path, VFS: cfg.VFS, PageSize: pageSize}, identity); err != nil {
		return err
	}
	if err := cfg.FS.Rename(path, filepath.Join(cfg.Dir, logName)); err != nil {
		return err
	}
	return cfg.FS.SyncDir(cfg.Dir)
}

// touch makes a file that only its owner may read, unless it is there.
func touch(fsys FS, path string) error {
	f, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func writeSchema(ctx context.Context, cfg sqlite.Config, identity uuid.UUID) error {
	conn, err := sqlite.Open(ctx, cfg)
	if err != nil {
		return err
	}
	err = conn.Tx(func() error {
		for _, sql := range schema() {
			if err := conn.Script(sql); err != nil {
				return err
			}
		}
		if err := conn.Script(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, formatVersion)); err != nil {
			return err
		}
		created := time.Now().UTC().Format(time.RFC3339)
		return conn.Run("INSERT INTO ledger VALUES (1,?,?,?)", identity, created, ledgerSum(identity, created))
	})
	if err == nil {
		// Into the file itself: it is renamed without its write-ahead log.
		err = conn.Checkpoint()
	}
	return errors.Join(err, conn.Close())
}

func ledgerSum(id uuid.UUID, created string) uint32 {
	return crc32.Checksum(append(id[:], created...), castagnoli)
}

// checkHeader looks at the first 100 bytes of the file before SQLite does, which might write into a file
// that is not ours.
func checkHeader(fsys FS, path string) error {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = f.Close() }()
	damage := func(detail string) error {
		return &eventstore.CorruptError{File: path, Place: "header", Detail: detail}
	}
	h := make([]byte, 100)
	if _, err := f.ReadAt(h, 0); errors.Is(err, io.EOF) {
		return damage("file is shorter than its header")
	} else if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	if string(h[:16]) != "SQLite format 3\x00" {
		return damage("not an SQLite database")
	}
	if id := binary.BigEndian.Uint32(h[68:]); id != applicationID {
		return damage(fmt.Sprintf("application id is %#x, a log has %#x", id, applicationID))
	}
	if v := binary.BigEndian.Uint32(h[60:]); v != formatVersion {
		return damage(fmt.Sprintf("format version is %d, this program knows %d", v, formatVersion))
	}
	if size := int(binary.BigEndian.Uint16(h[16:])); size != pageSize {
		return damage(fmt.Sprintf("page size is %d, a log has %d", size, pageSize))
	}
	return nil
}

// checkSchema compares tables, view and triggers with what they must be: a log without its triggers has been in
// other hands.
func checkSchema(conn *sqlite.Conn) error {
	want := map[string]bool{}
	for _, sql := range schema() {
		want[sql] = true
	}
	for s, err := range conn.Rows("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL") {
		if err != nil {
			return err
		}
		if sql := s.ColumnText(1); !want[sql] {
			return &eventstore.CorruptError{File: conn.Path(), Place: "schema", Detail: fmt.Sprintf("%q is not part of a log", s.ColumnText(0))}
		}
		delete(want, s.ColumnText(1))
	}
	if len(want) > 0 {
		return &eventstore.CorruptError{File: conn.Path(), Place: "schema", Detail: fmt.Sprintf("%d tables, views or triggers are missing", len(want))}
	}
	return nil
}

// readIdentity reads whose log it is.
func readIdentity(conn *sqlite.Conn) (uuid.UUID, error) {
	var id uuid.UUID
	var sum uint32
	found, err := conn.Row(func(s *sqlite3.Stmt) {
		id = sqlite.ColumnUUID(s, 0)
		sum = ledgerSum(id, s.ColumnText(1)) ^ uint32(s.ColumnInt64(2))
	}, "SELECT id, created, crc FROM ledger")
	if err != nil {
		return uuid.Nil, err
	}
	if !found || id == uuid.Nil || sum != 0 {
		return uuid.Nil, &eventstore.CorruptError{File: conn.Path(), Place: "ledger", Detail: "identity is missing or damaged"}
	}
	return id, nil
}
