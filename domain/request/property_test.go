package request_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
)

// draw gives any command, mostly one that makes sense.
func draw(t *rapid.T, at time.Time) request.Command {
	who := rapid.SampledFrom([]domain.Reference{"e-1", "e-2", "e-3"}).Draw(t, "who")
	about := aboutAt(actor(who), at)
	switch rapid.IntRange(0, 3).Draw(t, "command") {
	case 0:
		k := rapid.SampledFrom(request.Kinds()).Draw(t, "kind")
		c := request.Receive{About: about, Kind: k, Channel: subject.ByEmail, Subject: anna}
		if k == request.ThirdParty || k == request.Disclosure {
			c.Recipient = court
		}
		if k == request.Disclosure {
			c.Warrant, c.Fields = paper, []domain.Field{"email"}
		}
		return c
	case 1:
		return request.Approve{About: about}
	case 2:
		return request.Extend{About: about, Reason: "R-1", Document: "out-1"}
	}
	o := rapid.SampledFrom([]request.Outcome{request.Met, request.PartlyMet, request.Refused, request.Withdrawn}).Draw(t, "outcome")
	return request.Answer{About: about, Outcome: o, Reason: "R-1", Channel: subject.ByPost}
}

// Whatever is asked in whatever order: one receipt first, one answer last, one extension where law knows one,
// and no disclosure is met but by two persons who did not take it in.
func TestNoOrderOfCommandsBreaksAFile(t *testing.T) {
	t.Parallel()
	pack := law.UA()
	rapid.Check(t, func(t *rapid.T) {
		var state request.State
		var log []request.Fact
		at := noon
		for range rapid.IntRange(1, 12).Draw(t, "commands") {
			at = at.Add(time.Duration(rapid.IntRange(0, 20*24).Draw(t, "hours")) * time.Hour)
			facts, err := request.Decide(request.Case{Command: draw(t, at), Policy: policy.Imagine(), Law: pack,
				Recipient: &recipient.Card{Name: "A court", Kind: "court", Country: "UA"}, SubjectKnown: true}, state)
			var refusal *domain.Refusal
			if err != nil && (!errors.As(err, &refusal) || len(facts) > 0) {
				t.Fatal(err)
			}
			for _, f := range facts {
				state = request.Evolve(state, f)
			}
			log = append(log, facts...)
		}
		holds(t, log, pack)
	})
}

func holds(t *rapid.T, log []request.Fact, pack *law.Pack) {
	var approvers []domain.Reference
	extended := false
	for i, f := range log {
		switch e := f.Event.(type) {
		case request.Received:
			if i != 0 {
				t.Fatal("received twice")
			}
		case request.Approved:
			if slices.Contains(approvers, e.Approver) || e.Approver == log[0].By.ID {
				t.Fatalf("%s approved", e.Approver)
			}
			approvers = append(approvers, e.Approver)
		case request.Extended:
			in := log[0].Event.(request.Received) //nolint:forcetypeassert // the first one is checked above
			d, _ := pack.Deadline(request.DeadlineOf(in.Kind))
			if extended || d.Extension == nil || !f.At.Before(pack.Due(*d.Extension.WithReasonBy, log[0].At)) {
				t.Fatal("put off against the law")
			}
			extended = true
		case request.Answered:
			in := log[0].Event.(request.Received) //nolint:forcetypeassert // as above
			gives := e.Outcome == request.Met || e.Outcome == request.PartlyMet
			if i != len(log)-1 || in.Kind == request.Disclosure && gives && len(approvers) != 2 {
				t.Fatalf("answered with %d approvals, %d events after it", len(approvers), len(log)-1-i)
			}
		}
	}
}
