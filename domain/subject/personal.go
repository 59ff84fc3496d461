package subject

import "imagine.ua/litopys/domain"

// The methods below are how sealing reaches the personal values of an event without knowing its type.

// Personal gives the reference, when there is one.
func (e Registered) Personal() []domain.Item { return present(e.Reference) }

// WithPersonal replaces the reference.
func (e Registered) WithPersonal(items []domain.Item) domain.Event {
	e.Reference = only(e.Reference, items)
	return e
}

// Personal gives the collected values.
func (e Collected) Personal() []domain.Item { return e.Items }

// WithPersonal replaces the collected values.
func (e Collected) WithPersonal(items []domain.Item) domain.Event {
	e.Items = replace(e.Items, items)
	return e
}

// Personal gives the corrected value.
func (e Rectified) Personal() []domain.Item { return e.Items }

// WithPersonal replaces the corrected value.
func (e Rectified) WithPersonal(items []domain.Item) domain.Event {
	e.Items = replace(e.Items, items)
	return e
}

// Fates gives the fate of the value that was corrected.
func (e Rectified) Fates() []domain.Fate { return e.Superseded }

// Personal gives the new values.
func (e Edited) Personal() []domain.Item { return e.Items }

// WithPersonal replaces the new values.
func (e Edited) WithPersonal(items []domain.Item) domain.Event {
	e.Items = replace(e.Items, items)
	return e
}

// Fates gives the fates of the values that were edited.
func (e Edited) Fates() []domain.Fate { return e.Superseded }

// Fates gives the fates of the deleted values.
func (e Deleted) Fates() []domain.Fate { return e.Deleted }

// Fates gives the fates of all the subject's values.
func (e Closed) Fates() []domain.Fate { return e.Deleted }

// Personal gives the written grounds of a transfer in defence of rights.
func (e Transferred) Personal() []domain.Item {
	if b, ok := e.Basis.(ByDefence); ok {
		return present(b.Statement)
	}
	return nil
}

// WithPersonal replaces the written grounds.
func (e Transferred) WithPersonal(items []domain.Item) domain.Event {
	if b, ok := e.Basis.(ByDefence); ok {
		b.Statement = only(b.Statement, items)
		e.Basis = b
		return e
	}
	replace(nil, items)
	return e
}

func present(i domain.Item) []domain.Item {
	if i.Value.Condition() == domain.Absent {
		return nil
	}
	return []domain.Item{i}
}

func only(old domain.Item, items []domain.Item) domain.Item {
	if got := replace(present(old), items); len(got) == 1 {
		return got[0]
	}
	return old
}

func replace(old, items []domain.Item) []domain.Item {
	if len(old) != len(items) {
		panic("subject: WithPersonal needs as many values as Personal gives")
	}
	return items
}
