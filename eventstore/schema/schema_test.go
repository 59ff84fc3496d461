package schema

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

func TestOnlySealedValuesAreWritten(t *testing.T) {
	t.Parallel()
	const secret = "oksana@example.com"
	for name, value := range map[string]domain.Value{
		"clear":        domain.ClearValue(secret),
		"erased":       domain.ErasedValue(),
		"absent":       {},
		"sealed empty": domain.SealedValue(nil),
	} {
		bad := item(oksana, "email", "1", "x")
		bad.Value = value
		good := item(oksana, "phone", "1", "sealed")
		events := []domain.Event{
			subject.Collected{Subject: oksana, Source: subject.BySubject, Items: []domain.Item{good, bad}},
			subject.Edited{Subject: oksana, Items: []domain.Item{bad}},
			subject.Rectified{Subject: oksana, Value: domain.FieldEpoch{Field: "email", Epoch: "1"},
				Outcome: subject.Corrected, Items: []domain.Item{bad}},
		}
		if value.Condition() != domain.Absent {
			events = append(events, subject.Registered{Subject: oksana, Reference: bad},
				subject.Transferred{Subject: oksana, Recipient: subject.Recipient{ID: bank, Kind: "processor"},
					Basis: subject.ByDefence{Statement: bad}})
		}
		for _, e := range events {
			prefix := []byte("before")
			_, out, err := AppendEvent(bytes.Clone(prefix), e)
			if !errors.Is(err, ErrNotSealed) || !bytes.Equal(out, prefix) {
				t.Errorf("%s value in %T: %v, %d bytes", name, e, err, len(out))
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%T: the error quotes the value", e)
			}
		}
	}
}

func TestIncompleteEventsAreNotWritten(t *testing.T) {
	t.Parallel()
	pointer := domain.FieldEpoch{Field: "email", Epoch: "1"}
	for why, e := range map[string]domain.Event{
		"no subject":   subject.Used{Values: []domain.FieldEpoch{pointer}},
		"no field":     subject.Used{Subject: oksana, Values: []domain.FieldEpoch{{Epoch: "1"}}},
		"no basis":     subject.Transferred{Subject: oksana, Recipient: subject.Recipient{ID: bank, Kind: "k"}},
		"no consent":   subject.ConsentWithdrawn{Subject: oksana},
		"not UTF-8":    subject.Identified{Subject: oksana, Method: "\xff"},
		"far future":   subject.ConsentGranted{Subject: oksana, Consent: agreed, Until: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"lost subject": subject.Collected{Subject: oksana, Source: subject.BySubject, Items: []domain.Item{item(domain.SubjectID{}, "email", "1", "s")}},
	} {
		if _, data, err := Encode(e); !errors.Is(err, ErrIncomplete) || data != nil {
			t.Errorf("%s: %v", why, err)
		}
	}
	if _, err := EncodeMeta(domain.Meta{}); !errors.Is(err, ErrIncomplete) {
		t.Errorf("empty metadata: %v", err)
	}
}

func TestUnknownTypesStopTheReader(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "DataCollected", "DataCollected.v2", "DataCollected.v0", "datacollected.v1", "$metadata"} {
		if _, err := Decode(name, []byte(`{}`)); !errors.Is(err, ErrUnknownEvent) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, _, err := Encode(nil); !errors.Is(err, ErrUnknownEvent) {
		t.Errorf("no event: %v", err)
	}
}

// Decoded events outlive the buffer that they were read from.
func TestDecodedEventsKeepNothingOfTheBuffer(t *testing.T) {
	t.Parallel()
	for name, event := range sampleEvents() {
		stored, data, err := Encode(event)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(stored, data)
		if err != nil {
			t.Fatal(err)
		}
		clear(data)
		if diff := cmp.Diff(event, got); diff != "" {
			t.Errorf("%s changed with the buffer\n%s", name, diff)
		}
	}
}

// Several may write the same event at the same time; the race detector tells when one changes it.
func TestEventsAreWrittenByManyAtOnce(t *testing.T) {
	t.Parallel()
	var writers sync.WaitGroup
	for _, e := range sampleEvents() {
		for range 2 {
			writers.Go(func() {
				if _, _, err := Encode(e); err != nil {
					t.Errorf("%T: %v", e, err)
				}
			})
		}
	}
	writers.Wait()
}

// What one document has said, refused or not, is not found in the event of the next.
func TestEventsKeepNothingOfEarlierOnes(t *testing.T) {
	t.Parallel()
	bare := map[string]domain.Event{}
	for _, e := range []domain.Event{
		subject.Registered{Subject: petro},
		subject.Collected{Subject: petro, Source: subject.BySubject},
		subject.Transferred{Subject: petro, Recipient: subject.Recipient{ID: bank, Kind: "k"}, Basis: subject.ByLaw{}},
		subject.Deleted{Subject: petro},
		subject.HoldPlaced{Subject: petro, Hold: hold},
	} {
		name, _, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		bare[name] = e
	}
	for _, full := range sampleEvents() {
		name, data, err := Encode(full)
		if err != nil {
			t.Fatal(err)
		}
		for _, before := range [][]byte{data, data[:len(data)-1]} {
			_, refused := Decode(name, before)
			if want, ok := bare[name]; ok {
				_, data, err := Encode(want)
				if err != nil {
					t.Fatal(err)
				}
				got, err := Decode(name, data)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("%s after another (%v): %v\n%s", name, refused, err, diff)
				}
			}
		}
	}
}

func TestAnyCollectedEventComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		owner := domain.SubjectID{UUID: uuid.New()}
		e := subject.Collected{Subject: owner, Source: subject.Source(rapid.StringN(1, 30, -1).Draw(t, "source"))}
		for range rapid.IntRange(0, 4).Draw(t, "items") {
			who := owner
			if rapid.Bool().Draw(t, "other") {
				who = domain.SubjectID{UUID: uuid.New()}
			}
			e.Items = append(e.Items, domain.Item{Subject: who,
				Field: domain.Field(rapid.StringN(1, 20, -1).Draw(t, "field")),
				Epoch: domain.Epoch(rapid.StringN(1, 20, -1).Draw(t, "epoch")),
				Value: domain.SealedValue(rapid.SliceOfN(rapid.Byte(), 1, 400).Draw(t, "sealed"))})
		}
		stored, data, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		requireOneForm(t, stored, data)
		got, err := Decode(stored, data)
		if diff := cmp.Diff(domain.Event(e), got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}

func TestAnyTimeComesBackInMicroseconds(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("EET", 2*3600)
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-62135596799, 253402300799).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns"))
		m := sampleMetas()["Metadata"]
		m.OccurredAt = at.In(zone)
		data, err := EncodeMeta(m)
		if err != nil {
			t.Fatal(err)
		}
		m.OccurredAt = at.UTC().Truncate(time.Microsecond)
		got, err := DecodeMeta(data)
		if diff := cmp.Diff(m, got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}
