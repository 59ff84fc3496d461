package keys

import (
	"context"
	"strconv"
	"sync"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

// Masters keeps the unwrapped master keys, by whatever a store numbers them with. There are twelve a year, so
// all that were used stay. It is safe for concurrent use.
type Masters[N comparable] struct {
	root  Root
	mu    sync.RWMutex
	known map[N]*Master // guarded by mu
}

// NewMasters makes an empty one.
func NewMasters[N comparable](root Root) *Masters[N] {
	return &Masters[N]{root: root, known: map[N]*Master{}}
}

// StoredMaster is a master key as it is stored; a nil Wrapped says that there is none.
type StoredMaster struct {
	ID      uuid.UUID
	Wrapped []byte
}

// Get gives a master key. The first time it is read, and the key-management service asked; place names it,
// for errors.
func (m *Masters[N]) Get(ctx context.Context, n N, place string, read func() (StoredMaster, error)) (*Master, error) {
	m.mu.RLock()
	master := m.known[n]
	m.mu.RUnlock()
	if master != nil {
		return master, nil
	}
	stored, err := read()
	if err != nil {
		return nil, err
	}
	if stored.Wrapped == nil {
		return nil, m.root.corrupt(place, "is missing")
	}
	secret, err := m.root.Open(ctx, place, stored.ID, stored.Wrapped)
	if err != nil {
		return nil, err
	}
	master = NewMaster(stored.ID, secret)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[n] = master
	return master, nil
}

// Forget takes a master key out of memory, after it was erased.
func (m *Masters[N]) Forget(n N) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, n)
}

// Clear takes all master keys out of memory; they are read again when they are wanted.
func (m *Masters[N]) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.known)
}

// New makes a master key as it is to be stored.
func (m *Masters[N]) New(ctx context.Context) (StoredMaster, error) {
	id := uuid.New()
	wrapped, err := m.root.Wrap(ctx, id, NewSecret())
	return StoredMaster{ID: id, Wrapped: wrapped}, err
}

// MasterName names the n-th master key of a month, from 0: "2026-11", then "2026-11.1" for the one that a
// rotation makes in the same month.
func MasterName(month domain.Month, n int) string {
	if n == 0 {
		return string(month)
	}
	return string(month) + "." + strconv.Itoa(n)
}
