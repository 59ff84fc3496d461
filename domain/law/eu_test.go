package law_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
)

func TestGDPR_12_3_OneMonthAndTwoMore(t *testing.T) {
	t.Parallel()
	p, received := law.EU(), at(t, law.EU(), "2026-03-10 09:00")
	for _, id := range []law.DeadlineID{law.AccessRequest, law.Correction, law.Erasure, law.Objection, law.Restriction, law.Portability} {
		wantDue(t, p, id, "2026-03-10 09:00", "2026-04-11 00:00")
		d := deadline(t, p, id)
		if d.Extension == nil || d.Extension.WithReasonBy == nil || *d.Extension.WithReasonBy != term(t, "1 month") {
			t.Fatalf("%s is not extended with reasons told within a month: %+v", id, d.Extension)
		}
		due := p.Due(d.Term, received)
		extended, err := p.Extended(id, received, due)
		if err != nil {
			t.Fatal(err)
		}
		wantMoment(t, p, extended, "2026-06-11 00:00")
		if _, err := p.Extended(id, received, extended); err == nil || !strings.Contains(err.Error(), "eu.12.3") {
			t.Errorf("a second extension of %s: %v", id, err)
		}
	}
}

func TestGDPR_15_to_21_EachRightHasItsArticle(t *testing.T) {
	t.Parallel()
	for id, article := range map[law.DeadlineID]string{
		law.AccessRequest: "eu.15", law.Correction: "eu.16", law.Erasure: "eu.17",
		law.Restriction: "eu.18", law.Portability: "eu.20", law.Objection: "eu.21",
	} {
		wantRow(t, law.EU(), id, article, law.Memory, "1 month", law.ToSubject)
	}
}

func TestGDPR_14_NoticeOfCollectionInAMonth(t *testing.T) {
	t.Parallel()
	wantRow(t, law.EU(), law.NoticeCollection, "eu.14.3", law.Memory, "1 month", law.ToSubject)
	for _, id := range []string{"told-already", "disproportionate", "laid-down-by-law", "secrecy"} {
		if e, ok := law.EU().Exemption(id); !ok || !e.Frees(law.NoticeCollection) {
			t.Errorf("%s: %+v", id, e)
		}
	}
}

func TestGDPR_17_1_GroundsOfErasure(t *testing.T) {
	t.Parallel()
	var articles []string
	for _, g := range law.EU().DeletionGrounds {
		articles = append(articles, g.Article)
	}
	want := []string{"eu.17.1.a", "eu.17.1.b", "eu.17.1.c", "eu.17.1.d", "eu.17.1.e", "eu.17.1.f"}
	if !slices.Equal(articles, want) {
		t.Errorf("grounds %v, want %v", articles, want)
	}
}

func TestGDPR_17_3_WhatIsKept(t *testing.T) {
	t.Parallel()
	for id, legal := range map[string]string{"legal-duty": "17(3)(b)", "limitation": "17(3)(e)"} {
		r, ok := law.EU().Rule(id)
		if !ok || !strings.Contains(r.Legal, legal) || r.Mark != law.Memory || r.Action != domain.Retain || len(r.Readers) == 0 {
			t.Errorf("%s: %+v", id, r)
		}
	}
	if r, ok := law.EU().Rule("at-once"); !ok || !r.Term.IsZero() || r.Action != domain.Destroy {
		t.Errorf("at-once: %+v", r)
	}
}

func TestGDPR_19_RecipientsAreTold(t *testing.T) {
	t.Parallel()
	wantRow(t, law.EU(), law.NoticeRecipient, "eu.19", law.Memory, "1 month", law.ToRecipient)
	if e, ok := law.EU().Exemption("recipient-effort"); !ok || !e.Frees(law.NoticeRecipient) || e.Frees(law.NoticeChange) {
		t.Errorf("the exemption of article 19: %+v", e)
	}
	if d, ok := law.EU().Deadline(law.NoticeTransfer); ok {
		t.Errorf("the GDPR sets no notice of a transfer, the pack does: %+v", d)
	}
}

func TestGDPR_21_MarketingIsAbsolute(t *testing.T) {
	t.Parallel()
	d := deadline(t, law.EU(), law.Objection)
	if d.Absolute || !slices.Equal(d.AbsoluteFor, []string{"direct-marketing"}) {
		t.Errorf("an objection is absolute: %v, for %v", d.Absolute, d.AbsoluteFor)
	}
}

func TestGDPR_33_SeventyTwoHours(t *testing.T) {
	t.Parallel()
	p := law.EU()
	wantRow(t, p, law.Breach, "eu.33.1", law.Memory, "72 hours", law.ToAuthority)
	wantDue(t, p, law.Breach, "2026-07-03 17:45", "2026-07-06 17:45") // over a weekend
	wantDue(t, p, law.Breach, "2026-03-27 12:00", "2026-03-30 13:00") // an hour is left out
	wantDue(t, p, law.Breach, "2026-10-23 12:00", "2026-10-26 11:00") // an hour comes twice
	_, err := p.Extended(law.Breach, at(t, p, "2026-07-03 17:45"), at(t, p, "2026-07-06 17:45"))
	if !errors.Is(err, &domain.Refusal{Code: "deadline.extension"}) || !strings.Contains(err.Error(), "eu.33.1") {
		t.Errorf("the term of a breach was put off: %v", err)
	}
}
