package keypg

import (
	"context"
	"errors"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// masters keeps the unwrapped master keys. There are twelve a year, so all that were used stay. Reading one
// for the first time asks the key-management service. It is safe for concurrent use.
type masters struct {
	store *Store
	root  keys.Root

	mu     sync.RWMutex
	known  map[uuid.UUID]*keys.Master // guarded by mu
	months map[domain.Month]uuid.UUID // guarded by mu
}

func newMasters(s *Store, root keys.Root) *masters {
	return &masters{store: s, root: root, known: map[uuid.UUID]*keys.Master{}, months: map[domain.Month]uuid.UUID{}}
}

// get gives the master key with this id.
func (m *masters) get(ctx context.Context, id uuid.UUID) (*keys.Master, error) {
	m.mu.RLock()
	master := m.known[id]
	m.mu.RUnlock()
	if master != nil {
		return master, nil
	}
	place := "master key " + id.String()
	var wrapped []byte
	err := m.store.pool.QueryRow(ctx, "SELECT wrapped FROM litopys_keys.masters WHERE id = $1", id).Scan(&wrapped)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, m.store.corrupt(place, "is missing")
	}
	if err != nil {
		return nil, err
	}
	secret, err := m.root.Unwrap(ctx, id, wrapped)
	if err != nil {
		return nil, m.store.rootError(place, err)
	}
	master = keys.NewMaster(id, secret)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[id] = master
	return master, nil
}

// ofMonth gives the id of the month's master key, made and durable before any key is wrapped with it. Of
// two processes that make it the first one wins.
func (m *masters) ofMonth(ctx context.Context, month domain.Month) (uuid.UUID, error) {
	m.mu.RLock()
	id, ok := m.months[month]
	m.mu.RUnlock()
	if ok {
		return id, nil
	}
	id, err := m.find(ctx, month)
	if errors.Is(err, pgx.ErrNoRows) {
		if err = m.make(ctx, month); err == nil {
			id, err = m.find(ctx, month)
		}
	}
	if err != nil {
		return uuid.Nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.months[month] = id
	return id, nil
}

func (m *masters) find(ctx context.Context, month domain.Month) (id uuid.UUID, err error) {
	err = m.store.pool.QueryRow(ctx, "SELECT id FROM litopys_keys.masters WHERE month = $1", string(month)).Scan(&id)
	return id, err
}

func (m *masters) make(ctx context.Context, month domain.Month) error {
	id := uuid.New()
	wrapped, err := m.root.Wrap(ctx, id, keys.NewSecret())
	if err != nil {
		return err
	}
	_, err = m.store.pool.Exec(ctx, "INSERT INTO litopys_keys.masters (id, month, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
		id, string(month), wrapped)
	return err
}
