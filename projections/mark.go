package projections

import (
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

// Mark is a place in the log that can be recognised again: the last event taken, and the place before it,
// so that a reader who goes on from Previous must meet Event first. A log that was restored from an older
// copy and then went another way does not show it there. The zero Mark is the beginning.
type Mark struct {
	Position uint64
	Previous uint64
	Event    uuid.UUID
}

func (m Mark) next(r *domain.Recorded) Mark {
	return Mark{Position: r.Position, Previous: m.Position, Event: r.ID}
}

// BuildState is what a build is for.
type BuildState string

// The states of a build.
const (
	Building BuildState = "building" // a rebuild fills it; no reader sees it
	Live     BuildState = "live"     // readers see it and the engine follows the log with it
	Old      BuildState = "old"      // it was live before the last switch; kept for a rollback
)

// Build is one set of a projection's tables, and the place in the log that its rows stand for.
type Build struct {
	Projection string
	Version    int
	Number     int64 // rises with every build of the projection, from 1
	State      BuildState
	Log        uuid.UUID // identity of the ledger whose log was folded
	Mark       Mark
	Events     int64    // folded since the build began
	Failure    *Failure // the event at which it stopped; nil when it goes on
	// Indexed says that the secondary indexes are made.
	Indexed bool
}

// Failure is the event that stopped a projection, and why. It holds no personal value.
type Failure struct {
	Position uint64
	Event    uuid.UUID
	Stream   domain.Stream
	Type     string // of the event, as this program names it
	Reason   string
	At       time.Time
}
