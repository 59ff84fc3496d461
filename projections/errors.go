package projections

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
)

// The errors of projections; compare with errors.Is.
var (
	// ErrConflict: the build is not where the batch began; somebody else moved, switched or dropped it.
	ErrConflict = errors.New("the projection moved meanwhile")
	// ErrForeign: the rows were folded from the log of another ledger. A rebuild is the way out.
	ErrForeign = errors.New("the read models belong to another ledger; rebuild them")
	// ErrDiverged: the rows stand for an event that the log does not hold there: the log was cut back or
	// restored from an older copy. A rebuild is the way out.
	ErrDiverged = errors.New("the read models stand for events that the log does not hold; rebuild them")
	// ErrVersion: the rows were made by another version of the projection. A rebuild is the way out.
	ErrVersion = errors.New("the read model was made by another version of the program; rebuild it")
	// ErrUnknownEvent: the fold does not know the event.
	ErrUnknownEvent = errors.New("unknown event")
	// ErrFailed: a projection has stopped at an event.
	ErrFailed = errors.New("the projection has stopped")
	// ErrRunning: the engine follows the log already, or another rebuild is under way.
	ErrRunning = errors.New("is running already")
	// ErrMismatch: rows are not those that a fold of the log gives.
	ErrMismatch = errors.New("the rows differ from a fold of the log")
	// ErrNoProjection: there is no projection of this name.
	ErrNoProjection = errors.New("no such projection")
	// ErrNoBuild: the projection has no rows yet.
	ErrNoBuild = errors.New("the read model is not built yet")
	// ErrNoOld: there is nothing to roll back to, since no rebuild has put other rows in the place of these.
	ErrNoOld = errors.New("no rows stand by from before; a rebuild puts the present ones by")
)

// ForeignError says whose rows these are: one error for all projections that hold those of one other ledger. It is an
// ErrForeign and an eventstore.ErrForeign.
type ForeignError struct {
	Projections []string
	// Of is the ledger whose log the rows were folded from, Log the ledger that is open.
	Of, Log uuid.UUID
}

// Error names projections and ledgers in one line.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s are of ledger %s, the log is of ledger %s: %v", strings.Join(e.Projections, ", "), e.Of, e.Log, ErrForeign)
}

// Is makes it an ErrForeign.
func (e *ForeignError) Is(target error) bool {
	return target == ErrForeign || target == eventstore.ErrForeign
}

// together makes one error of all that say the same of projections of one other ledger.
func together(errs []error) []error {
	var out []error
	of := map[uuid.UUID]*ForeignError{}
	for _, err := range errs {
		var one *ForeignError
		if !errors.As(err, &one) {
			out = append(out, err)
			continue
		}
		if all, ok := of[one.Of]; ok {
			all.Projections = append(all.Projections, one.Projections...)
			continue
		}
		all := &ForeignError{slices.Clone(one.Projections), one.Of, one.Log}
		of[one.Of], out = all, append(out, all)
	}
	return out
}

// FailureError says which projection stopped, at which event and why. It is an ErrFailed and wraps the cause.
type FailureError struct {
	Projection string
	Failure    Failure
	cause      error
}

// Error names projection, place, event and reason in one line.
func (e *FailureError) Error() string {
	return fmt.Sprintf("projection %s stopped at position %d (%s, event %s of %s): %s", e.Projection,
		e.Failure.Position, e.Failure.Type, e.Failure.Event, e.Failure.Stream, e.Failure.Reason)
}

// Is makes it an ErrFailed.
func (e *FailureError) Is(target error) bool { return target == ErrFailed }

// Unwrap gives the cause, when the failure happened in this process.
func (e *FailureError) Unwrap() error { return e.cause }

func failureOf(r domain.Recorded, err error) Failure {
	return Failure{Position: r.Position, Event: r.ID, Stream: r.Stream, Type: TypeName(r.Event), Reason: err.Error()}
}

// TypeName gives the name of an event's Go type: "subject.Collected".
func TypeName(e domain.Event) string { return strings.TrimPrefix(fmt.Sprintf("%T", e), "*") }

// UnknownEvent is what a fold gives for an event outside its switch.
func UnknownEvent(e domain.Event) error { return fmt.Errorf("%w: %s", ErrUnknownEvent, TypeName(e)) }
