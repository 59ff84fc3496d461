package journal

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/schema"
)

// maxCauses bounds the subjects whose facts are remembered until the certificates are written. Those of others
// are found in the log.
const maxCauses = 32 << 10

// cause is a fact that destroyed keys: what their certificate says of it.
type cause struct {
	event uuid.UUID
	meta  domain.Meta
	fates []domain.Fate // those that destroy
}

// ends tells whether the fact is about this key.
func (c cause) ends(ref keys.Ref) bool {
	return slices.ContainsFunc(c.fates, func(f domain.Fate) bool {
		if f.Subject != ref.Subject || f.Field != ref.Field {
			return false
		}
		return f.Epoch == ref.Epoch || f.Through && keys.Earlier(ref.Epoch, f.Epoch)
	})
}

// causeOf gives what a record destroyed; false when it destroyed nothing.
func causeOf(r eventstore.Record, event domain.Event) (cause, bool, error) {
	c := cause{event: r.ID}
	for _, f := range event.Fates() {
		if f.Action == domain.Destroy {
			c.fates = append(c.fates, f)
		}
	}
	if len(c.fates) == 0 {
		return c, false, nil
	}
	var err error
	c.meta, err = schema.DecodeMeta(r.Meta)
	return c, true, err
}

// causes remembers, by subject, which facts have destroyed keys. It is safe for concurrent use.
type causes struct {
	mu    sync.Mutex
	known map[domain.SubjectID][]cause // guarded by mu
}

func newCauses() *causes { return &causes{known: map[domain.SubjectID][]cause{}} }

func (x *causes) add(c cause) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var last domain.SubjectID
	for _, f := range c.fates {
		if f.Subject == last {
			continue
		}
		last = f.Subject
		if _, ok := x.known[last]; ok || len(x.known) < maxCauses {
			x.known[last] = append(x.known[last], c)
		}
	}
}

// of gives the facts about a subject, in the order of the log.
func (x *causes) of(subject domain.SubjectID) []cause {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.known[subject])
}

// forget drops the first n facts about a subject, for which there are certificates.
func (x *causes) forget(subject domain.SubjectID, n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if rest := x.known[subject]; len(rest) > n {
		x.known[subject] = slices.Clone(rest[n:])
	} else {
		delete(x.known, subject)
	}
}

// readCauses finds the facts about a subject in his file, after a restart.
func readCauses(ctx context.Context, log eventstore.StreamReader, subject domain.SubjectID) (found []cause, err error) {
	for r, err := range log.ReadStream(ctx, string(domain.SubjectStream(subject)), eventstore.NoStream) {
		if err != nil {
			return nil, err
		}
		if carries, err := schema.CarriesFates(r.Type); err != nil || !carries {
			if err != nil {
				return nil, placed(r, err)
			}
			continue
		}
		event, err := schema.Decode(r.Type, r.Data)
		if err != nil {
			return nil, placed(r, err)
		}
		c, destroys, err := causeOf(r, event)
		if err != nil {
			return nil, placed(r, err)
		}
		if destroys {
			found = append(found, c)
		}
	}
	return found, nil
}
