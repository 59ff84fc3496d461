package domain_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
)

var anna = domain.SubjectID{UUID: uuid.MustParse("a0000000-0000-4000-8000-000000000001")}

// TestEventIDIsForEver pins ids: should they change, every retry in flight would be recorded twice.
func TestEventIDIsForEver(t *testing.T) {
	t.Parallel()
	stream := domain.SubjectStream(anna)
	got := domain.EventID(stream, "order-17", 0)
	ns := uuid.MustParse("6f0d7c1e-52a4-5d0b-9f5e-1c7f5a3c2b90")
	if want := uuid.NewSHA1(ns, []byte(string(stream)+"\x00order-17\x000")); got != want {
		t.Errorf("the id is %s, by RFC 9562 it is %s", got, want)
	}
	for _, other := range []uuid.UUID{
		domain.EventID(stream, "order-17", 1), domain.EventID(stream, "order-18", 0), domain.EventID(domain.TraceStream(anna, "2024-03"), "order-17", 0),
	} {
		if other == got {
			t.Error("another stream, key or ordinal has the same id")
		}
	}
}

func TestStreamsCarryTheirKindAndOwner(t *testing.T) {
	t.Parallel()
	for stream, kind := range map[domain.Stream]domain.StreamKind{
		domain.SubjectStream(anna):                       domain.KindSubject,
		domain.TraceStream(anna, "2024-03"):              domain.KindTrace,
		domain.RecipientStream(domain.RecipientID(anna)): domain.KindRecipient,
	} {
		owner, err := stream.Owner()
		if err != nil || owner != anna.UUID || stream.Kind() != kind {
			t.Errorf("%s: owner %s, kind %s, error %v", stream, owner, stream.Kind(), err)
		}
	}
	if _, err := domain.Stream("subject-anna").Owner(); err == nil {
		t.Error("a name without an id has an owner")
	}
}

func TestMonthOfIsTheMonthInUTC(t *testing.T) {
	t.Parallel()
	kyiv := time.FixedZone("Kyiv", 2*60*60)
	if m := domain.MonthOf(time.Date(2024, 3, 1, 1, 0, 0, 0, kyiv)); m != "2024-02" {
		t.Errorf("one o'clock on 1 March in Kyiv is in %s, want 2024-02", m)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-1<<36, 1<<38).Draw(t, "seconds"), 0)
		if got, want := domain.MonthOf(at), at.UTC().Format("2006-01"); string(got) != want {
			t.Fatalf("month %s, want %s", got, want)
		}
	})
}

func TestReferencesLeaveNoRoomForASentence(t *testing.T) {
	t.Parallel()
	for r, want := range map[domain.Reference]bool{
		"14/02-7": true, "e-17": true, "ПКУ.73.3": true, "a": true,
		"": false, "Anna Koval": false, "anna@example.com": false, "-x": false, "a\nb": false,
		domain.Reference(strings.Repeat("a", 65)): false, "a\xff": false,
	} {
		if r.Valid() != want {
			t.Errorf("%q: valid %v, want %v", string(r), r.Valid(), want)
		}
	}
}

func TestAnOperationIsCompleteOrNotBuilt(t *testing.T) {
	t.Parallel()
	whole := domain.OperationSpec{
		Key: "k", Actor: domain.Actor{Kind: domain.ActorSystem, ID: "app"}, At: time.Date(2024, 3, 10, 12, 0, 0, 1999, time.UTC),
		Purpose: "service", Grounds: "ua.11.1.3", Service: "account",
	}
	op, err := domain.NewOperation(whole)
	if err != nil || op.IsZero() || op.Spec().At.Nanosecond() != 1000 {
		t.Errorf("a whole operation: %+v, %v", op, err)
	}
	for part, change := range map[string]func(*domain.OperationSpec){
		"idempotency key": func(s *domain.OperationSpec) { s.Key = strings.Repeat("k", 201) },
		"actor":           func(s *domain.OperationSpec) { s.Actor.Kind = "ghost" },
		"time":            func(s *domain.OperationSpec) { s.At = time.Time{} },
		"purpose":         func(s *domain.OperationSpec) { s.Purpose = "" },
		"grounds":         func(s *domain.OperationSpec) { s.Grounds = "" },
		"service":         func(s *domain.OperationSpec) { s.Service = "" },
	} {
		broken := whole
		change(&broken)
		if op, err := domain.NewOperation(broken); err == nil || !op.IsZero() || !strings.Contains(err.Error(), part) {
			t.Errorf("without a valid %s: %v", part, err)
		}
	}
	_, err = domain.NewOperation(domain.OperationSpec{})
	if n := strings.Count(fmt.Sprint(err), "\n") + 1; n != 6 {
		t.Errorf("%d things are missing, want all 6: %v", n, err)
	}
}

func TestAValueNeverPrints(t *testing.T) {
	t.Parallel()
	const secret = "anna@example.com"
	v := domain.ClearValue(secret)
	item := domain.Item{Subject: anna, Field: "email", Epoch: "1", Value: v}
	encoded, err := json.Marshal(item)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "value", v, "item", item)
	for _, shown := range []string{
		fmt.Sprint(v), fmt.Sprintf("%s %q %x %d %v %+v %#v", v, v, v, v, v, v, v), fmt.Sprintf("%+v %#v", item, &item), string(encoded), logged.String(),
		fmt.Sprint(errors.New(fmt.Sprint(item))),
	} {
		if strings.Contains(shown, secret) || strings.Contains(shown, fmt.Sprintf("%x", secret)) {
			t.Errorf("the value shows: %s", shown)
		}
	}
}

// TestContentTellsTextsApart: two different lists of parts never give one digest, and the object is JSON.
func TestContentTellsTextsApart(t *testing.T) {
	t.Parallel()
	build := func(parts []string) (string, []byte) {
		c := domain.NewContent(nil, "collect", domain.OperationSpec{Service: "site"})
		domain.ContentList(c, "parts", parts)
		digest := c.Digest()
		return digest, c.Buffer()
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"", "a", "b", `"`, `\`, "\x00", "\x01", `","`, "\xff", "\xfe", "я", "\u2028"})
		one := rapid.SliceOfN(text, 0, 4).Draw(t, "one")
		two := rapid.SliceOfN(text, 0, 4).Draw(t, "two")
		digest1, object := build(one)
		digest2, _ := build(two)
		if same := fmt.Sprintf("%q", one) == fmt.Sprintf("%q", two); same != (digest1 == digest2) {
			t.Fatalf("%q and %q: digests %s and %s", one, two, digest1, digest2)
		}
		if !json.Valid(object) {
			t.Fatalf("not JSON: %s", object)
		}
	})
}

// A kind that is missing in the list would be refused by a store on a shared server.
func TestStreamKindsAreAllListed(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("ids.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`StreamKind = "([a-z]+)"`).FindAllSubmatch(src, -1)
	if len(declared) == 0 || len(declared) != len(domain.StreamKinds()) {
		t.Fatalf("%d kinds are declared, %d listed", len(declared), len(domain.StreamKinds()))
	}
	for i, kind := range domain.StreamKinds() {
		if string(declared[i][1]) != string(kind) {
			t.Errorf("kind %d is %s in the list and %s in the source", i, kind, declared[i][1])
		}
	}
}

// mute brings a value that nobody can replace.
type mute struct {
	domain.NoFates
	items []domain.Item
}

func (m mute) Personal() []domain.Item { return m.items }

// An event whose values cannot be replaced could not be sealed: it must never come out as it went in.
func TestWithPersonalNeedsABearer(t *testing.T) {
	t.Parallel()
	one := []domain.Item{{Subject: anna, Field: "email", Epoch: "1", Value: domain.ClearValue("x")}}
	if got, ok := domain.WithPersonal(mute{}, nil).(mute); !ok || got.items != nil {
		t.Errorf("an event without values became %v", got)
	}
	for name, e := range map[string]mute{"values given to none": {}, "values without a way in": {items: one}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			domain.WithPersonal(e, one)
		}()
	}
}
