package request

import (
	"slices"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// Handover is what a transfer or disclosure does in answer to a request.
type Handover struct {
	Subject   domain.SubjectID
	Recipient domain.RecipientID
	Fields    []domain.Field
	Basis     subject.Basis
}

// Permit checks a handover against the request that it answers: it goes to who asked, speaks of whom he asked,
// and while the request is open. A disclosure hands over no field but those named, by the paper that was shown,
// once two persons have approved it, the same that the handover names (clauses 3.3.3, 4.3). It gives nil or a
// *domain.Refusal.
func (s State) Permit(h Handover) error {
	switch {
	case !s.Known:
		return domain.Refuse("request.unknown", "7.1", "open it first", "the ledger does not know the request that this answers").WithKind(domain.Unknown)
	case s.Answered:
		return domain.Refuse("request.answered", "7.1", "open a new request", "the request was answered").WithKind(domain.Conflict)
	case !s.Subject.IsZero() && s.Subject != h.Subject:
		return domain.Refuse("request.other", "3.3.3", "name the request about this person", "the request is about another person")
	case s.Kind.Foreign() && s.Recipient != h.Recipient:
		return domain.Refuse("request.other", "3.3.3", "hand it to who asked", "somebody else has asked")
	case s.Kind != Disclosure:
		return nil
	}
	return s.permitDisclosure(h)
}

// PermitText checks a text against the request that it belongs to: the request is open, and it is that person who
// asks. What others write of him is named by its letter's number. It gives nil or a *domain.Refusal.
func (s State) PermitText(who domain.SubjectID) error {
	switch {
	case !s.Known:
		return domain.Refuse("request.unknown", "7.1", "open it first", "the ledger does not know the request that this text belongs to").WithKind(domain.Unknown)
	case s.Answered:
		return domain.Refuse("request.answered", "7.1", "open a new request", "the request was answered").WithKind(domain.Conflict)
	case s.Kind.Foreign():
		return domain.Refuse("request.text", "7.1", "name the letter by its number instead", "only the person's own words are recorded, and somebody else asks")
	case s.Subject != who:
		return domain.Refuse("request.other", "7.1", "name the request of this person", "the request is not this person's")
	}
	return nil
}

func (s State) permitDisclosure(h Handover) error {
	if slices.ContainsFunc(h.Fields, func(f domain.Field) bool { return !slices.Contains(s.Fields, f) }) {
		return domain.Refuse("request.fields", "4.3", "hand over only what the authority named", "the request does not name every field")
	}
	law, ok := h.Basis.(subject.ByLaw)
	if !ok {
		return domain.Refuse("request.other", "3.3.3", "hand it over on the basis of law", "an authority's request is answered on the basis of law")
	}
	w := s.Warrant
	same := law.Authority == w.Authority && law.Act == w.Act && law.Article == w.Article && law.Document == w.Document && law.Dated.Equal(w.Dated)
	if !same {
		return domain.Refuse("request.other", "3.3.3", "name the paper of the request", "the request came by another paper")
	}
	if len(s.Approvers) < approvals {
		return domain.Refuse("request.two-approvers", "3.3.3", "let two persons approve the request first", "%d of %d approvals are recorded", len(s.Approvers), approvals)
	}
	for _, who := range law.Approvers {
		if !s.approvedBy(who) {
			return domain.Refuse("request.two-approvers", "3.3.3", "name those who approved the request", "a person who is named as approver has not approved the request")
		}
	}
	return nil
}
