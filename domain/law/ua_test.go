package law_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
)

func TestOrder_1_02_14_RecordsKeptUntilTheEndOfTheNextYear(t *testing.T) {
	t.Parallel()
	p := law.UA()
	for operation, want := range map[string]string{
		"2026-01-01 00:00": "2028-01-01 00:00",
		"2026-12-31 23:59": "2028-01-01 00:00", // it is 21:59 in UTC
		"2027-01-01 00:30": "2029-01-01 00:00", // it is the year before in UTC
		"2024-02-29 12:00": "2026-01-01 00:00",
	} {
		wantMoment(t, p, p.KeepRecordUntil(at(t, p, operation)), want)
	}
	if p.Records.Mark != law.Memory || !strings.Contains(p.Records.Article, "1/02-14") {
		t.Errorf("the rule of records is %+v", p.Records)
	}
}

func TestArticle_8_AnswerIn30CalendarDays(t *testing.T) {
	t.Parallel()
	wantRow(t, law.UA(), law.AccessRequest, "ua.8.2.4", law.Verified, "30 calendar days", law.ToSubject)
	wantDue(t, law.UA(), law.AccessRequest, "2026-11-02 09:00", "2026-12-03 00:00")
	for _, id := range []law.DeadlineID{law.Correction, law.Erasure, law.Objection, law.Restriction, law.Portability, law.Question, law.Complaint} {
		if d := deadline(t, law.UA(), id); d.Term != term(t, "30 calendar days") || d.Extension != nil || d.Addressee != law.ToSubject {
			t.Errorf("%s: %+v", id, d)
		}
	}
}

func TestArticle_12_NoticeOfCollectionIn30WorkingDays(t *testing.T) {
	t.Parallel()
	wantRow(t, law.UA(), law.NoticeCollection, "ua.12.2", law.Secondary, "30 working days", law.ToSubject)
	// Six weeks of five days under martial law; without it Christmas moves the end by a day.
	wantDue(t, law.UA(), law.NoticeCollection, "2026-11-20 15:00", "2027-01-02 00:00")
	wantDue(t, inPeace(), law.NoticeCollection, "2026-11-20 15:00", "2027-01-06 00:00")
}

func TestArticle_15_GroundsOfDeletion(t *testing.T) {
	t.Parallel()
	p := law.UA()
	for _, id := range []string{"term-over", "relation-over", "ombudsman", "court", "unlawful"} {
		g, ok := p.DeletionGround(id)
		if !ok || !strings.HasPrefix(g.Article, "ua.15.") || g.Mark != law.Secondary || g.Title == "" {
			t.Errorf("%s: %+v", id, g)
		}
	}
	if _, ok := p.DeletionGround("mood"); ok || len(p.DeletionGrounds) != 5 {
		t.Error("the list of grounds is not closed")
	}
}

func TestArticle_16_ThirdPartyRequestStudiedAndMet(t *testing.T) {
	t.Parallel()
	wantRow(t, law.UA(), law.ThirdPartyStudy, "ua.16.5", law.Secondary, "10 working days", law.ToThirdParty)
	wantRow(t, law.UA(), law.ThirdPartyRequest, "ua.16.5", law.Secondary, "30 calendar days", law.ToThirdParty)
	wantRow(t, law.UA(), law.Disclosure, "ua.16.5", law.Memory, "30 calendar days", law.ToAuthority)
	wantDue(t, law.UA(), law.ThirdPartyStudy, "2026-11-02 09:00", "2026-11-17 00:00")
	wantDue(t, law.UA(), law.ThirdPartyRequest, "2026-11-02 09:00", "2026-12-03 00:00")
}

func TestArticle_17_OwnAccessIsNotPutOff(t *testing.T) {
	t.Parallel()
	p, received := law.UA(), at(t, law.UA(), "2026-11-02 09:00")
	d := deadline(t, p, law.AccessRequest)
	if !d.Absolute {
		t.Error("the subject's own access is not absolute")
	}
	_, err := p.Extended(law.AccessRequest, received, p.Due(d.Term, received))
	var refusal *domain.Refusal
	if !errors.As(err, &refusal) || refusal.Clause != "ua.17.1" || refusal.Kind != domain.Rule || !strings.Contains(refusal.Message, "ua.17.1") {
		t.Errorf("the refusal does not name its article: %v", err)
	}
}

func TestArticle_17_ThirdPartyWaits45CalendarDaysInAll(t *testing.T) {
	t.Parallel()
	p, received := law.UA(), at(t, law.UA(), "2026-11-02 09:00")
	for _, id := range []law.DeadlineID{law.ThirdPartyRequest, law.Disclosure} {
		due := p.Due(deadline(t, p, id).Term, received)
		extended, err := p.Extended(id, received, due)
		if err != nil {
			t.Fatal(err)
		}
		wantMoment(t, p, extended, "2026-12-18 00:00")
		_, err = p.Extended(id, received, extended)
		var refusal *domain.Refusal
		if !errors.As(err, &refusal) || refusal.Clause != "ua.17.2" || refusal.Code != "deadline.extension" {
			t.Errorf("a second extension: %v", err)
		}
	}
	if _, err := p.Extended(law.ThirdPartyStudy, received, received); !errors.Is(err, &domain.Refusal{Code: "deadline.extension"}) {
		t.Errorf("the study of a request was put off: %v", err)
	}
}

func TestArticle_21_1_TransferToldIn10WorkingDays(t *testing.T) {
	t.Parallel()
	p := law.UA()
	wantRow(t, p, law.NoticeTransfer, "ua.21.1", law.Memory, "10 working days", law.ToSubject)
	wantDue(t, p, law.NoticeTransfer, "2026-11-06 18:00", "2026-11-21 00:00")
	var ids []string
	for _, e := range p.ExemptionsFrom(law.NoticeTransfer) {
		ids = append(ids, e.ID)
	}
	for _, id := range []string{"authority-task", "authority-powers", "research", "told-at-collection"} {
		if e, ok := p.Exemption(id); !ok || !slices.Contains(ids, id) || !strings.HasPrefix(e.Article, "ua.21.2.") {
			t.Errorf("%s does not free from the notice of a transfer: %+v", id, e)
		}
	}
	if e, _ := p.Exemption("research"); e.Frees(law.NoticeChange) {
		t.Error("research frees from the notice of a change")
	}
}

func TestArticle_21_3_ChangeToldToSubjectAndRecipientsIn10WorkingDays(t *testing.T) {
	t.Parallel()
	wantRow(t, law.UA(), law.NoticeChange, "ua.21.3", law.Memory, "10 working days", law.ToSubject)
	wantRow(t, law.UA(), law.NoticeRecipient, "ua.21.3", law.Memory, "10 working days", law.ToRecipient)
	wantDue(t, law.UA(), law.NoticeRecipient, "2026-08-17 10:00", "2026-09-01 00:00") // 24 August is worked
	wantDue(t, inPeace(), law.NoticeRecipient, "2026-08-17 10:00", "2026-09-02 00:00")
}

func TestClause_6_1_NoticeUntilTheVersionHolds(t *testing.T) {
	t.Parallel()
	wantRow(t, law.UA(), law.PolicyNotice, "clause 6.1", law.Memory, "none", law.ToSubject)
	wantDue(t, law.UA(), law.PolicyNotice, "2027-01-01 00:00", "2027-01-01 00:00")
}

func TestRetentionExamplesOfUkraine(t *testing.T) {
	t.Parallel()
	p := law.UA()
	for id, want := range map[string]struct {
		term, until string
		start       law.RuleStart
		action      domain.FateAction
	}{
		"at-once":       {"none", "2024-02-29 12:00", law.StartDeletion, domain.Destroy},
		"tax-documents": {"1095 calendar days", "2027-03-01 00:00", law.StartDeletion, domain.Retain},
		"limitation":    {"3 years", "2027-03-01 00:00", law.StartDeletion, domain.Retain},
		"aml":           {"5 years", "2029-03-01 00:00", law.StartRelationEnd, domain.Retain},
	} {
		r, ok := p.Rule(id)
		if !ok || r.Term != term(t, want.term) || r.Start != want.start || r.Action != want.action || r.Legal == "" {
			t.Errorf("%s: %+v", id, r)
		}
		wantMoment(t, p, p.Due(r.Term, at(t, p, "2024-02-29 12:00")), want.until)
	}
	// From another day the leap day lies inside, and 1095 days are a day less than three years.
	tax, limitation := p.Due(term(t, "1095 calendar days"), at(t, p, "2023-05-01 12:00")), p.Due(term(t, "3 years"), at(t, p, "2023-05-01 12:00"))
	wantMoment(t, p, tax, "2026-05-01 00:00")
	wantMoment(t, p, limitation, "2026-05-02 00:00")
}

func TestUkraineSetsNoTermForABreach(t *testing.T) {
	t.Parallel()
	if d, ok := law.UA().Deadline(law.Breach); ok {
		t.Errorf("it sets %+v", d)
	}
	_, err := law.UA().Extended(law.Breach, at(t, law.UA(), "2026-01-01 00:00"), at(t, law.UA(), "2026-01-02 00:00"))
	var refusal *domain.Refusal
	if !errors.As(err, &refusal) || refusal.Code != "deadline.unknown" || refusal.Kind != domain.Input {
		t.Errorf("extending a term that is not there: %v", err)
	}
}

// TestPackSpeaksOfTheBuiltInPolicy: roles and grounds that the pack names are those of the policy it goes with.
func TestPackSpeaksOfTheBuiltInPolicy(t *testing.T) {
	t.Parallel()
	published := policy.Imagine()
	for _, r := range law.UA().Retention {
		for _, role := range r.Readers {
			if _, ok := published.Role(role); !ok {
				t.Errorf("%s: the policy has no role %s", r.ID, role)
			}
		}
		for _, g := range r.Grounds {
			if _, ok := published.Ground(g); !ok {
				t.Errorf("%s: the policy has no ground %s", r.ID, g)
			}
		}
	}
}
