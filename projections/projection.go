package projections

import (
	"errors"
	"fmt"
	"regexp"

	"imagine.ua/litopys/domain"
)

// Projection is a pure fold of the log to rows. Its Name is a permanent identity; another shape of its
// tables or another meaning of its rows is another Version, which needs a rebuild.
type Projection struct {
	Name    string
	Version int
	Tables  []*Table
	// Apply folds one event. It reads nothing but the event, so that events can be folded in batches, twice,
	// or on another machine with the same rows. It gives an error for an event it does not know
	// (UnknownEvent), never skips it; what it wrote for an event that failed is dropped.
	//
	// It may be called from several goroutines at once, each with its own Writer.
	Apply func(domain.Recorded, *Writer) error
}

var projectionName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func (p *Projection) validate() error {
	var errs []error
	if !projectionName.MatchString(p.Name) || p.Version < 1 || p.Apply == nil || len(p.Tables) == 0 {
		errs = append(errs, fmt.Errorf("projection %q: wants a name, a version from 1, tables and Apply", p.Name))
	}
	for _, t := range p.Tables {
		errs = append(errs, t.validate())
	}
	return errors.Join(errs...)
}

// Validate names all that is wrong with a set of projections: bad definitions, repeated names, a table
// that two of them claim.
func Validate(set []*Projection) error {
	var errs []error
	names, tables := map[string]bool{}, map[string]bool{}
	for _, p := range set {
		errs = append(errs, p.validate())
		if names[p.Name] {
			errs = append(errs, fmt.Errorf("projection %q: repeated", p.Name))
		}
		names[p.Name] = true
		for _, t := range p.Tables {
			if tables[t.Name] {
				errs = append(errs, fmt.Errorf("table %q: claimed twice", t.Name))
			}
			tables[t.Name] = true
		}
	}
	return errors.Join(errs...)
}
