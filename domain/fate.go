package domain

import "time"

// Fate is what becomes of one value: destroyed now, or kept until a day by a rule. It is part of the fact
// that decides it (an edit, a deletion, the closing of an account); the key's state follows.
type Fate struct {
	Subject SubjectID
	Field   Field
	Epoch   Epoch
	// Through widens the fate to every earlier epoch of the field that is still live. Deleting traces
	// uses it, because their months are not listed in the subject's file.
	Through bool
	Action  FateAction
	// Until is the first moment at which a retained value may be destroyed; zero for Destroy. Zero with
	// Retain means that the end is not known yet: a legal hold, or a relation that still lasts. A later fate
	// of the same value sets it.
	Until time.Time
	// Rule is the retention rule's id, or the hold ("hold"); empty for Destroy.
	Rule string
}

// FateAction is what happens to the key.
type FateAction string

// The actions.
const (
	Destroy FateAction = "destroy" // the key is destroyed at once; the value is unreadable from then on
	Retain  FateAction = "retain"  // the key leaves the profile's reach and lives until Fate.Until by Fate.Rule
)
