package requests_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
	"imagine.ua/litopys/projections/requests"
)

var (
	anna  = domain.SubjectID{UUID: uuid.MustParse("a0000000-0000-4000-8000-000000000001")}
	court = domain.RecipientID{UUID: uuid.MustParse("c0000000-0000-4000-8000-000000000001")}
	noon  = time.Date(2024, 3, 11, 12, 0, 0, 0, time.UTC)
	paper = subject.Warrant{Authority: "court-7", Act: "4651-VI", Article: "159", Document: "r-77", Dated: noon.AddDate(0, 0, -3)}
)

func id(n byte) domain.RequestID { return domain.RequestID{UUID: uuid.UUID{6: 0x40, 8: 0x80, 15: n}} }

func at(hours int, by domain.Reference, e request.Event) domain.Recorded {
	t := noon.Add(time.Duration(hours) * time.Hour)
	return domain.Recorded{Stream: "request-" + domain.Stream(by), Event: e, ID: uuid.New(), Meta: domain.Meta{
		Actor: domain.Actor{Kind: domain.ActorEmployee, ID: by}, OccurredAt: t, RecordedAt: t.Add(time.Second), Command: "command"}}
}

// Every part of a request's life is in its row: who asked, who approved, what was told and how it ended.
func TestClause_7_1_LifeOfARequest(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(uuid.New())
	log.Append(
		at(0, "e-1", request.Received{Request: id(1), Kind: request.Disclosure, Channel: subject.ByPost, Subject: anna, Fields: []domain.Field{"email"}, Recipient: court, Warrant: paper, Document: "in-1"}),
		at(1, "e-3", request.Approved{Request: id(1), Approver: "e-3"}),
		at(2, "e-2", request.Approved{Request: id(1), Approver: "e-2"}),
		at(3, "e-1", request.Extended{Request: id(1), Reason: "R-1", Document: "out-1"}),
		at(4, "e-1", request.Answered{Request: id(1), Outcome: request.PartlyMet, Reason: "R-2", Channel: subject.ByPost, Document: "out-2"}),
		at(-1, "e-1", request.Received{Request: id(2), Kind: request.Question, Channel: subject.ByAccount}),
		at(5, "e-1", request.Received{Request: id(3), Kind: request.Access, Channel: subject.ByEmail, Subject: anna}),
		at(6, "e-1", request.Answered{Request: id(9), Outcome: request.Met}),
	)
	whole := requests.Request{ID: id(1), Kind: request.Disclosure, State: requests.Answered, Channel: subject.ByPost, Subject: anna, Recipient: court,
		Fields: []domain.Field{"email"}, Warrant: paper, Document: "in-1", Received: noon, Recorded: noon.Add(time.Second), Receiver: "e-1",
		Approvals: []requests.Approval{{Person: "e-2", At: noon.Add(2 * time.Hour)}, {Person: "e-3", At: noon.Add(time.Hour)}},
		Extended:  noon.Add(3 * time.Hour), ExtendReason: "R-1", ExtendDocument: "out-1", Answered: noon.Add(4 * time.Hour),
		Outcome: request.PartlyMet, Reason: "R-2", AnswerChannel: subject.ByPost, AnswerDocument: "out-2"}
	projtest.Look(t, both.Filled(t, log, requests.New()), func(s projections.Snapshot) {
		got, found, err := requests.Get(t.Context(), s, id(1))
		if err != nil || !found {
			t.Fatal(found, err)
		}
		if diff := cmp.Diff(whole, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for name, tc := range map[string]struct {
			filter requests.Filter
			want   []domain.RequestID
		}{
			"all":      {requests.Filter{}, []domain.RequestID{id(2), id(1), id(3)}},
			"open":     {requests.Filter{State: requests.Open}, []domain.RequestID{id(2), id(3)}},
			"of anna":  {requests.Filter{Subject: anna}, []domain.RequestID{id(1), id(3)}},
			"question": {requests.Filter{Kind: request.Question}, []domain.RequestID{id(2)}},
		} {
			list, err := requests.List(t.Context(), s, tc.filter)
			if err != nil {
				t.Fatal(err)
			}
			var ids []domain.RequestID
			for _, r := range list {
				ids = append(ids, r.ID)
			}
			if diff := cmp.Diff(tc.want, ids); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if _, found, err := requests.Get(t.Context(), s, id(9)); found || err != nil {
			t.Errorf("an answer without a request: %v %v", found, err)
		}
	})
}

func TestDueByThePackThatHolds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pack    *law.Pack
		request requests.Request
		due     time.Time
		article string
	}{
		"own access":           {law.UA(), requests.Request{Kind: request.Access}, time.Date(2024, 4, 10, 21, 0, 0, 0, time.UTC), "ua.8.2.4"},
		"third party put off":  {law.UA(), requests.Request{Kind: request.ThirdParty, Extended: noon}, time.Date(2024, 4, 25, 21, 0, 0, 0, time.UTC), "ua.17.2"},
		"own, never put off":   {law.UA(), requests.Request{Kind: request.Access, Extended: noon}, time.Date(2024, 4, 10, 21, 0, 0, 0, time.UTC), "ua.8.2.4"},
		"a kind without terms": {law.UA(), requests.Request{Kind: "gossip"}, time.Time{}, ""},
	} {
		tc.request.Received = noon
		if due, article := tc.request.Due(tc.pack); !due.Equal(tc.due) || article != tc.article {
			t.Errorf("%s: %s by %s, want %s by %s", name, due, article, tc.due, tc.article)
		}
	}
	own := requests.Request{Kind: request.Access, Received: noon}
	ua, _ := own.Due(law.UA())
	if eu, article := own.Due(law.EU()); eu.Equal(ua) || article == "" {
		t.Errorf("the GDPR counts a month: %s, %s", eu, article)
	}
}
