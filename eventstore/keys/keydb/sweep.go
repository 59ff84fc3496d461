package keydb

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

const (
	dueKeys = "SELECT " + bare + ", NULL FROM keys k WHERE k.state = 2 AND k.until IS NOT NULL AND k.until <= ?" +
		" AND (k.until, k.subject, k.n) > (?, ?, ?) ORDER BY k.until, k.subject, k.n LIMIT ?"
	openEnded = "SELECT " + bare + ", NULL FROM keys k WHERE k.state = 2 AND k.until IS NULL AND k.rule = ?" +
		" AND (k.subject, k.n) > (?, ?) ORDER BY k.subject, k.n LIMIT ?"
	liveTraces = "SELECT " + bare + ", NULL FROM keys k WHERE k.state = 1 AND substr(k.epoch, 5, 1) = '-' AND k.field = ?" +
		" AND k.epoch < ? AND (k.epoch, k.n) > (?, ?) ORDER BY k.epoch, k.n LIMIT ?"
	owedKeys = "SELECT k.id, k.subject, k.field, k.epoch, k.destroyed, m.month FROM keys k LEFT JOIN masters m ON m.n = k.master" +
		" WHERE k.owed = 1 ORDER BY k.subject, k.n LIMIT ?"
)

// Due lists the retained keys whose term has ended, by the end of the term and then by subject.
func (s *Store) Due(ctx context.Context, at time.Time, after keys.Cursor, limit int) ([]keys.Key, keys.Cursor, error) {
	from := int64(-1) << 63
	if !after.Until.IsZero() {
		from = after.Until.UnixMicro()
	}
	return s.page(ctx, dueKeys, at, from, after.Subject.UUID, after.N, limit)
}

// OpenEnded lists the retained keys without a known end that are kept by this rule, by subject.
func (s *Store) OpenEnded(ctx context.Context, rule string, after keys.Cursor, limit int) ([]keys.Key, keys.Cursor, error) {
	return s.page(ctx, openEnded, rule, after.Subject.UUID, after.N, limit)
}

// LiveTraces lists the live keys of a field's traces up to a month, by month.
func (s *Store) LiveTraces(ctx context.Context, field domain.Field, through domain.Month, after keys.Cursor, limit int) ([]keys.Key, keys.Cursor, error) {
	// Whatever generation a month has, "2015-05.9" too, stands before "2015-05~".
	return s.page(ctx, liveTraces, string(field), string(through)+"~", string(after.Epoch), after.N, limit)
}

// page reads one page of a list and gives its end.
func (s *Store) page(ctx context.Context, query string, args ...any) (page []keys.Key, end keys.Cursor, err error) {
	err = s.writer.read(ctx, func(conn *sqlite.Conn) error {
		for stmt, err := range conn.Rows(query, args...) {
			if err != nil {
				return err
			}
			r := scan(stmt)
			page = append(page, r.key)
			end = keys.Cursor{Until: r.key.Until, Epoch: r.key.Ref.Epoch, Subject: r.key.Ref.Subject, N: r.n}
		}
		return nil
	})
	return page, end, err
}

// Uncertified lists the destroyed keys that no certificate names yet, by subject. It gives none while their
// bytes may still stand in the WAL, but the error of emptying that: a certificate says that they are gone.
func (s *Store) Uncertified(ctx context.Context, limit int) ([]keys.Gone, error) {
	gone, err := s.owed(ctx, limit)
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	if err := s.Alone(ctx, s.writer.clean); err != nil {
		return nil, err
	}
	return gone, nil
}

func (s *Store) owed(ctx context.Context, limit int) (gone []keys.Gone, err error) {
	err = s.writer.read(ctx, func(conn *sqlite.Conn) error {
		for row, err := range conn.Rows(owedKeys, limit) {
			if err != nil {
				return err
			}
			gone = append(gone, keys.Gone{ID: sqlite.ColumnUUID(row, 0), Ref: keys.Ref{Subject: domain.SubjectID{UUID: sqlite.ColumnUUID(row, 1)},
				Field: domain.Field(row.ColumnText(2)), Epoch: domain.Epoch(row.ColumnText(3))},
				At: sqlite.ColumnTime(row, 4), Master: row.ColumnText(5)})
		}
		return nil
	})
	return gone, err
}

// Certified takes keys off that list.
func (s *Store) Certified(ctx context.Context, ids []uuid.UUID) error {
	w := s.writer
	return s.Alone(ctx, func() error {
		return w.conn.Tx(func() error {
			for _, id := range ids {
				if err := w.conn.Run("UPDATE keys SET owed = NULL WHERE id = ?", id); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// Bury makes sure that the keys are gone. See keys.Certifier.
func (s *Store) Bury(ctx context.Context, gone []keys.Gone) (burial keys.Burial, err error) {
	err = s.Alone(ctx, func() (err error) {
		burial, err = s.writer.buryAll(gone)
		return err
	})
	return burial, err
}

func (w *writer) buryAll(gone []keys.Gone) (keys.Burial, error) {
	b := burying{followed: followed{conn: w.conn, now: w.cfg.Now()}}
	err := w.conn.Tx(func() error {
		for _, g := range gone {
			if err := b.one(g); err != nil {
				return err
			}
		}
		return nil
	})
	w.cache.Drop(b.changed)
	if err != nil {
		return keys.Burial{}, err
	}
	w.unclean = w.unclean || b.erased
	return b.found, w.clean()
}

// burying is the transaction of one Bury.
type burying struct {
	followed
	found keys.Burial
}

func (b *burying) one(g keys.Gone) error {
	r, known, err := find(b.conn, byID, g.ID)
	if err != nil {
		return err
	}
	if known {
		return b.end(r, g)
	}
	b.found.Unknown++
	r, taken, err := findRef(b.conn, g.Ref)
	switch {
	case err != nil:
		return err
	case !taken:
		return bury(b.conn, g)
	case r.key.State == keys.Destroyed && r.master == 0: // a tombstone that never was a key takes the name
		return b.conn.Run("UPDATE keys SET id = ?, destroyed = ? WHERE n = ?", g.ID, g.At, r.n)
	}
	return b.end(r, g) // another key of the same address: nothing may be sealed under it
}

// end destroys what is alive; the certificate that says so stands already.
func (b *burying) end(r row, g keys.Gone) error {
	if r.key.State == keys.Destroyed {
		if r.key.ID == g.ID {
			b.found.Agreed++
		}
		return b.conn.Run("UPDATE keys SET owed = NULL WHERE id = ?", g.ID)
	}
	b.found.Destroyed++
	b.changed = append(b.changed, r.key)
	if err := b.erase(r); err != nil {
		return err
	}
	return b.conn.Run("UPDATE keys SET owed = NULL WHERE id = ?", g.ID)
}

// bury makes a tombstone where there is no key.
func bury(conn *sqlite.Conn, g keys.Gone) error {
	return conn.Run("INSERT INTO keys (id, subject, field, epoch, state, destroyed) VALUES (?, ?, ?, ?, 3, ?)",
		g.ID, g.Ref.Subject.UUID, string(g.Ref.Field), string(g.Ref.Epoch), g.At)
}

// Status counts what there is.
func (s *Store) Status(ctx context.Context) (status keys.Status, err error) {
	err = s.writer.read(ctx, func(conn *sqlite.Conn) error {
		status, err = readStatus(conn)
		return err
	})
	return status, err
}

func readStatus(conn *sqlite.Conn) (st keys.Status, err error) {
	if _, err := conn.Row(func(row *sqlite3.Stmt) {
		st.Live, st.Retained, st.OpenEnded = row.ColumnInt(0), row.ColumnInt(1), row.ColumnInt(2)
		st.Destroyed, st.Tombstones, st.Uncertified = row.ColumnInt(3), row.ColumnInt(4), row.ColumnInt(5)
	}, `SELECT count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2), count(*) FILTER (WHERE state = 2 AND until IS NULL),
			count(*) FILTER (WHERE state = 3 AND master IS NOT NULL), count(*) FILTER (WHERE state = 3 AND master IS NULL),
			count(*) FILTER (WHERE owed = 1) FROM keys`); err != nil {
		return st, err
	}
	if _, err := conn.Row(func(row *sqlite3.Stmt) {
		st.Followed, st.Rotating = uint64(row.ColumnInt64(0)), row.ColumnText(1)
	}, "SELECT meta.followed, m.month FROM meta LEFT JOIN masters m ON m.n = meta.rotating"); err != nil {
		return st, err
	}
	for row, err := range conn.Rows("SELECT month, NOT (" + alive + "), (SELECT count(*) FROM keys k WHERE k.master = m.n AND k.state < 3) FROM masters m ORDER BY n") {
		if err != nil {
			return st, err
		}
		st.Masters = append(st.Masters, keys.MasterStatus{Name: row.ColumnText(0), Dead: row.ColumnBool(1), Keys: row.ColumnInt(2)})
	}
	return st, nil
}
