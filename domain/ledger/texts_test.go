package ledger_test

import (
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
)

// Given a request; when its words come; then they stand in the person's file, once for their key, while the request
// is open and his.
func TestClause_7_1_WordsGoToThePersonsFile(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna, boris, id := ledger.NewSubjectID(), ledger.NewSubjectID(), ledger.NewRequestID()
	must(t, l, register(anna, "r", ""))
	must(t, l, register(boris, "r", ""))
	words := func(who domain.SubjectID, key, text string) subject.AddText {
		return subject.AddText{About: subject.About{Subject: who, Operation: by("e-1").Op(key, noon)}, Request: id, Text: domain.ClearValue(text)}
	}
	refused(t, l, words(anna, "t", "why?"), "request.unknown")
	must(t, l, request.Receive{About: by("e-1").Request(id, "in", noon), Kind: request.Question, Channel: subject.ByEmail, Subject: anna})
	refused(t, l, words(boris, "t", "why?"), "request.other")
	first := must(t, l, words(anna, "t", "why?"))
	if first.Stream != domain.SubjectStream(anna) {
		t.Errorf("recorded in %s", first.Stream)
	}
	if again := must(t, newLedger(j), words(anna, "t", "why?")); !again.Repeated || again.Revision != first.Revision {
		t.Errorf("repeated: %+v, first %+v", again, first)
	}
	refused(t, l, words(anna, "t", "why not?"), "idempotency.reused")
	must(t, l, words(anna, "t-2", "and when?"))
	must(t, l, request.Answer{About: by("e-1").Request(id, "out", noon), Outcome: request.Met, Channel: subject.ByEmail})
	refused(t, newLedger(j), words(anna, "t-3", "thanks"), "request.answered")
}
