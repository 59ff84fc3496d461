package journal

import (
	"context"
	"fmt"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
)

// Find gives the subjects under whom a findable value is recorded and live, through the keyed blind index.
// The value is clear and need not be in its normal form. A field that is not findable finds nobody.
//
// The index alone would also name subjects whose value was never recorded: a key is made before the append
// that may then be refused. So each hit is checked against the facts.
func (j *Journal) Find(ctx context.Context, field domain.Field, value domain.Value) ([]domain.SubjectID, error) {
	if err := j.enter(); err != nil {
		return nil, err
	}
	defer j.leave()
	text, ok := value.Reveal()
	if !ok {
		return nil, fmt.Errorf("find by %s: %w: the value is %s, not clear", field, eventstore.ErrInvalid, value)
	}
	if !j.policy.Findable(field) {
		return nil, nil
	}
	normal := j.policy.Normal(field, text)
	hits, err := j.keys.Find(ctx, field, j.keys.Tag(field, normal))
	if err != nil {
		return nil, fmt.Errorf("find by %s: %w", field, err)
	}
	var found []domain.SubjectID
	for _, subject := range hits {
		recorded, err := j.isRecorded(ctx, subject, field, normal)
		if err != nil {
			return nil, fmt.Errorf("find by %s: %w", field, err)
		}
		if recorded {
			found = append(found, subject)
		}
	}
	return found, nil
}

// isRecorded tells whether the subject's file holds the value, live. For a trace, whose months it would
// take long to read, it tells whether there is a file.
func (j *Journal) isRecorded(ctx context.Context, subject domain.SubjectID, field domain.Field, normal string) (bool, error) {
	stream := domain.SubjectStream(subject)
	if f, ok := j.policy.Field(field); ok && f.IsTrace() {
		head, err := j.store.StreamHead(ctx, string(stream))
		return head != eventstore.NoStream, err
	}
	for r, err := range j.Events(ctx, stream, domain.NoStream) {
		if err != nil {
			return false, err
		}
		for _, s := range SealedOf(r) {
			if s.Item.Subject != subject || s.Item.Field != field {
				continue
			}
			same, err := j.isLive(ctx, s, normal)
			if same || err != nil {
				return same, err
			}
		}
	}
	return false, nil
}

func (j *Journal) isLive(ctx context.Context, s Sealed, normal string) (bool, error) {
	opened, err := j.openAs(ctx, LiveOnly, []Sealed{s})
	if err != nil {
		return false, err
	}
	text, ok := opened[0].Value.Reveal()
	return ok && j.policy.Normal(s.Item.Field, text) == normal, nil
}
