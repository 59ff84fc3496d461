package schema

import "fmt"

// step turns a document of one version into a document of the next. It is pure: the same bytes give the
// same bytes, for ever. It sees sealed values only and passes them on as they are, since they are bound to
// their event and their key, not to the document's shape.
type step struct {
	to  string // name of the next version
	fix func(data []byte) ([]byte, error)
}

// newest takes the document through every step from its version to the newest one.
func (r *registry) newest(name string, data []byte) (*eventType, []byte, error) {
	t, chain, err := r.target(name)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range chain {
		if data, err = s.fix(data); err != nil {
			return nil, nil, fmt.Errorf("bring %s to %s: %w", name, s.to, err)
		}
	}
	return t, data, nil
}

// target finds the newest type for a stored name and the steps that lead there.
func (r *registry) target(name string) (*eventType, []step, error) {
	var chain []step
	for at := name; ; {
		if t, ok := r.byName[at]; ok {
			return t, chain, nil
		}
		s, ok := r.steps[at]
		if !ok || len(chain) == len(r.steps) {
			return nil, nil, fmt.Errorf("%w: %.100q", ErrUnknownEvent, name)
		}
		chain = append(chain, s)
		at = s.to
	}
}
