package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/memory"
	"imagine.ua/litopys/eventstore/seal"
)

// A sealed value that was changed, or moved to another place, does not open. All ways look the same.
func TestTamperedAndMovedValuesFailUniformly(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	who, other := newSubject(), newSubject()
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, domain.NoStream, fact(collected(
		clearItem(who, "email", "1", "a"), clearItem(who, "email", "2", "b"), clearItem(who, "phone", "1", "c"), clearItem(other, "email", "1", "d"))))
	values := journal.SealedOf(events(t, j, stream)...)
	good := values[0]
	moved := map[string]journal.Sealed{}
	put := func(why string, change func(*journal.Sealed)) { s := good; change(&s); moved[why] = s }
	put("another stream", func(s *journal.Sealed) { s.Stream = domain.SubjectStream(other) })
	put("another event", func(s *journal.Sealed) { s.Event = uuid.New() })
	put("another subject", func(s *journal.Sealed) { s.Item.Subject = other })
	put("another field", func(s *journal.Sealed) { s.Item.Field = "phone" })
	put("another epoch", func(s *journal.Sealed) { s.Item.Epoch = "2" })
	for n, v := range values[1:] {
		put(fmt.Sprintf("the bytes of value %d", n+1), func(s *journal.Sealed) { s.Item.Value = v.Item.Value })
	}
	raw, _ := good.Item.Value.SealedBytes()
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		put(fmt.Sprintf("byte %d changed", i), func(s *journal.Sealed) { s.Item.Value = domain.SealedValue(changed) })
	}
	put("cut", func(s *journal.Sealed) { s.Item.Value = domain.SealedValue(raw[:40]) })
	for why, s := range moved {
		if got, err := j.Open(t.Context(), []journal.Sealed{s}); !errors.Is(err, seal.ErrVerify) || got != nil {
			t.Errorf("%s: %v", why, err)
		}
		if _, err := j.OpenAs(t.Context(), journal.WithRetained, []journal.Sealed{values[3], s}); !errors.Is(err, seal.ErrVerify) {
			t.Errorf("%s, with retained: %v", why, err)
		}
	}
	if got, err := j.Open(t.Context(), []journal.Sealed{good}); err != nil || !got[0].Equal(domain.ClearValue("a")) {
		t.Errorf("the untouched value: %v, %v", got, err)
	}
}

// A tombstone does not hide a value that was moved onto it, and a moved value is no erased one.
func TestAMovedValueIsNotShownAsErased(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	who := newSubject()
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, domain.NoStream,
		fact(collected(clearItem(who, "email", "1", "a"), clearItem(who, "phone", "1", "b"))),
		fact(deleted(who, destroy(who, "email", "1"))))
	values := journal.SealedOf(events(t, j, stream)...)
	values[1].Item.Value = values[0].Item.Value
	if _, err := j.Open(t.Context(), values); !errors.Is(err, seal.ErrVerify) {
		t.Errorf("got %v", err)
	}
}

func TestOpenPassesOnWhatIsNotSealed(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	want := []domain.Value{domain.ClearValue("x"), domain.ErasedValue(), {}}
	var values []journal.Sealed
	for _, v := range want {
		values = append(values, journal.Sealed{Item: domain.Item{Value: v}})
	}
	got, err := j.Open(t.Context(), values)
	if err != nil || len(got) != 3 {
		t.Fatalf("%v, %v", got, err)
	}
	for i := range got {
		if !got[i].Equal(want[i]) {
			t.Errorf("%s became %s", want[i], got[i])
		}
	}
}

// More values than one call to the key store takes, in order.
func TestManyValuesOpenInOrder(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	who := newSubject()
	stream := domain.SubjectStream(who)
	items := make([]domain.Item, 1300)
	for i := range items {
		items[i] = clearItem(who, "email", domain.AttributeEpoch(i%700+1), fmt.Sprint(i))
	}
	mustAppend(t, j, stream, domain.NoStream, fact(collected(items...)))
	got, err := j.Open(t.Context(), journal.SealedOf(events(t, j, stream)...))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if !v.Equal(domain.ClearValue(fmt.Sprint(i))) {
			t.Fatalf("value %d is another", i)
		}
	}
}

// Parts are opened on several cores; of several values that do not open the first is told of, whatever the
// order in which they are come upon, and nothing is given.
func TestTheFirstOfManyFailuresIsToldOf(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	who := newSubject()
	stream := domain.SubjectStream(who)
	facts := make([]ledger.Fact, 1500)
	for i := range facts {
		facts[i] = fact(collected(clearItem(who, "email", domain.AttributeEpoch(i+1), fmt.Sprint(i))))
	}
	mustAppend(t, j, stream, domain.NoStream, facts...)
	recorded := events(t, j, stream)
	opened, err := j.Unseal(t.Context(), journal.LiveOnly, recorded...)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range opened {
		if item := r.Event.Personal()[0]; !item.Value.Equal(domain.ClearValue(fmt.Sprint(i))) || r.ID != recorded[i].ID {
			t.Fatalf("event %d has another value", i)
		}
	}
	values := journal.SealedOf(recorded...)
	for _, at := range []int{1499, 1100, 700, 600} {
		values[at].Event, recorded[at].ID = uuid.Nil, uuid.Nil
		values[at].Item.Field = domain.Field(fmt.Sprint("field", at))
		if got, err := j.Open(t.Context(), values); !errors.Is(err, seal.ErrVerify) || got != nil || !strings.Contains(err.Error(), fmt.Sprint("field", at)) {
			t.Errorf("value %d does not open: %v", at, err)
		}
		if got, err := j.Unseal(t.Context(), journal.LiveOnly, recorded...); !errors.Is(err, seal.ErrVerify) || got != nil {
			t.Errorf("event %d does not open: %v", at, err)
		}
	}
}

func TestSameComparesWhatCanBeOpened(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	who := newSubject()
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, domain.NoStream, fact(subject.Registered{Subject: who}),
		fact(collected(clearItem(who, "email", "1", "a"), clearItem(who, "phone", "1", "b"))))
	recorded := events(t, j, stream)
	same := func(given ...string) bool {
		t.Helper()
		var values []domain.Value
		for _, g := range given {
			values = append(values, domain.ClearValue(g))
		}
		ok, err := j.Same(t.Context(), recorded, values)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !same("a", "b") || same("a", "c") || same("b", "a") || same("a") || same("a", "b", "c") || same() {
		t.Error("live values are compared wrongly")
	}
	mustAppend(t, j, stream, 1, fact(deleted(who, destroy(who, "email", "1"),
		domain.Fate{Subject: who, Field: "phone", Epoch: "1", Action: domain.Retain, Until: noon.AddDate(1, 0, 0), Rule: "tax"})))
	if !same("whatever", "b") || same("whatever", "c") || same("whatever") {
		t.Error("erased and retained values are compared wrongly")
	}
}

// No personal value stands in clear in the log or in any file of the key store, not even in its normal form.
func TestNoStoredByteIsClear(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	j := b.open(t)
	who := newSubject()
	secrets := []string{"Oksana.Kovalenko@Example.com", "203.0.113.77", "Mozilla/5.0 (X11; Linux x86_64)", "she broke the agreement on Monday"}
	items := []domain.Item{clearItem(who, "email", "1", secrets[0]), clearItem(who, "address", "2026-03", secrets[1]), clearItem(who, "browser", "2026-03", secrets[2])}
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, domain.NoStream,
		fact(subject.Registered{Subject: who, Reference: items[0]}), fact(collected(items...)),
		fact(subject.Transferred{Subject: who, Recipient: subject.Recipient{ID: domain.RecipientID{UUID: uuid.New()}, Kind: "court"},
			Basis: subject.ByDefence{Evidence: "case-1", Approver: "emp-1", Statement: clearItem(who, "statement", "1", secrets[3])}}))
	var stored bytes.Buffer
	for r, err := range b.store.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		stored.Write(r.AppendCanonical(nil))
	}
	if err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		stored.Write(content)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	lower := bytes.ToLower(stored.Bytes())
	for _, s := range secrets {
		if bytes.Contains(lower, []byte(strings.ToLower(s))) {
			t.Errorf("%q stands in clear", s)
		}
	}
	if !bytes.Contains(lower, []byte("browser")) {
		t.Error("the scan did not see the log")
	}
}
