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

// masters are the master keys by their ids. It is safe for concurrent use.
type masters struct {
	*keys.Masters[uuid.UUID]
	db querier

	mu     sync.RWMutex
	months map[domain.Month]uuid.UUID // guarded by mu
}

func newMasters(db querier, root keys.Root) *masters {
	return &masters{Masters: keys.NewMasters[uuid.UUID](root), db: db, months: map[domain.Month]uuid.UUID{}}
}

// get gives the master key with this id.
func (m *masters) get(ctx context.Context, id uuid.UUID) (*keys.Master, error) {
	return m.Get(ctx, id, "master key "+id.String(), func() (keys.StoredMaster, error) {
		stored := keys.StoredMaster{ID: id}
		err := m.db.QueryRow(ctx, "SELECT wrapped FROM litopys_keys.masters WHERE id = $1", id).Scan(&stored.Wrapped)
		if errors.Is(err, pgx.ErrNoRows) {
			err = nil
		}
		return stored, err
	})
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
	err = m.db.QueryRow(ctx, "SELECT id FROM litopys_keys.masters WHERE left(month, 7) = $1 AND wrapped IS NOT NULL ORDER BY n DESC LIMIT 1",
		string(month)).Scan(&id)
	return id, err
}

func (m *masters) make(ctx context.Context, month domain.Month) error {
	_, err := m.add(ctx, m.db, month)
	return err
}

// add makes one more master key of the month, unless somebody does so at the same moment.
func (m *masters) add(ctx context.Context, db querier, month domain.Month) (uuid.UUID, error) {
	made, err := m.New(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	var earlier int
	if err := db.QueryRow(ctx, "SELECT count(*) FROM litopys_keys.masters WHERE left(month, 7) = $1", string(month)).Scan(&earlier); err != nil {
		return uuid.Nil, err
	}
	_, err = db.Exec(ctx, "INSERT INTO litopys_keys.masters (id, month, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
		made.ID, keys.MasterName(month, earlier), made.Wrapped)
	return made.ID, err
}

// refresh forgets which master key is the newest of a month, and all master keys: some may have been erased.
func (m *masters) refresh() {
	m.Clear()
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.months)
}
