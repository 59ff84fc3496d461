package esdbtest

import "github.com/google/uuid"

// recentIDs is the server's cache of committed event ids, from which appends with Any and StreamExists are
// found to be repeats. It is keyed by the id alone and the first stream to use an id keeps it, so the same
// id in a second stream is never idempotent there. It is bounded: the oldest ids are forgotten.
type recentIDs struct {
	limit, used int
	at          map[uuid.UUID]*entry
	order       []uuid.UUID
}

func newRecentIDs(limit int) *recentIDs {
	return &recentIDs{limit: limit, at: make(map[uuid.UUID]*entry)}
}

// weight is the memory that the server reckons for one id.
func weight(e *entry) int { return 28 + len(e.stream) }

func (r *recentIDs) add(e *entry) {
	if _, known := r.at[e.id]; known {
		return
	}
	r.at[e.id] = e
	r.order = append(r.order, e.id)
	r.used += weight(e)
	for r.used > r.limit && len(r.order) > 0 {
		oldest := r.order[0]
		r.order = r.order[1:]
		r.used -= weight(r.at[oldest])
		delete(r.at, oldest)
	}
}

// find gives the record with this id if it stands in this stream.
func (r *recentIDs) find(stream string, id uuid.UUID) (*entry, bool) {
	e, ok := r.at[id]
	return e, ok && e.stream == stream
}

func (r *recentIDs) clear() {
	clear(r.at)
	r.order, r.used = nil, 0
}
