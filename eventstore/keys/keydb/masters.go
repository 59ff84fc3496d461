package keydb

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// masters are the master keys by masters.n.
type masters struct{ *keys.Masters[int64] }

// get gives the master key with this number, which must not be called while a statement of get is open.
func (m masters) get(ctx context.Context, conn *sqlite.Conn, n int64) (*keys.Master, error) {
	return m.Get(ctx, n, fmt.Sprintf("master key %d", n), func() (stored keys.StoredMaster, err error) {
		_, err = conn.Row(func(s *sqlite3.Stmt) {
			stored = keys.StoredMaster{ID: sqlite.ColumnUUID(s, 0), Wrapped: s.ColumnBlob(1, nil)}
		}, "SELECT id, wrapped FROM masters WHERE n = ?", n)
		return stored, err
	})
}

// alive holds for a master key that was not erased.
const alive = "wrapped <> zeroblob(length(wrapped))"

// ofMonth gives the number of the month's newest master key, made and durable before any key is wrapped with
// it.
func (m masters) ofMonth(ctx context.Context, conn *sqlite.Conn, month domain.Month) (n int64, err error) {
	found, err := conn.Row(func(s *sqlite3.Stmt) { n = s.ColumnInt64(0) },
		"SELECT n FROM masters WHERE (month = ?1 OR month GLOB ?1 || '.*') AND "+alive+" ORDER BY n DESC LIMIT 1", string(month))
	if err != nil || found {
		return n, err
	}
	err = m.make(ctx, conn, month, func(made int64) error {
		n = made
		return nil
	})
	return n, err
}

// make makes one more master key of the month, in one transaction with what then does.
func (m masters) make(ctx context.Context, conn *sqlite.Conn, month domain.Month, then func(n int64) error) error {
	made, err := m.New(ctx)
	if err != nil {
		return err
	}
	return conn.Tx(func() error {
		earlier := 0
		if _, err := conn.Row(func(s *sqlite3.Stmt) { earlier = s.ColumnInt(0) },
			"SELECT count(*) FROM masters WHERE month = ?1 OR month GLOB ?1 || '.*'", string(month)); err != nil {
			return err
		}
		if err := conn.Run("INSERT INTO masters (id, month, wrapped) VALUES (?, ?, ?)",
			made.ID, keys.MasterName(month, earlier), made.Wrapped); err != nil {
			return err
		}
		return then(conn.LastInsertRowID())
	})
}
