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

// ofMonth gives the number of the month's master key, made and durable before any key is wrapped with it.
func (m masters) ofMonth(ctx context.Context, conn *sqlite.Conn, month domain.Month) (n int64, err error) {
	found, err := conn.Row(func(s *sqlite3.Stmt) { n = s.ColumnInt64(0) },
		"SELECT n FROM masters WHERE month = ?", string(month))
	if err != nil || found {
		return n, err
	}
	made, err := m.New(ctx)
	if err != nil {
		return 0, err
	}
	err = conn.Tx(func() error {
		return conn.Run("INSERT INTO masters (id, month, wrapped) VALUES (?, ?, ?)", made.ID, string(month), made.Wrapped)
	})
	return conn.LastInsertRowID(), err
}
