package retention_test

import (
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
)

// A key store that is put back has the destroyed keys again, which is seen by looking into it. Even one that
// claims to have followed the log to its end loses them to the check, and nothing but them; the check says how
// many, and finds nothing the second time.
func TestRestoreCheckDestroysAgain(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at func(testing.TB) place) {
		h := newHouseAt(t, at(t), policy.Imagine())
		for _, who := range []domain.SubjectID{anna, boris} {
			h.do(t, subject.Register{About: h.about(t, who)}, subject.Collect{About: h.about(t, who), Source: subject.BySubject,
				Values: []subject.Given{given("name", "n"), given("email", "e@example.com"), given("tax_number", "1")}})
		}
		h.close(t)
		h.backup(t)
		h.open(t)
		h.do(t, subject.Delete{About: h.about(t, anna), Fields: []domain.Field{"name", "email"}})
		h.close(t)
		h.restore(t, 1)
		h.pretend(t)
		h.open(t)
		h.requireStates(t, anna, 3, 0, 0)
		for _, want := range []int{2, 0} {
			found, err := h.journal.RestoreCheck(t.Context(), nil)
			if err != nil || found.Keys != 2 || found.Destroyed != want {
				t.Errorf("the check has found %+v, %v; want %d to destroy", found, err, want)
			}
		}
		h.requireStates(t, anna, 1, 0, 2)
		h.requireStates(t, boris, 3, 0, 0)
		if n := certified(t, h.journal, anna); n != 2 {
			t.Errorf("%d keys are certified", n)
		}
		var m model
		m.learn(t, h.journal)
		for _, v := range m.values {
			opened, err := h.journal.OpenAs(t.Context(), journal.WithRetained, []journal.Sealed{v.sealed})
			if err != nil || opened[0].State != v.state {
				t.Errorf("%s is %v, %v; want %v", v.ref(), opened, err, v.state)
			}
		}
		h.close(t)
	})
}

// pretend makes a key store say that it has followed the log to its end.
func (h *house) pretend(t *testing.T) {
	t.Helper()
	parts, kms, err := h.parts(t.Context(), &h.calendar)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _, _ = parts.Keys.Close(), kms.Close(), parts.Store.Close() }()
	head, err := parts.Store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := parts.Keys.Of(t.Context(), anna)
	if err != nil || len(list) != 3 || list[0].State != keys.Live {
		t.Fatalf("the restored store has %v, %v: this test shows nothing", list, err)
	}
	if err := parts.Keys.Follow(t.Context(), uint64(head), nil); err != nil {
		t.Fatal(err)
	}
}
