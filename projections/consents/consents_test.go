package consents_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/consents"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
)

// Every consent of a long history is there, with its scope and its end, under the subject who gave it.
func TestEqualsLog(t *testing.T) {
	t.Parallel()
	c := projtest.NewCrowd(rand.New(rand.NewPCG(5, 5)).IntN)
	c.Visits = 5
	log := projtest.NewLog(uuid.New())
	log.Append(c.Some(800)...)
	want := map[domain.SubjectID]map[domain.ConsentID]consents.Consent{}
	withdrawn := 0
	for _, r := range log.Events() {
		switch e := r.Event.(type) {
		case subject.Registered:
			want[e.Subject] = map[domain.ConsentID]consents.Consent{}
		case subject.ConsentGranted:
			want[e.Subject][e.Consent] = consents.Consent{ID: e.Consent, Subject: e.Subject, Scope: e.Scope, TextHash: e.TextHash, Policy: r.Meta.Policy,
				Grounds: r.Meta.Grounds, Service: r.Meta.Service, Granted: r.Meta.OccurredAt, Recorded: r.Meta.RecordedAt, Until: e.Until, Event: r.ID}
		case subject.ConsentWithdrawn:
			x := want[e.Subject][e.Consent]
			x.Withdrawn = r.Meta.OccurredAt
			want[e.Subject][e.Consent] = x
			withdrawn++
		}
	}
	if withdrawn == 0 {
		t.Fatal("nobody withdrew")
	}
	b := both.Filled(t, log, consents.New())
	projtest.Look(t, b, func(s projections.Snapshot) {
		for id, list := range want {
			got, err := consents.Of(t.Context(), s, id)
			if err != nil {
				t.Fatal(err)
			}
			have := map[domain.ConsentID]consents.Consent{}
			for i, x := range got {
				have[x.ID] = x
				if i > 0 && x.Granted.Before(got[i-1].Granted) {
					t.Error("not the oldest first")
				}
			}
			if diff := cmp.Diff(list, have); diff != "" {
				t.Fatalf("%s (-log +rows):\n%.2000s", id, diff)
			}
			for cid, x := range list {
				one, found, err := consents.Get(t.Context(), s, cid)
				if err != nil || !found || !cmp.Equal(one, x) {
					t.Errorf("get %s: %v %v", cid, found, err)
				}
			}
		}
		if _, found, err := consents.Get(t.Context(), s, domain.ConsentID{UUID: uuid.New()}); found || err != nil {
			t.Errorf("a consent that nobody gave: %v %v", found, err)
		}
	})
}

func TestState(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2024, 1, n, 0, 0, 0, 0, time.UTC) }
	for name, x := range map[string]struct {
		consent consents.Consent
		now     time.Time
		want    consents.State
	}{
		"open":                   {consents.Consent{}, day(9), consents.Granted},
		"before it ends":         {consents.Consent{Until: day(5)}, day(4), consents.Granted},
		"at its end":             {consents.Consent{Until: day(5)}, day(5), consents.Expired},
		"before the withdrawal":  {consents.Consent{Withdrawn: day(5)}, day(4), consents.Granted},
		"withdrawn":              {consents.Consent{Withdrawn: day(5)}, day(5), consents.Withdrawn},
		"withdrawn, then ended":  {consents.Consent{Withdrawn: day(3), Until: day(5)}, day(9), consents.Withdrawn},
		"ended before withdrawn": {consents.Consent{Withdrawn: day(7), Until: day(5)}, day(6), consents.Expired},
	} {
		if got := x.consent.State(x.now); got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
}
