package obligations_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/obligations"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
)

// Given a value that was kept; when it is destroyed at the end of its term, or when a hold ends; then by the law of
// Ukraine the subject and whoever got it are told within ten working days, and by the GDPR nobody once more.
func TestUA_21_3_DestructionObligesToo(t *testing.T) {
	t.Parallel()
	log := newStory()
	gone := []domain.Fate{{Subject: anna, Field: "email", Epoch: "1", Action: domain.Destroy}}
	goesOn := []domain.Fate{{Subject: anna, Field: "name", Epoch: "1", Action: domain.Retain, Rule: "limitation", Until: tenth.AddDate(1, 0, 0)}}
	log.tell(monday, domain.ActorSystem, subject.RetentionEnded{Subject: anna, Ended: gone, Tell: []domain.RecipientID{courier}})
	freed := log.tell(monday, employee, subject.HoldReleased{Subject: anna, Freed: append(goesOn, gone...), Tell: []domain.RecipientID{bank}})
	log.tell(monday, employee, subject.HoldReleased{Subject: anna, Freed: goesOn})
	log.tell(monday, employee, subject.HoldReleased{Subject: anna})
	want := []string{
		"notice.change open by 2024-03-25 22:00", "notice.change open by 2024-03-25 22:00",
		"notice.recipient open to 1 by 2024-03-25 22:00", "notice.recipient open to 2 by 2024-03-25 22:00",
	}
	projtest.Look(t, both.Filled(t, log.Log, obligations.New(law.UA())), func(s projections.Snapshot) {
		if diff := cmp.Diff(want, short(list(t, s, obligations.Filter{}))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, o := range list(t, s, obligations.Filter{Matter: freed}) {
			if diff := cmp.Diff([]string{"email/1"}, o.Fields); diff != "" {
				t.Errorf("it speaks of what is kept on (-want +got):\n%s", diff)
			}
		}
	})
	projtest.Look(t, both.Filled(t, log.Log, obligations.New(law.EU())), func(s projections.Snapshot) {
		if got := short(list(t, s, obligations.Filter{})); len(got) > 0 {
			t.Errorf("by the GDPR: %v", got)
		}
	})
}

// What is due first comes first, whichever requests were put off: by the time that is due now, not by the first.
func TestWhatIsDueFirstComesFirst(t *testing.T) {
	t.Parallel()
	draw := rapid.Custom(func(t *rapid.T) []bool { return rapid.SliceOfN(rapid.Bool(), 30, 30).Draw(t, "put off") })
	for seed := range 3 {
		putOff := draw.Example(seed)
		log := newStory()
		for i, off := range putOff {
			id := domain.RequestID{UUID: uuid.UUID{0: byte(i * 41), 6: 0x40, 8: 0x80}}
			at := monday.AddDate(0, 0, i)
			log.tell(at, himself, request.Received{Request: id, Kind: request.ThirdParty, Channel: subject.ByEmail, Recipient: bank})
			if off {
				log.tell(at, employee, request.Extended{Request: id, Reason: "R-1"})
			}
			if i%7 == 0 { // due together with what was put off earlier
				log.tell(at.AddDate(0, 0, 15), himself, request.Received{Request: domain.RequestID{UUID: uuid.New()}, Kind: request.Access, Channel: subject.ByEmail, Subject: anna})
			}
		}
		projtest.Look(t, both.Filled(t, log.Log, obligations.New(law.UA())), func(s projections.Snapshot) {
			all, limit := list(t, s, obligations.Filter{State: obligations.Open}), monday.AddDate(0, 0, 45)
			first, n := time.Time{}, 0
			for _, o := range all {
				if o.Due.Before(first) {
					t.Fatalf("%s is due %s and comes after %s", o.Duty, o.Due, first)
				}
				if first = o.Due; o.Due.Before(limit) {
					n++
				}
			}
			if got := list(t, s, obligations.Filter{State: obligations.Open, DueBefore: limit}); n == 0 || n == len(all) || len(got) != n {
				t.Errorf("%d are due before %s, want %d of %d", len(got), limit, n, len(all))
			}
			for range obligations.List(t.Context(), s, obligations.Filter{}) {
				break // a reader may stop at any duty
			}
		})
	}
}
