package cli

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	counts "imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections/statistics"
)

// Every publication draws a secret of its own: the same count comes out otherwise. That 60 figures are all rounded
// alike by two secrets has a chance below one in 10^16.
func TestPublicationDrawsAFreshSecret(t *testing.T) {
	t.Parallel()
	c, err := statistics.NewCounter(statistics.Counting{Period: "2015-05", Plan: counts.Builtin(), Policy: policy.Imagine()})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Count(t.Context(), func(yield func(domain.Recorded, error) bool) {
		for n := range 60 * 12 {
			day := time.Date(2015, 5, 1+n%30, 9, 0, 0, 0, time.UTC)
			field := []domain.Field{"account", "visitor"}[n/30%2]
			e := subject.Registered{Subject: domain.SubjectID{UUID: uuid.New()}, Reference: domain.Item{Field: field}}
			if !yield(domain.Recorded{Position: uint64(n + 1), Event: e, Meta: domain.Meta{OccurredAt: day}}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	op, err := domain.NewOperation(domain.OperationSpec{Key: "k", Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-1"},
		At: time.Date(2015, 7, 1, 9, 0, 0, 0, time.UTC), Purpose: "statistics", Grounds: "ua.11.1.6", Service: "site"})
	if err != nil {
		t.Fatal(err)
	}
	one, err := publicationOf(c, op, false)
	if err != nil || len(one.Tables[0].Cells) != 60 {
		t.Fatalf("%d cells, %v", len(one.Tables[0].Cells), err)
	}
	two, err := publicationOf(c, op, false)
	if err != nil || cmp.Equal(one.Tables, two.Tables) {
		t.Errorf("two secrets round 60 figures alike, %v", err)
	}
	noised, err := publicationOf(c, op, true)
	if err != nil || noised.Tables[0].Method != counts.Noise {
		t.Errorf("with noise: %v, %v", noised.Tables, err)
	}
}

// Who adds figures up is told that he must not, and by which base they are rounded.
func TestRoundedText(t *testing.T) {
	t.Parallel()
	if got := roundedText([]counts.Table{{Rounding: 1}}); got != "" {
		t.Errorf("exact figures: %s", got)
	}
	for _, base := range []int64{5, 10} {
		want := fmt.Sprintf("Figures are persons. Each is rounded up or down to a multiple of %d by chance and by itself, so cells need not add up to a total.", base)
		if got := roundedText([]counts.Table{{Rounding: base}, {Rounding: 1}}); got != want {
			t.Errorf("got %s", got)
		}
	}
}
