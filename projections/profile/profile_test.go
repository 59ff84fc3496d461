package profile_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
)

var (
	anna  = domain.SubjectID{UUID: uuid.MustParse("0b6f1a52-3c1d-4f7e-9a70-5f1d2c3b4a59")}
	boris = domain.SubjectID{UUID: uuid.MustParse("0b6f1a52-3c1d-4f7e-9a70-5f1d2c3b4a60")}
	noon  = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
)

func item(s domain.SubjectID, f domain.Field, e domain.Epoch) domain.Item {
	return domain.Item{Subject: s, Field: f, Epoch: e, Value: domain.SealedValue([]byte(string(f) + string(e)))}
}

func collected(s domain.SubjectID, items ...domain.Item) domain.Event {
	return subject.Collected{Subject: s, Source: subject.BySubject, Items: items}
}

// fold gives Anna's profile after the events, and fails when Boris's was touched.
func fold(t *testing.T, events ...domain.Event) profile.Profile {
	t.Helper()
	log := projtest.NewLog(uuid.New())
	add := func(s domain.SubjectID, e domain.Event) {
		log.Append(domain.Recorded{Stream: domain.SubjectStream(s), Event: e, Meta: domain.Meta{
			OccurredAt: noon, RecordedAt: noon.Add(time.Second), Purpose: "contact", Grounds: "ua.11.1.3", Service: "site", Policy: "2024-1"}})
	}
	add(boris, collected(boris, item(boris, "email", "1"), item(boris, "page", "2024-03")))
	for _, e := range events {
		add(anna, e)
	}
	b := both.Filled(t, log, profile.New())
	var p profile.Profile
	asked := 0
	projtest.Look(t, b, func(s projections.Snapshot) {
		neighbour, _, err := profile.Get(t.Context(), s, boris)
		if err != nil || len(neighbour.Fields) != 2 || neighbour.Fields[0].Condition != profile.Held || neighbour.Fields[1].Condition != profile.Held {
			t.Errorf("the neighbour was touched: %+v, %v", neighbour, err)
		}
		q, _, err := profile.Get(t.Context(), s, anna)
		if err != nil {
			t.Fatal(err)
		}
		if asked++; asked > 1 && !reflect.DeepEqual(p, q) {
			t.Errorf("one backend says %+v, the other %+v", p, q)
		}
		p = q
	})
	return p
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	p := fold(t, subject.Registered{Subject: anna, Policy: "2024-1", TextHash: "ab", Reference: item(anna, "account", "1")}, collected(anna, item(anna, "email", "1")))
	if p.Account != profile.Open || p.Policy != "2024-1" || p.TextHash != "ab" || !p.Registered.Equal(noon) || len(p.Fields) != 2 {
		t.Fatalf("%+v", p)
	}
	if p.Fields[0].Source != profile.Registration {
		t.Errorf("reference: %+v", p.Fields[0])
	}
	f := p.Fields[1]
	sealed, _ := f.Value.SealedBytes()
	if f.Field != "email" || f.Epoch != "1" || f.Source != subject.BySubject || f.Purpose != "contact" || f.Grounds != "ua.11.1.3" || f.Service != "site" ||
		f.Policy != "2024-1" || !f.Since.Equal(noon) || !f.Recorded.Equal(noon.Add(time.Second)) || f.Stream != domain.SubjectStream(anna) ||
		f.Event == uuid.Nil || f.Status != profile.Declared || f.Public || string(sealed) != "email1" {
		t.Errorf("%+v", f)
	}
}

// A fate reaches its own epoch, or with Through the earlier ones, and nothing else.
func TestFates(t *testing.T) {
	t.Parallel()
	until := noon.AddDate(3, 0, 0)
	destroy := func(f domain.Field, e domain.Epoch) domain.Fate {
		return domain.Fate{Subject: anna, Field: f, Epoch: e, Action: domain.Destroy}
	}
	retain := func(f domain.Field, e domain.Epoch) domain.Fate {
		return domain.Fate{Subject: anna, Field: f, Epoch: e, Action: domain.Retain, Until: until, Rule: "tax-documents"}
	}
	through := func(f domain.Fate) domain.Fate { f.Through = true; return f }
	deleted := func(f ...domain.Fate) domain.Event { return subject.Deleted{Subject: anna, Deleted: f} }
	held := func(f domain.Field, e domain.Epoch) domain.Fate {
		return domain.Fate{Subject: anna, Field: f, Epoch: e, Action: domain.Retain, Rule: "hold"}
	}
	placed := func(f ...domain.Fate) domain.Event { return subject.HoldPlaced{Subject: anna, Held: f} }
	freed := func(f ...domain.Fate) domain.Event { return subject.HoldReleased{Subject: anna, Freed: f} }
	ended := func(f ...domain.Fate) domain.Event { return subject.RetentionEnded{Subject: anna, Ended: f} }
	email, page := collected(anna, item(anna, "email", "2")), collected(anna, item(anna, "page", "2024-03.1"))
	for name, x := range map[string]struct {
		events []domain.Event
		want   profile.Condition
	}{
		"destroyed":                  {[]domain.Event{email, deleted(destroy("email", "2"))}, profile.Erased},
		"retained":                   {[]domain.Event{email, deleted(retain("email", "2"))}, profile.Retained},
		"an earlier epoch":           {[]domain.Event{email, deleted(destroy("email", "1"))}, profile.Held},
		"another field":              {[]domain.Event{email, deleted(destroy("phone", "2"))}, profile.Held},
		"retained, then destroyed":   {[]domain.Event{email, deleted(retain("email", "2")), deleted(destroy("email", "2"))}, profile.Erased},
		"erased is for ever":         {[]domain.Event{email, deleted(destroy("email", "2")), deleted(retain("email", "2"))}, profile.Erased},
		"through a later month":      {[]domain.Event{page, deleted(through(destroy("page", "2024-04")))}, profile.Erased},
		"through its own part":       {[]domain.Event{page, deleted(through(destroy("page", "2024-03.1")))}, profile.Erased},
		"through the part before":    {[]domain.Event{page, deleted(through(destroy("page", "2024-03")))}, profile.Held},
		"through the year before":    {[]domain.Event{page, deleted(through(destroy("page", "2023-12")))}, profile.Held},
		"through spares the kept":    {[]domain.Event{page, deleted(retain("page", "2024-03.1")), deleted(through(destroy("page", "2024-04")))}, profile.Retained},
		"held before it is deleted":  {[]domain.Event{email, placed(), deleted(held("email", "2"))}, profile.Retained},
		"held, then destroyed":       {[]domain.Event{email, deleted(held("email", "2")), freed(destroy("email", "2"))}, profile.Erased},
		"the term came to its end":   {[]domain.Event{email, deleted(retain("email", "2")), ended(destroy("email", "2"))}, profile.Erased},
		"held, then kept":            {[]domain.Event{email, deleted(held("email", "2")), freed(retain("email", "2"))}, profile.Retained},
		"a hold is released later":   {[]domain.Event{page, deleted(through(held("page", "2024-04"))), freed(through(destroy("page", "2024-04")))}, profile.Erased},
		"a hold on a later part":     {[]domain.Event{page, deleted(through(held("page", "2024-03.1"))), freed(through(destroy("page", "2024-04")))}, profile.Retained},
		"held for two reasons":       {[]domain.Event{page, deleted(through(retain("page", "2024-04")), through(held("page", "2024-04")))}, profile.Retained},
		"collected after a deletion": {[]domain.Event{email, deleted(destroy("email", "2")), collected(anna, item(anna, "email", "3"))}, profile.Held},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fold(t, x.events...).Fields[0]
			if f.Condition != x.want {
				t.Errorf("%s, want %s", f.Condition, x.want)
			}
			if _, sealed := f.Value.SealedBytes(); sealed == (x.want == profile.Erased) {
				t.Errorf("%s with a value that is %s", f.Condition, f.Value)
			}
			want, rule := until, "tax-documents"
			if strings.HasPrefix(name, "held") && name != "held, then kept" || name == "a hold on a later part" {
				want, rule = time.Time{}, "hold"
			}
			if x.want != profile.Retained {
				want, rule = time.Time{}, ""
			}
			if !f.Until.Equal(want) || f.Rule != rule {
				t.Errorf("until %s by %q", f.Until, f.Rule)
			}
		})
	}
}

// Marks belong to one value: the next one begins without them, and a dispute that ends leaves what was verified.
func TestMarks(t *testing.T) {
	t.Parallel()
	v := domain.FieldEpoch{Field: "email", Epoch: "1"}
	one := []domain.FieldEpoch{v}
	email := collected(anna, item(anna, "email", "1"))
	identified := subject.Identified{Subject: anna, Method: "bank-id", Values: one}
	disputed := subject.Disputed{Subject: anna, Value: v}
	confirmed := subject.Rectified{Subject: anna, Value: v, Outcome: subject.Confirmed}
	published := subject.Published{Subject: anna, Values: one, Place: "guestbook"}
	edited := subject.Edited{Subject: anna, Items: []domain.Item{item(anna, "email", "2")}, Superseded: []domain.Fate{{Subject: anna, Field: "email", Epoch: "1", Action: domain.Destroy}}}
	for name, x := range map[string]struct {
		events []domain.Event
		status profile.Status
		public bool
	}{
		"verified":             {[]domain.Event{email, identified}, profile.Identified, false},
		"disputed":             {[]domain.Event{email, identified, disputed}, profile.Disputed, false},
		"confirmed":            {[]domain.Event{email, identified, disputed, confirmed}, profile.Identified, false},
		"confirmed unverified": {[]domain.Event{email, disputed, confirmed}, profile.Declared, false},
		"public":               {[]domain.Event{email, published}, profile.Declared, true},
		"public no more":       {[]domain.Event{email, published, subject.PublicationWithdrawn{Subject: anna, Values: one}}, profile.Declared, false},
		"edited":               {[]domain.Event{email, identified, published, edited}, profile.Declared, false},
		"late for the old one": {[]domain.Event{email, edited, identified, published}, profile.Declared, false},
	} {
		f := fold(t, x.events...).Fields[0]
		if f.Status != x.status || f.Public != x.public || f.Condition != profile.Held {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// What the subject has forbidden stays forbidden for every later value, until he takes it back.
func TestLimits(t *testing.T) {
	t.Parallel()
	restricted := subject.Restricted{Subject: anna, Fields: []domain.Field{"email", "page"}}
	objected := subject.Objected{Subject: anna, Purposes: []domain.Purpose{"advertising", "contact"}}
	p := fold(t, restricted, objected, collected(anna, item(anna, "email", "1")),
		subject.RestrictionLifted{Subject: anna, Fields: []domain.Field{"page"}}, subject.ObjectionWithdrawn{Subject: anna, Purposes: []domain.Purpose{"contact"}})
	if len(p.Restricted) != 1 || p.Restricted[0].Of != "email" || !p.Restricted[0].Since.Equal(noon) {
		t.Errorf("restricted: %+v", p.Restricted)
	}
	if len(p.Objected) != 1 || p.Objected[0].Of != "advertising" || !p.Objected[0].Since.Equal(noon) {
		t.Errorf("objected: %+v", p.Objected)
	}
}

func TestClosedAccount(t *testing.T) {
	t.Parallel()
	p := fold(t, subject.Registered{Subject: anna, Policy: "2024-1"}, subject.Closed{Subject: anna, Services: []domain.Service{"account", "letters"}})
	if p.Account != profile.Closed || !p.Closed.Equal(noon) || len(p.Stopped) != 2 || p.Stopped[1] != "letters" {
		t.Errorf("%+v", p)
	}
}

type opener struct{}

func (opener) Open(_ context.Context, values []projections.Sealed) ([]domain.Value, error) {
	out := make([]domain.Value, len(values))
	for i, v := range values {
		out[i] = domain.ClearValue("clear " + string(v.Item.Field))
		if v.Item.Field == "phone" {
			out[i] = domain.ErasedValue() // its key went before the row did
		}
	}
	return out, nil
}

type broken struct{}

func (broken) Open(context.Context, []projections.Sealed) ([]domain.Value, error) {
	return nil, errors.ErrUnsupported
}

func TestOpen(t *testing.T) {
	t.Parallel()
	p := fold(t, collected(anna, item(anna, "email", "1"), item(anna, "name", "1"), item(anna, "phone", "1")),
		subject.Deleted{Subject: anna, Deleted: []domain.Fate{{Subject: anna, Field: "name", Epoch: "1", Action: domain.Retain, Until: noon, Rule: "limitation"}}})
	if err := p.Open(t.Context(), broken{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Fatal(err)
	}
	if err := p.Open(t.Context(), opener{}); err != nil {
		t.Fatal(err)
	}
	if clear, ok := p.Fields[0].Value.Reveal(); !ok || clear != "clear email" {
		t.Errorf("email is %s", p.Fields[0].Value)
	}
	if _, sealed := p.Fields[1].Value.SealedBytes(); !sealed || p.Fields[1].Condition != profile.Retained {
		t.Errorf("a retained value was opened: %+v", p.Fields[1])
	}
	if p.Fields[2].Condition != profile.Erased || p.Fields[2].Value.Condition() != domain.Erased {
		t.Errorf("%+v", p.Fields[2])
	}
}

// A value in clear must never reach a file, whoever hands it to the fold.
func TestRefusesClearValues(t *testing.T) {
	t.Parallel()
	b := projections.NewBatch(profile.New(), projections.Mark{})
	i := item(anna, "email", "1")
	i.Value = domain.ClearValue("anna@example.org")
	err := b.Apply(domain.Recorded{Position: 1, Event: collected(anna, i)})
	if !errors.Is(err, projections.ErrFailed) || len(b.Changes()) != 0 {
		t.Errorf("%v", err)
	}
}
