package keydb

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// rewrapPage is how many keys one transaction of a rotation wraps anew; other calls wait for so long.
const rewrapPage = 1000

const oldKeys = "SELECT " + columns + fromKeys + "WHERE k.state < 3 AND k.master < ? ORDER BY k.master, k.n LIMIT ?"

// Rotate makes a new master key and erases the older ones. See keys.Rotator.
//
// A crash leaves, after the new master key is made: the mark in meta.rotating, by which the next call goes
// on; after some pages: keys under both, each whole; after the old ones are erased: the mark, and nothing to
// do but to clean the WAL.
func (s *Store) Rotate(ctx context.Context, report func(keys.Rotation)) (keys.Rotation, error) {
	r := rotation{writer: s.writer}
	if err := s.Alone(ctx, func() error { return r.begin(ctx) }); err != nil {
		return r.told, fmt.Errorf("rotate master keys: %w", err)
	}
	for more := true; more; {
		if err := s.Alone(ctx, func() (err error) { more, err = r.page(ctx); return err }); err != nil {
			return r.told, fmt.Errorf("rotate master keys: %w", err)
		}
		if report != nil {
			report(r.told)
		}
		if err := ctx.Err(); err != nil {
			return r.told, err
		}
	}
	if err := s.Alone(ctx, r.end); err != nil {
		return r.told, fmt.Errorf("rotate master keys: %w", err)
	}
	return r.told, nil
}

// rotation is one call of Rotate.
type rotation struct {
	*writer
	target int64 // number of the new master key
	told   keys.Rotation
}

// begin makes the new master key, or takes up that of a rotation that did not end.
func (r *rotation) begin(ctx context.Context) error {
	if _, err := r.conn.Row(func(s *sqlite3.Stmt) { r.target = s.ColumnInt64(0) },
		"SELECT rotating FROM meta WHERE rotating IS NOT NULL"); err != nil {
		return err
	}
	if r.told.Resumed = r.target != 0; !r.told.Resumed {
		if err := r.masters.make(ctx, r.conn, domain.MonthOf(r.cfg.Now()), func(n int64) error {
			r.target = n
			return r.conn.Run("UPDATE meta SET rotating = ?", n)
		}); err != nil {
			return err
		}
	}
	_, err := r.conn.Row(func(s *sqlite3.Stmt) { r.told.Master = s.ColumnText(0) }, "SELECT month FROM masters WHERE n = ?", r.target)
	return err
}

// page wraps some keys anew and tells whether there were any.
func (r *rotation) page(ctx context.Context) (more bool, err error) {
	master, err := r.masters.get(ctx, r.conn, r.target)
	if err != nil {
		return false, err
	}
	var rows []row
	for stmt, err := range r.conn.Rows(oldKeys, r.target, rewrapPage) {
		if err != nil {
			return false, err
		}
		rows = append(rows, scan(stmt))
	}
	for i, old := range rows {
		key, err := old.unwrap(ctx, r.conn, r.masters)
		if err != nil {
			return false, err
		}
		rows[i].wrapped = master.Wrap(key)
	}
	err = r.conn.Tx(func() error { return rewrap(r.conn, rows, r.target) })
	if err != nil {
		return false, err
	}
	r.told.Rewrapped += len(rows)
	return len(rows) > 0, nil
}

// rewrap writes the wrapped keys over the old ones, which have the same length.
func rewrap(conn *sqlite.Conn, rows []row, master int64) error {
	for _, r := range rows {
		if err := conn.Run("UPDATE secrets SET wrapped = ? WHERE n = ?", r.wrapped, r.n); err != nil {
			return err
		}
		if err := conn.Run("UPDATE keys SET master = ? WHERE n = ?", master, r.n); err != nil {
			return err
		}
	}
	return nil
}

// end erases the older master keys that wrap nothing any more, in their place. Then the WAL holds neither
// them nor what they had wrapped, and only then the rotation is over.
func (r *rotation) end() error {
	type old struct {
		n    int64
		name string
	}
	var dying []old
	for stmt, err := range r.conn.Rows("SELECT n, month FROM masters m WHERE n < ? AND "+alive+
		" AND NOT EXISTS (SELECT 1 FROM keys k WHERE k.master = m.n AND k.state < 3) ORDER BY n", r.target) {
		if err != nil {
			return err
		}
		dying = append(dying, old{n: stmt.ColumnInt64(0), name: stmt.ColumnText(1)})
	}
	err := r.conn.Tx(func() error {
		for _, m := range dying {
			if err := r.conn.Run("UPDATE masters SET wrapped = zeroblob(length(wrapped)) WHERE n = ?", m.n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range dying {
		r.masters.Forget(m.n)
		r.told.Died = append(r.told.Died, m.name)
	}
	r.unclean = true
	if err := r.clean(); err != nil {
		return err
	}
	return r.conn.Run("UPDATE meta SET rotating = NULL")
}
