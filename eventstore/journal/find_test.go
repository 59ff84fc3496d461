package journal_test

import (
	"errors"
	"slices"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/memory"
)

// findable gives a findable attribute of the policy whose values are normalised like e-mail addresses.
func findable(t testing.TB) domain.Field {
	t.Helper()
	for _, f := range policy.Imagine().Fields {
		if f.Form == policy.Email && !f.IsTrace() {
			return f.ID
		}
	}
	t.Fatal("the policy has no findable e-mail")
	return ""
}

func requireFound(t testing.TB, j *journal.Journal, f domain.Field, value string, want ...domain.SubjectID) {
	t.Helper()
	got, err := j.Find(t.Context(), f, domain.ClearValue(value))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d subjects found, want %d", len(got), len(want))
	}
}

func TestSubjectsAreFoundByNormalForm(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	j := b.open(t)
	email := findable(t)
	who, other := newSubject(), newSubject()
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, domain.NoStream, fact(collected(clearItem(who, email, "1", " Oksana@Example.com"))))
	mustAppend(t, j, domain.SubjectStream(other), domain.NoStream, fact(collected(clearItem(other, email, "1", "petro@example.com"))))
	requireFound(t, j, email, "oksana@EXAMPLE.com ", who)
	requireFound(t, j, email, "petro@example.com", other)
	requireFound(t, j, email, "nobody@example.com")
	requireFound(t, j, "no-such-field", "oksana@example.com")
	mustAppend(t, j, stream, 0, fact(subject.Edited{Subject: who, Items: []domain.Item{clearItem(who, email, "2", "new@example.com")},
		Superseded: []domain.Fate{{Subject: who, Field: email, Epoch: "1", Action: domain.Retain, Until: noon.AddDate(1, 0, 0), Rule: "tax"}}}))
	requireFound(t, j, email, "oksana@example.com")
	requireFound(t, j, email, "new@example.com", who)
	mustAppend(t, j, stream, 1, fact(deleted(who, destroy(who, email, "2"))))
	requireFound(t, j, email, "new@example.com")
	if _, err := j.Find(t.Context(), email, domain.ErasedValue()); !errors.Is(err, eventstore.ErrInvalid) {
		t.Errorf("a value that is not clear: %v", err)
	}
}

// A key and its index entry are made before the append. When the append does not come to stand, the
// subject is not found by a value that was never recorded.
func TestAValueThatWasNotRecordedFindsNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	fail := true
	p.Store = storeWith{Store: p.Store, before: func() error {
		if fail {
			return errCrash
		}
		return nil
	}}
	j := open(t, p)
	email := findable(t)
	who := newSubject()
	stream := domain.SubjectStream(who)
	f := fact(collected(clearItem(who, email, "1", "oksana@example.com")))
	if _, err := j.Append(t.Context(), stream, domain.NoStream, []ledger.Fact{f}); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	requireFound(t, j, email, "oksana@example.com")
	fail = false
	mustAppend(t, j, stream, domain.NoStream, fact(subject.Registered{Subject: who}))
	requireFound(t, j, email, "oksana@example.com")
	mustAppend(t, j, stream, 0, f)
	requireFound(t, j, email, "oksana@example.com", who)
}
