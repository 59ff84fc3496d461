package keydb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// Archive is a key store in a file, at rest; see keys.Archive.
type Archive struct{ conn *sqlite.Conn }

var _ keys.Archive = (*Archive)(nil)

// OpenArchive opens the file, or makes an empty one unless it must exist. The caller keeps everybody else
// out of it.
func OpenArchive(ctx context.Context, path string, mustExist bool) (*Archive, error) {
	cfg := Config{Path: path, MustExist: mustExist}
	if err := prepareFile(cfg); err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	conn, err := sqlite.Open(ctx, cfg.sqlite())
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	if err := tighten(path); err != nil {
		return nil, errors.Join(fmt.Errorf("open keys: %w", err), conn.Close())
	}
	return &Archive{conn: conn}, nil
}

// Close empties the WAL and closes the file. One that stayed empty is removed.
func (a *Archive) Close() error {
	_, found, err := readHead(a.conn)
	err = errors.Join(err, a.conn.Checkpoint(), a.conn.Close())
	if err != nil || found {
		return err
	}
	if err := os.Remove(a.conn.Path()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Head gives what stands once in the store.
func (a *Archive) Head(context.Context) (out keys.Head, found bool, err error) {
	h, found, err := readHead(a.conn)
	if err != nil || !found {
		return out, found, err
	}
	if h.format != format {
		return out, false, fmt.Errorf("%s has layout %d, not %d: open its ledger once", a.conn.Path(), h.format, format)
	}
	out = keys.Head{Ledger: h.ledger, Lock: h.lock, Followed: h.followed}
	if _, err := a.conn.Row(func(s *sqlite3.Stmt) { out.Rotating = s.ColumnBool(0) }, "SELECT rotating IS NOT NULL FROM meta"); err != nil {
		return out, false, err
	}
	for s, err := range a.conn.Rows("SELECT id, month, iif(" + alive + ", wrapped, NULL) FROM masters ORDER BY n") {
		if err != nil {
			return out, false, err
		}
		out.Masters = append(out.Masters, keys.ArchivedMaster{ID: sqlite.ColumnUUID(s, 0), Name: s.ColumnText(1), Wrapped: s.ColumnBlob(2, nil)})
	}
	return out, true, nil
}

// Marks gives the marks that close epochs.
func (a *Archive) Marks(context.Context) (marks []keys.Mark, err error) {
	for s, err := range a.conn.Rows("SELECT subject, field, kind, through FROM closed") {
		if err != nil {
			return nil, err
		}
		marks = append(marks, keys.Mark{Subject: domain.SubjectID{UUID: sqlite.ColumnUUID(s, 0)}, Field: domain.Field(s.ColumnText(1)),
			Kind: keys.EpochKind(s.ColumnText(2)), Through: domain.Epoch(s.ColumnText(3))})
	}
	return marks, nil
}

// pageOfKeys is read at once: keys and their tags.
const pageOfKeys = "SELECT " + columns + ", k.destroyed, k.owed, m.id, k.through" + fromKeys + "LEFT JOIN masters m ON m.n = k.master WHERE k.n > ? ORDER BY k.n LIMIT 2000"

// Rows yields all keys in the order in which they were made.
func (a *Archive) Rows(ctx context.Context) iter.Seq2[[]keys.StoredKey, error] {
	return func(yield func([]keys.StoredKey, error) bool) {
		for after := int64(0); ; {
			page, last, err := a.page(after)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) == 0 || !yield(page, nil) {
				return
			}
			after = last
		}
	}
}

func (a *Archive) page(after int64) (page []keys.StoredKey, last int64, err error) {
	at := map[int64]int{} // by number
	for s, err := range a.conn.Rows(pageOfKeys, after) {
		if err != nil {
			return nil, 0, err
		}
		r := scan(s)
		k := keys.StoredKey{Key: r.key, Destroyed: sqlite.ColumnTime(s, 10), Owed: s.ColumnBool(11), Through: domain.Epoch(s.ColumnText(13))}
		if s.ColumnType(12) != sqlite3.NULL {
			k.Master = sqlite.ColumnUUID(s, 12)
		}
		if r.key.State != keys.Destroyed {
			if k.Wrapped = r.wrapped; len(k.Wrapped) != keys.WrappedSize {
				return nil, 0, corrupt(a.conn.Path(), "key "+r.key.ID.String(), "its wrapped bytes are missing")
			}
		}
		at[r.n] = len(page)
		page, last = append(page, k), r.n
	}
	for s, err := range a.conn.Rows("SELECT key, tag FROM tags WHERE key > ? AND key <= ?", after, last) {
		if err != nil {
			return nil, 0, err
		}
		i, ok := at[s.ColumnInt64(0)]
		if !ok {
			return nil, 0, corrupt(a.conn.Path(), "tags", "a tag belongs to no key")
		}
		if page[i].Key.State != keys.Destroyed {
			page[i].Tags = append(page[i].Tags, columnTag(s, 1))
		}
	}
	return page, last, nil
}

// Fill writes everything of another archive in one transaction.
func (a *Archive) Fill(ctx context.Context, from keys.Archive) error {
	head, _, err := from.Head(ctx)
	if err != nil {
		return err
	}
	return a.conn.Tx(func() error {
		for _, step := range layouts {
			if err := a.conn.Script(step); err != nil {
				return err
			}
		}
		if err := a.conn.Run("INSERT INTO meta (one, format, ledger, probe, indexkey, followed) VALUES (1, ?, ?, ?, ?, ?)",
			format, head.Ledger, head.Lock.Probe, head.Lock.IndexKey, head.Followed); err != nil {
			return err
		}
		numbers, err := a.fillMasters(head.Masters)
		if err != nil {
			return err
		}
		for page, err := range from.Rows(ctx) {
			if err != nil {
				return err
			}
			for _, k := range page {
				if err := a.fillKey(k, numbers); err != nil {
					return err
				}
			}
		}
		return a.fillMarks(ctx, from)
	})
}

// fillMasters gives the numbers that the master keys have here.
func (a *Archive) fillMasters(masters []keys.ArchivedMaster) (map[uuid.UUID]int64, error) {
	numbers := map[uuid.UUID]int64{}
	for _, m := range masters {
		wrapped := m.Wrapped
		if wrapped == nil {
			wrapped = make([]byte, keys.WrappedSize) // zeros: erased
		}
		if err := a.conn.Run("INSERT INTO masters (id, month, wrapped) VALUES (?, ?, ?)", m.ID, m.Name, wrapped); err != nil {
			return nil, err
		}
		numbers[m.ID] = a.conn.LastInsertRowID()
	}
	return numbers, nil
}

func (a *Archive) fillKey(k keys.StoredKey, masters map[uuid.UUID]int64) error {
	var master, owed, until, destroyed any
	if n, ok := masters[k.Master]; ok {
		master = n
	} else if k.Master != uuid.Nil {
		return fmt.Errorf("key %s: its master key is not among those of the source", k.Key.ID)
	}
	if k.Owed {
		owed = 1
	}
	if !k.Key.Until.IsZero() {
		until = k.Key.Until
	}
	if !k.Destroyed.IsZero() {
		destroyed = k.Destroyed
	}
	var rule, through any
	if k.Key.Rule != "" {
		rule = k.Key.Rule
	}
	if k.Through != "" {
		through = string(k.Through)
	}
	err := a.conn.Run(`INSERT INTO keys (id, subject, field, epoch, state, until, rule, master, destroyed, owed, through)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, k.Key.ID, k.Key.Ref.Subject.UUID, string(k.Key.Ref.Field), string(k.Key.Ref.Epoch),
		int(k.Key.State), until, rule, master, destroyed, owed, through)
	if err != nil || k.Key.State == keys.Destroyed {
		return err
	}
	n := a.conn.LastInsertRowID()
	if err := a.conn.Run("INSERT INTO secrets (n, wrapped) VALUES (?, ?)", n, k.Wrapped); err != nil {
		return err
	}
	for _, tag := range k.Tags {
		if err := writeTag(a.conn, n, tag); err != nil {
			return err
		}
	}
	return nil
}

func (a *Archive) fillMarks(ctx context.Context, from keys.Archive) error {
	marks, err := from.Marks(ctx)
	if err != nil {
		return err
	}
	for _, m := range marks {
		if err := a.conn.Run("INSERT INTO closed (subject, field, kind, through) VALUES (?, ?, ?, ?)",
			m.Subject.UUID, string(m.Field), string(m.Kind), string(m.Through)); err != nil {
			return err
		}
	}
	return nil
}

// Retire makes the store refuse to be opened from now on.
func (a *Archive) Retire(context.Context) error {
	return a.conn.Tx(func() error { return a.conn.Run("UPDATE meta SET followed = ?", keys.Moved) })
}
