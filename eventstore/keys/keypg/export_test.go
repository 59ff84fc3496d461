package keypg

import "github.com/google/uuid"

// Remembers reports whether the cache holds the key, without asking the database.
func (s *Store) Remembers(id uuid.UUID) bool {
	_, ok := s.db.cache.ByID(id)
	return ok
}
