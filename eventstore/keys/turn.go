package keys

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// ErrElsewhere says that the keys have not followed the log to the place named.
var ErrElsewhere = errors.New("the keys have not followed the log to this place")

// Turn makes the keys of a ledger follow a copy of its log: From, a place in the old log up to which every
// fate is carried out, becomes To, the same place in the copy.
type Turn struct {
	Ledger   uuid.UUID
	From, To uint64
}

// Check tells whether the keys of a store may turn, or have done so already. Errors: ErrElsewhere when they
// stand at another place, eventstore.ErrForeign when they are of another ledger.
func (t Turn) Check(name string, ledger uuid.UUID, followed uint64) (done bool, err error) {
	if err := (Root{Name: name, Ledger: t.Ledger}).Check(ledger); err != nil {
		return false, err
	}
	if followed != t.From && followed != t.To {
		return false, fmt.Errorf("%s: the keys stand at position %d, not %d: %w", name, followed, t.From, ErrElsewhere)
	}
	return followed == t.To, nil
}
