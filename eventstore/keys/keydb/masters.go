package keydb

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// masters keeps the unwrapped master keys. There are twelve a year, so all that were used stay. Reading one
// for the first time asks the key-management service. It is safe for concurrent use.
type masters struct {
	path string
	root keys.Root

	mu    sync.RWMutex
	known map[int64]*keys.Master // by masters.n; guarded by mu
}

func newMasters(path string, root keys.Root) *masters {
	return &masters{path: path, root: root, known: map[int64]*keys.Master{}}
}

// get gives the master key with this number, which must not be called while a statement of get is open.
func (m *masters) get(ctx context.Context, conn *sqlite.Conn, n int64) (*keys.Master, error) {
	m.mu.RLock()
	master := m.known[n]
	m.mu.RUnlock()
	if master != nil {
		return master, nil
	}
	var id uuid.UUID
	var wrapped []byte
	found, err := conn.Row(func(s *sqlite3.Stmt) {
		id, wrapped = sqlite.ColumnUUID(s, 0), s.ColumnBlob(1, nil)
	}, "SELECT id, wrapped FROM masters WHERE n = ?", n)
	if err != nil {
		return nil, err
	}
	place := fmt.Sprintf("master key %d", n)
	if !found {
		return nil, corrupt(m.path, place, "is missing")
	}
	secret, err := m.root.Unwrap(ctx, id, wrapped)
	if err != nil {
		return nil, rootError(m.path, place, err)
	}
	return m.keep(n, keys.NewMaster(id, secret)), nil
}

func (m *masters) keep(n int64, master *keys.Master) *keys.Master {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[n] = master
	return master
}

// ofMonth gives the number of the month's master key, made and durable before any key is wrapped with it.
func (m *masters) ofMonth(ctx context.Context, conn *sqlite.Conn, month domain.Month) (n int64, err error) {
	found, err := conn.Row(func(s *sqlite3.Stmt) { n = s.ColumnInt64(0) },
		"SELECT n FROM masters WHERE month = ?", string(month))
	if err != nil || found {
		return n, err
	}
	id, secret := uuid.New(), keys.NewSecret()
	wrapped, err := m.root.Wrap(ctx, id, secret)
	if err != nil {
		return 0, err
	}
	err = conn.Tx(func() error {
		return conn.Run("INSERT INTO masters (id, month, wrapped) VALUES (?, ?, ?)", id, string(month), wrapped)
	})
	if err != nil {
		return 0, err
	}
	n = conn.LastInsertRowID()
	m.keep(n, keys.NewMaster(id, secret))
	return n, nil
}
