package register_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/obligations"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
	"imagine.ua/litopys/projections/register"
	"imagine.ua/litopys/projections/transfers"
)

var (
	anna    = domain.SubjectID{UUID: uuid.MustParse("0b000000-0000-4000-8000-000000000001")}
	petro   = domain.SubjectID{UUID: uuid.MustParse("0b000000-0000-4000-8000-000000000002")}
	courier = domain.RecipientID{UUID: uuid.MustParse("0c000000-0000-4000-8000-000000000001")}
	bank    = domain.RecipientID{UUID: uuid.MustParse("0c000000-0000-4000-8000-000000000002")}
	order   = domain.OrderID{UUID: uuid.MustParse("0d000000-0000-4000-8000-000000000001")}
	noon    = time.Date(2024, 3, 4, 12, 0, 0, 0, time.UTC)
)

// book is a log that is written by hand.
type book struct {
	*projtest.Log
	hours int
}

func newBook() *book { return &book{Log: projtest.NewLog(uuid.New())} }

// tell records an event an hour after the one before, and gives its id.
func (b *book) tell(stream domain.Stream, e domain.Event) uuid.UUID {
	b.hours++
	at, id := noon.Add(time.Duration(b.hours)*time.Hour), uuid.New()
	b.Append(domain.Recorded{ID: id, Stream: stream, Event: e, Meta: domain.Meta{Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-1"},
		OccurredAt: at, RecordedAt: at, Purpose: "orders", Grounds: "ua.11.1.3", Service: "orders", Policy: "2014-01"}})
	return id
}

func (b *book) of(id domain.SubjectID, e domain.Event) uuid.UUID {
	return b.tell(domain.SubjectStream(id), e)
}

func (b *book) card(id domain.RecipientID, name string, kind domain.RecipientKind, country domain.Country) {
	b.tell(domain.RecipientStream(id), recipient.Added{Recipient: id, Card: recipient.Card{Name: name, Kind: kind, Country: country}})
}

func (b *book) pass(id domain.SubjectID, to domain.RecipientID, abroad string, values ...string) {
	e := subject.Transferred{Subject: id, Recipient: subject.Recipient{ID: to, Kind: "delivery", Country: "PL"}, Abroad: abroad,
		Basis: subject.ByOrder{Order: order}}
	for _, v := range values {
		e.Values = append(e.Values, projections.ParseField(v))
	}
	b.of(id, e)
}

func fates(id domain.SubjectID, values ...string) []domain.Fate {
	var out []domain.Fate
	for _, v := range values {
		at := projections.ParseField(v)
		out = append(out, domain.Fate{Subject: id, Field: at.Field, Epoch: at.Epoch, Action: domain.Destroy})
	}
	return out
}

// have writes what a recipient has as "anna email/1 current".
func have(t testing.TB, s projections.Snapshot, id domain.RecipientID) []string {
	t.Helper()
	list, err := register.Of(t.Context(), s, id)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, h := range list {
		text := fmt.Sprintf("%s %s %s", map[domain.SubjectID]string{anna: "anna", petro: "petro"}[h.Subject], projections.FieldText(h.Field, h.Epoch), h.State)
		if h.Owed() {
			text += ", owed"
		}
		if !h.Now() {
			text += ", gone"
		}
		out = append(out, text)
	}
	return out
}

// What recipients hold now follows transfers, edits, deletions and notices, person by person.
func TestHeldNow(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.pass(anna, courier, "", "name/1", "email/1", "page/2024-02", "page/2024-03")
	b.pass(petro, courier, "", "name/1")
	b.pass(anna, bank, "", "email/1")
	edit := b.of(anna, subject.Edited{Subject: anna, Superseded: fates(anna, "email/1"), Tell: []domain.RecipientID{courier, bank}})
	b.pass(anna, bank, "", "email/2")
	gone := b.of(anna, subject.Deleted{Subject: anna, Deleted: append(fates(anna, "name/1"),
		domain.Fate{Subject: anna, Field: "page", Epoch: "2024-02", Through: true, Action: domain.Destroy}), Tell: []domain.RecipientID{courier}})
	b.of(anna, subject.NoticeGiven{Subject: anna, Cause: gone, Duty: "notice.recipient", Recipient: courier, Channel: subject.ByEmail})
	b.of(anna, subject.NoticeGiven{Subject: anna, Cause: edit, Duty: "notice.change", Channel: subject.ByEmail}) // the subject himself
	look(t, b, func(t *testing.T, s projections.Snapshot) {
		want := []string{"anna email/1 outdated, owed", "anna name/1 deleted, gone", "anna page/2024-02 deleted, gone", "anna page/2024-03 current", "petro name/1 current"}
		if diff := cmp.Diff(want, have(t, s, courier)); diff != "" {
			t.Errorf("courier:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"anna email/1 outdated, owed", "anna email/2 current"}, have(t, s, bank)); diff != "" {
			t.Errorf("bank:\n%s", diff)
		}
		if list := have(t, s, domain.RecipientID{UUID: uuid.New()}); list != nil {
			t.Errorf("a stranger holds %v", list)
		}
	})
	b.of(anna, subject.Closed{Subject: anna, Deleted: fates(anna, "email/2"), Tell: []domain.RecipientID{courier, bank}})
	look(t, b, func(t *testing.T, s projections.Snapshot) {
		if diff := cmp.Diff([]string{"anna email/1 deleted, owed", "anna email/2 deleted, owed"}, have(t, s, bank)); diff != "" {
			t.Errorf("bank after the account was closed:\n%s", diff)
		}
	})
}

func look(t *testing.T, b *book, do func(*testing.T, projections.Snapshot)) {
	t.Helper()
	projtest.Look(t, both.Filled(t, b.Log, register.New(), transfers.New(), obligations.New(law.UA())), func(s projections.Snapshot) { do(t, s) })
}

// The register says what the policy means and what was done under it.
func TestRegister(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.card(courier, "Courier", "delivery", "PL")
	b.card(bank, "Bank", "payment", "UA")
	b.of(anna, subject.Registered{Subject: anna, Reference: domain.Item{Subject: anna, Field: "account", Epoch: "1", Value: domain.SealedValue([]byte("x"))}})
	b.of(petro, subject.Registered{Subject: petro})
	b.of(petro, subject.Closed{Subject: petro})
	b.pass(anna, courier, "ua.29.3", "name/1", "phone/1")
	b.pass(petro, courier, "ua.29.3", "name/1")
	look(t, b, func(t *testing.T, s projections.Snapshot) {
		r, err := register.Make(t.Context(), s, policy.Imagine())
		if err != nil {
			t.Fatal(err)
		}
		persons := []register.Persons{{Kind: "", Title: "persons known by no reference", Persons: 1}, {Kind: "account", Title: "persons known by account in the app", Persons: 1}}
		if diff := cmp.Diff(persons, r.Subjects); diff != "" || r.Closed != 1 {
			t.Errorf("subjects, %d closed:\n%s", r.Closed, diff)
		}
		abroad := []register.Abroad{{Country: "PL", Ground: "ua.29.3", Title: "the state ensures adequate protection (European Economic Area)",
			Recipients: []string{"Courier"}, Fields: []domain.Field{"name", "phone"}, Passed: 3}}
		if diff := cmp.Diff(abroad, r.Abroad); diff != "" {
			t.Errorf("abroad:\n%s", diff)
		}
		if len(r.Recipients) != 2 || r.Recipients[0].Name != "Bank" || r.Recipients[0].Persons != 0 {
			t.Fatalf("recipients: %+v", r.Recipients)
		}
		got := r.Recipients[1]
		if got.Persons != 2 || got.Passed != 3 || !slices.Equal(got.Fields, []domain.Field{"name", "phone"}) || !slices.Equal(got.Bases, []string{"order"}) || got.KindTitle == "" {
			t.Errorf("courier: %+v", got)
		}
		i := slices.IndexFunc(r.Purposes, func(p register.Purpose) bool { return p.ID == "orders" })
		orders := r.Purposes[i]
		if !slices.Equal(orders.RecipientKinds, []domain.RecipientKind{"delivery"}) || !slices.Contains(orders.Categories, "delivery") || !slices.Contains(orders.Services, "orders") {
			t.Errorf("orders: %+v", orders)
		}
		done := []register.Activity{{Purpose: "orders", Service: "orders", Grounds: "ua.11.1.3", Kind: "close", Times: 1},
			{Purpose: "orders", Service: "orders", Grounds: "ua.11.1.3", Kind: "register", Times: 2},
			{Purpose: "orders", Service: "orders", Grounds: "ua.11.1.3", Kind: "transfer", Times: 2}}
		if diff := cmp.Diff(done, orders.Done); diff != "" {
			t.Errorf("done:\n%s", diff)
		}
		if len(r.Retention) != len(policy.Imagine().Retention) || len(r.Measures) == 0 || len(r.Roles) == 0 || r.Controller.Name != "Imagine" {
			t.Errorf("retention %d, measures %d, roles %d, controller %s", len(r.Retention), len(r.Measures), len(r.Roles), r.Controller.Name)
		}
		for _, c := range r.Categories {
			if c.Name == "finance" && !slices.Contains(c.Retention, "tax-documents") {
				t.Errorf("category %+v", c)
			}
		}
	})
}
