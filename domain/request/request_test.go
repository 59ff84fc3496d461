package request_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/domaintest"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
)

var (
	id    = domain.RequestID{UUID: uuid.MustParse("b0000000-0000-4000-8000-000000000001")}
	anna  = domain.SubjectID{UUID: uuid.MustParse("a0000000-0000-4000-8000-000000000001")}
	court = domain.RecipientID{UUID: uuid.MustParse("c0000000-0000-4000-8000-000000000001")}
	noon  = time.Date(2024, 3, 11, 12, 0, 0, 0, time.UTC)
	paper = subject.Warrant{Authority: "court-7", Act: "4651-VI", Article: "159", Document: "r-77", Dated: noon.AddDate(0, 0, -3)}
)

func actor(code domain.Reference) domain.Actor {
	return domain.Actor{Kind: domain.ActorEmployee, ID: code}
}

func aboutAt(who domain.Actor, at time.Time) request.About {
	op, err := domain.NewOperation(domain.OperationSpec{Key: "k", Actor: who, At: at, Purpose: "contact", Grounds: "ua.11.1.5", Service: "support"})
	if err != nil {
		panic(err)
	}
	return request.About{Request: id, Operation: op}
}

func about(code domain.Reference) request.About { return aboutAt(actor(code), noon) }

func ask(t *testing.T, c request.Command, past ...request.Fact) *domaintest.Answer[request.Fact] {
	t.Helper()
	return under(t, law.UA(), c, past...)
}

func under(t *testing.T, pack *law.Pack, c request.Command, past ...request.Fact) *domaintest.Answer[request.Fact] {
	t.Helper()
	return domaintest.Given(t, request.Decider(), past...).When(request.Case{Command: c, Policy: policy.Imagine(), Law: pack,
		Recipient: &recipient.Card{Name: "A court", Kind: "court", Country: "UA"}, SubjectKnown: true})
}

func fact(e request.Event, by domain.Reference) request.Fact {
	return request.Fact{Event: e, By: actor(by), At: noon}
}

func received(k request.Kind) request.Fact {
	e := request.Received{Request: id, Kind: k, Channel: subject.ByEmail, Subject: anna}
	if k == request.Disclosure {
		e.Recipient, e.Warrant, e.Fields = court, paper, []domain.Field{"email"}
	}
	return fact(e, "e-1")
}

func approved(by domain.Reference) request.Fact {
	return fact(request.Approved{Request: id, Approver: by}, by)
}

// A question that came through the account is answered, and its deadline ends.
func TestClause_7_1_QuestionAnswered(t *testing.T) {
	t.Parallel()
	in := request.Receive{About: about("e-1"), Kind: request.Question, Channel: subject.ByAccount, Document: "m-1"}
	came := fact(request.Received{Request: id, Kind: request.Question, Channel: subject.ByAccount, Document: "m-1"}, "e-1")
	ask(t, in).Then(came)
	ask(t, in, came).Refused("request.exists", "7.1")
	out := request.Answer{About: about("e-2"), Outcome: request.Met, Channel: subject.ByEmail, Document: "m-2"}
	ask(t, out).Refused("request.unknown", "7.1")
	done := fact(request.Answered{Request: id, Outcome: request.Met, Channel: subject.ByEmail, Document: "m-2"}, "e-2")
	ask(t, out, came).Then(done)
	ask(t, out, came, done).Refused("request.answered", "7.1")
}

// Each kind of request names what it must, and nothing that is not its own.
func TestClause_7_1_WhatARequestNames(t *testing.T) {
	t.Parallel()
	whole := request.Receive{About: about("e-1"), Kind: request.Disclosure, Channel: subject.ByPost, Subject: anna,
		Fields: []domain.Field{"email", "name"}, Recipient: court, Warrant: paper}
	with := func(change func(*request.Receive)) request.Receive {
		c := whole
		change(&c)
		return c
	}
	own := func(k request.Kind) func(*request.Receive) {
		return func(c *request.Receive) { c.Kind, c.Recipient, c.Warrant = k, domain.RecipientID{}, subject.Warrant{} }
	}
	for name, tc := range map[string]struct {
		cmd          request.Receive
		code, clause string
	}{
		"no id":                      {with(func(c *request.Receive) { c.Request = domain.RequestID{} }), "request.missing", "7.1"},
		"unknown kind":               {with(func(c *request.Receive) { c.Kind = "gossip" }), "request.kind", "7.1"},
		"no channel":                 {with(func(c *request.Receive) { c.Channel = "" }), "request.channel", "7.1"},
		"unknown channel":            {with(func(c *request.Receive) { c.Channel = "pigeon" }), "request.channel", "7.1"},
		"document in words":          {with(func(c *request.Receive) { c.Document = "a letter" }), "document.invalid", "7.1"},
		"disclosure of nobody":       {with(func(c *request.Receive) { c.Subject = domain.SubjectID{} }), "request.subject", "7.1"},
		"disclosure to nobody":       {with(func(c *request.Receive) { c.Recipient = domain.RecipientID{} }), "request.asker", "ua.16"},
		"disclosure without a paper": {with(func(c *request.Receive) { c.Warrant = subject.Warrant{} }), "request.warrant", "3.3.3"},
		"paper without an article":   {with(func(c *request.Receive) { c.Warrant.Article = "" }), "request.warrant", "3.3.3"},
		"paper of tomorrow":          {with(func(c *request.Receive) { c.Warrant.Dated = noon.AddDate(0, 0, 1) }), "request.warrant", "3.3.3"},
		"disclosure of anything":     {with(func(c *request.Receive) { c.Fields = nil }), "request.fields", "4.3"},
		"unknown field":              {with(func(c *request.Receive) { c.Fields = []domain.Field{"shoe_size"} }), "field.unknown", "2.1"},
		"field twice":                {with(func(c *request.Receive) { c.Fields = []domain.Field{"email", "email"} }), "fields.repeated", "2.1"},
		"access with a recipient":    {with(func(c *request.Receive) { c.Kind, c.Warrant = request.Access, subject.Warrant{} }), "request.asker", "7.1"},
		"access with a warrant":      {with(func(c *request.Receive) { c.Kind, c.Recipient = request.Access, domain.RecipientID{} }), "request.warrant", "3.3.3"},
		"access of nobody":           {with(func(c *request.Receive) { own(request.Access)(c); c.Subject = domain.SubjectID{} }), "request.subject", "7.1"},
		"third party unknown":        {with(func(c *request.Receive) { own(request.ThirdParty)(c) }), "request.asker", "ua.16"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask(t, tc.cmd).Refused(tc.code, tc.clause)
		})
	}
	ask(t, whole).Then(fact(request.Received{Request: id, Kind: request.Disclosure, Channel: subject.ByPost, Subject: anna,
		Fields: whole.Fields, Recipient: court, Warrant: paper}, "e-1"))
	for _, k := range request.Kinds() {
		cmd := with(own(k))
		if k == request.ThirdParty || k == request.Disclosure {
			cmd.Recipient = court
		}
		if k == request.Disclosure {
			cmd.Warrant = paper
		}
		if n := len(ask(t, cmd).Events()); n != 1 {
			t.Errorf("%s: %d events", k, n)
		}
	}
}

func TestUnknownSubjectAndIncompleteCase(t *testing.T) {
	t.Parallel()
	c := request.Receive{About: about("e-1"), Kind: request.Access, Channel: subject.ByEmail, Subject: anna}
	given := func(x request.Case) *domaintest.Answer[request.Fact] {
		return domaintest.Given(t, request.Decider()).When(x)
	}
	given(request.Case{Command: c, Policy: policy.Imagine(), Law: law.UA()}).Refused("request.unknown-subject", "7.1")
	given(request.Case{Command: c, Policy: policy.Imagine()}).Refused("operation.incomplete", "3.4")
	given(request.Case{Command: request.Approve{About: request.About{Request: id}}, Policy: policy.Imagine(), Law: law.UA()}).Refused("operation.incomplete", "3.4")
}

// A disclosure needs two persons, neither of whom took the request in (clause 3.3.3).
func TestClause_3_3_3_TwoPersonsApproveADisclosure(t *testing.T) {
	t.Parallel()
	in := received(request.Disclosure)
	meet := request.Answer{About: about("e-1"), Outcome: request.Met, Channel: subject.ByPost}
	ask(t, meet, in).Refused("request.two-approvers", "3.3.3")
	ask(t, request.Approve{About: about("e-1")}, in).Refused("request.two-approvers", "3.3.3")
	ask(t, request.Approve{About: about("e-2")}, in).Then(approved("e-2"))
	ask(t, request.Approve{About: about("e-2")}, in, approved("e-2")).Refused("request.two-approvers", "3.3.3")
	ask(t, meet, in, approved("e-2")).Refused("request.two-approvers", "3.3.3")
	ask(t, request.Approve{About: about("e-3")}, in, approved("e-2")).Then(approved("e-3"))
	ask(t, request.Approve{About: about("e-4")}, in, approved("e-2"), approved("e-3")).ThenNothing()
	ask(t, meet, in, approved("e-2"), approved("e-3")).Then(fact(request.Answered{Request: id, Outcome: request.Met, Channel: subject.ByPost}, "e-1"))
	// Refusing one needs nobody else.
	ask(t, request.Answer{About: about("e-1"), Outcome: request.Refused, Reason: "R-1", Channel: subject.ByPost}, in).
		Then(fact(request.Answered{Request: id, Outcome: request.Refused, Reason: "R-1", Channel: subject.ByPost}, "e-1"))
	machine := domain.Actor{Kind: domain.ActorSystem, ID: "bot"}
	ask(t, request.Approve{About: aboutAt(machine, noon)}, in).Refused("request.approver", "3.3.3")
	ask(t, request.Approve{About: about("e-2")}, received(request.Access)).Refused("request.approve-kind", "3.3.3")
}

// What is asked of Ukrainian law: the subject's own requests are never put off, a third party's once.
func TestExtensionByLaw(t *testing.T) {
	t.Parallel()
	extend := request.Extend{About: about("e-2"), Reason: "R-9", Document: "out-1"}
	extended := fact(request.Extended{Request: id, Reason: "R-9", Document: "out-1"}, "e-2")
	ask(t, extend, received(request.Access)).Refused("request.extension", "ua.8.2.4")
	ask(t, extend, received(request.Erasure)).Refused("request.extension", "ua.8.2.6")
	ask(t, extend, received(request.ThirdParty)).Then(extended)
	ask(t, extend, received(request.ThirdParty), extended).Refused("request.extended", "ua.17.2")
	ask(t, extend, received(request.Disclosure)).Then(extended)
	// The GDPR lets the subject's own wait, with reasons.
	if n := len(under(t, law.EU(), extend, received(request.Access)).Events()); n != 1 {
		t.Errorf("eu: %d events", n)
	}
	why := extend
	why.Reason = ""
	ask(t, why, received(request.ThirdParty)).Refused("request.reason", "ua.17.2")
	untold := extend
	untold.Document = ""
	ask(t, untold, received(request.ThirdParty)).Refused("request.extension-untold", "ua.17.2")
	words := extend
	words.Document = "a letter"
	ask(t, words, received(request.ThirdParty)).Refused("document.invalid", "7.1")
	// The thirtieth day in Kyiv ends at 21:00 UTC (summer time has begun since).
	last := time.Date(2024, 4, 10, 21, 0, 0, 0, time.UTC)
	for at, ok := range map[time.Time]bool{last.Add(-time.Microsecond): true, last: false} {
		late := request.Extend{About: aboutAt(actor("e-2"), at), Reason: "R-9", Document: "out-1"}
		answer := ask(t, late, received(request.ThirdParty))
		if ok {
			answer.Then(request.Fact{Event: extended.Event, By: actor("e-2"), At: at})
			continue
		}
		answer.Refused("request.extension-late", "ua.17.2")
	}
}

// Who is refused is told why.
func TestAnswerNeedsAReason(t *testing.T) {
	t.Parallel()
	in := received(request.Access)
	for name, tc := range map[string]struct {
		cmd  request.Answer
		code string
	}{
		"unknown outcome":          {request.Answer{Outcome: "ignored", Channel: subject.ByEmail}, "request.outcome"},
		"refused without a reason": {request.Answer{Outcome: request.Refused, Channel: subject.ByEmail}, "request.reason"},
		"partly without a reason":  {request.Answer{Outcome: request.PartlyMet, Channel: subject.ByEmail}, "request.reason"},
		"reason in words":          {request.Answer{Outcome: request.Refused, Reason: "he is rude", Channel: subject.ByEmail}, "request.reason"},
		"no channel":               {request.Answer{Outcome: request.Met}, "request.channel"},
		"unknown channel":          {request.Answer{Outcome: request.Met, Channel: "pigeon"}, "request.channel"},
		"document in words":        {request.Answer{Outcome: request.Met, Channel: subject.ByEmail, Document: "my letter"}, "document.invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.cmd.About = about("e-2")
			ask(t, tc.cmd, in).Refused(tc.code, "7.1")
		})
	}
	ask(t, request.Answer{About: about("e-2"), Outcome: request.Withdrawn}, in).
		Then(fact(request.Answered{Request: id, Outcome: request.Withdrawn}, "e-2"))
}

// The digest tells apart whatever a command says, and does not see key and time.
func TestDigest(t *testing.T) {
	t.Parallel()
	base := request.Receive{About: about("e-1"), Kind: request.Disclosure, Channel: subject.ByPost, Subject: anna, Recipient: court,
		Fields: []domain.Field{"email"}, Warrant: paper, Document: "d"}
	change := func(f func(*request.Receive)) request.Receive {
		c := base
		f(&c)
		return c
	}
	commands := []request.Command{base,
		change(func(c *request.Receive) { c.Kind = request.ThirdParty }),
		change(func(c *request.Receive) { c.Channel = subject.ByEmail }),
		change(func(c *request.Receive) { c.Subject = domain.SubjectID{} }),
		change(func(c *request.Receive) { c.Recipient = domain.RecipientID{} }),
		change(func(c *request.Receive) { c.Fields = []domain.Field{"name"} }),
		change(func(c *request.Receive) { c.Warrant.Document = "r-78" }),
		change(func(c *request.Receive) { c.Warrant.Dated = noon }),
		change(func(c *request.Receive) { c.Document = "e" }),
		request.Approve{About: about("e-1")}, request.Approve{About: about("e-2")},
		request.Extend{About: about("e-1"), Reason: "a"}, request.Extend{About: about("e-1"), Document: "a"},
		request.Answer{About: about("e-1"), Outcome: request.Met}, request.Answer{About: about("e-1"), Reason: "a"},
		request.Answer{About: about("e-1"), Channel: subject.ByPost}, request.Answer{About: about("e-1"), Document: "a"},
	}
	seen := map[string]int{}
	var buffer []byte
	for i, c := range commands {
		var digest string
		digest, buffer = request.Digest(c, buffer)
		if first, twice := seen[digest]; twice {
			t.Errorf("commands %d and %d have one digest", first, i)
		}
		seen[digest] = i
	}
	later := base
	later.About = aboutAt(actor("e-1"), noon.Add(time.Hour))
	one, _ := request.Digest(base, nil)
	if two, _ := request.Digest(later, nil); one != two {
		t.Error("the digest sees the time")
	}
}
