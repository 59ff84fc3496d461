package request_test

import (
	"errors"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
)

// What leaves in answer to an authority is what it asked for, by its paper, and two persons approved it.
func TestClause_4_3_ExactlyTheFieldsNamed(t *testing.T) {
	t.Parallel()
	asked := []request.Fact{received(request.Disclosure), approved("e-2"), approved("e-3")}
	byLaw := subject.ByLaw{Authority: paper.Authority, Act: paper.Act, Article: paper.Article, Document: paper.Document, Dated: paper.Dated,
		Approvers: [2]domain.Reference{"e-3", "e-2"}}
	good := request.Handover{Subject: anna, Recipient: court, Fields: []domain.Field{"email"}, Basis: byLaw}
	with := func(change func(*request.Handover)) request.Handover {
		h := good
		change(&h)
		return h
	}
	law := func(change func(*subject.ByLaw)) request.Handover {
		b := byLaw
		change(&b)
		return with(func(h *request.Handover) { h.Basis = b })
	}
	answered := append(asked[:3:3], fact(request.Answered{Request: id, Outcome: request.Met}, "e-1"))
	other := received(request.ThirdParty)
	for name, tc := range map[string]struct {
		past []request.Fact
		hand request.Handover
		code string
	}{
		"as asked":            {asked, good, ""},
		"nothing was asked":   {nil, good, "request.unknown"},
		"after the answer":    {answered, good, "request.answered"},
		"of another person":   {asked, with(func(h *request.Handover) { h.Subject = domain.SubjectID(id) }), "request.other"},
		"to somebody else":    {asked, with(func(h *request.Handover) { h.Recipient = domain.RecipientID(id) }), "request.other"},
		"one field more":      {asked, with(func(h *request.Handover) { h.Fields = []domain.Field{"email", "name"} }), "request.fields"},
		"on another basis":    {asked, with(func(h *request.Handover) { h.Basis = subject.ByOrder{} }), "request.other"},
		"by another paper":    {asked, law(func(b *subject.ByLaw) { b.Document = "r-78" }), "request.other"},
		"one approval":        {asked[:2], good, "request.two-approvers"},
		"by who did not":      {asked, law(func(b *subject.ByLaw) { b.Approvers[0] = "e-9" }), "request.two-approvers"},
		"a third party's own": {[]request.Fact{other}, with(func(h *request.Handover) { h.Recipient = domain.RecipientID{}; h.Basis = subject.ByConsent{} }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := request.Decider().Fold(request.State{}, tc.past...).Permit(tc.hand)
			var r *domain.Refusal
			if tc.code == "" && err != nil || tc.code != "" && (!errors.As(err, &r) || r.Code != tc.code || r.Clause == "" || r.Remedy == "") {
				t.Errorf("got %v, want %q", err, tc.code)
			}
		})
	}
}

// A text belongs to a request that is open and the person's own.
func TestClause_7_1_WhoseWordsARequestHolds(t *testing.T) {
	t.Parallel()
	own := received(request.Access)
	answered := fact(request.Answered{Request: id, Outcome: request.Met}, "e-1")
	nobody := fact(request.Received{Request: id, Kind: request.Question, Channel: subject.ByEmail}, "e-1")
	for name, tc := range map[string]struct {
		past []request.Fact
		who  domain.SubjectID
		code string
	}{
		"his own":           {[]request.Fact{own}, anna, ""},
		"nothing was asked": {nil, anna, "request.unknown"},
		"after the answer":  {[]request.Fact{own, answered}, anna, "request.answered"},
		"another person's":  {[]request.Fact{own}, domain.SubjectID(id), "request.other"},
		"nobody's yet":      {[]request.Fact{nobody}, anna, "request.other"},
		"a third party's":   {[]request.Fact{received(request.ThirdParty)}, anna, "request.text"},
		"an authority's":    {[]request.Fact{received(request.Disclosure)}, anna, "request.text"},
	} {
		err := request.Decider().Fold(request.State{}, tc.past...).PermitText(tc.who)
		var r *domain.Refusal
		if tc.code == "" && err != nil || tc.code != "" && (!errors.As(err, &r) || r.Code != tc.code || r.Clause == "" || r.Remedy == "") {
			t.Errorf("%s: got %v, want %q", name, err, tc.code)
		}
	}
}
