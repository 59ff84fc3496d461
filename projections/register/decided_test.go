package register_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/obligations"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
	"imagine.ua/litopys/projections/register"
	"imagine.ua/litopys/projections/transfers"
)

// monthly is the built-in policy with pages kept for two months from their collection, so that each month of them
// has an end of its own, and names of browsers for a term from their deletion, all months together.
func monthly(t testing.TB) *policy.Policy {
	t.Helper()
	page := "retention: [at-once], max-bytes: 4096,\n     services: [site, account, orders, support]}\n  - {id: referrer"
	src := string(policy.ImagineYAML())
	for _, change := range [][2]string{
		{"  - id: limitation\n", "  - id: limitation\n  - {id: logs, legal: internal rule 7, start: collection, term: 2 months, action: retain, readers: [security]}\n"},
		{page, strings.Replace(page, "at-once", "logs", 1)},
		{"retention: [at-once], max-bytes: 1024", "retention: [limitation], max-bytes: 1024"},
	} {
		if strings.Count(src, change[0]) != 1 {
			t.Fatalf("the built-in policy has no %q", change[0])
		}
		src = strings.Replace(src, change[0], change[1], 1)
	}
	p, err := policy.Load([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// choices are the fields that lives are about: attributes with no term, one and two, and the traces.
var choices = []domain.Field{"email", "tax_number", "agreement", "page", "browser"}

// card is what the ledger knows of every recipient.
var card = &recipient.Card{Name: "Tax service", Kind: "authority", Country: "UA"}

// scribe lives the lives of people by the rules of the domain, and writes them down.
type scribe struct {
	t      testing.TB
	dice   *rand.Rand
	policy *policy.Policy
	log    *projtest.Log
	to     []domain.RecipientID
	kinds  map[string]int // how many events of each type there are
}

func (x *scribe) id() (id uuid.UUID) {
	for i := range id {
		id[i] = byte(x.dice.Uint32()) // #nosec G115 -- a random byte
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

func pick[T any](x *scribe, list ...T) T { return list[x.dice.IntN(len(list))] }

// live writes one life of so many commands. What the rules refuse is left out.
func (x *scribe) live(commands int) {
	decider, state, now := subject.Decider(), subject.Decider().Initial(), noon
	who, hold := domain.SubjectID{UUID: x.id()}, domain.HoldID{UUID: x.id()}
	var told []subject.GiveNotice
	for i := range commands {
		about := x.about(who, now)
		c := subject.Command(subject.Register{About: about})
		if i > 0 {
			c = x.command(about, state, hold)
		}
		if n := len(told); n > 0 && x.dice.IntN(6) == 0 {
			c, told = subject.Command(told[n-1]), told[:n-1]
		}
		at := subject.Case{Command: c, Context: subject.Context{Policy: x.policy, Recipient: card, Now: now}}
		events, err := subject.Decide(at, state)
		if err != nil || len(events) == 0 {
			continue
		}
		told = slices.Insert(told, 0, x.write(about, events[0])...)
		facts, err := decider.Decide(at, state)
		if err != nil {
			x.t.Fatal(err)
		}
		for _, f := range facts {
			state = decider.Evolve(state, f)
		}
		if _, released := events[0].(subject.HoldReleased); released {
			hold = domain.HoldID{UUID: x.id()}
		}
		now = now.AddDate(0, 0, pick(x, 0, 0, 3, 20, 70, 500)).Add(time.Minute)
	}
}

func (x *scribe) about(who domain.SubjectID, at time.Time) subject.About {
	op, err := domain.NewOperation(domain.OperationSpec{Key: "k", Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-17"}, At: at,
		Purpose: "service", Grounds: "ua.11.1.3", Service: "account"})
	if err != nil {
		x.t.Fatal(err)
	}
	return subject.About{Subject: who, Operation: op}
}

// write records an event, and gives the notices that recipients are owed for it.
func (x *scribe) write(about subject.About, e domain.Event) (told []subject.GiveNotice) {
	id, at := x.id(), about.Operation.Spec().At
	x.log.Append(domain.Recorded{ID: id, Stream: domain.SubjectStream(about.Subject), Event: e, Meta: domain.Meta{
		Actor: about.Operation.Spec().Actor, OccurredAt: at, RecordedAt: at, Purpose: "service", Grounds: "ua.11.1.3", Service: "account", Policy: x.policy.Version}})
	var tell []domain.RecipientID
	kind := ""
	switch e := e.(type) {
	case subject.Edited:
		tell, kind = e.Tell, "edit"
	case subject.Rectified:
		tell, kind = e.Tell, "correction"
	case subject.Deleted:
		tell, kind = e.Tell, "deletion "+e.Ground
	case subject.Closed:
		tell, kind = e.Tell, "closing"
	case subject.RetentionEnded:
		tell, kind = e.Tell, "end of terms"
	case subject.HoldReleased:
		tell, kind = e.Tell, "end of a hold"
	case subject.Restricted:
		tell, kind = e.Tell, "restriction"
	}
	for _, to := range tell {
		x.kinds[kind]++
		told = append(told, subject.GiveNotice{About: about, Cause: id, Duty: string(law.NoticeRecipient), Recipient: to, Channel: subject.ByEmail})
	}
	return told
}

func (x *scribe) command(a subject.About, s subject.State, hold domain.HoldID) subject.Command {
	f, to, month := pick(x, choices...), pick(x, x.to...), domain.MonthOf(a.Operation.Spec().At)
	given := []subject.Given{subject.Give(f, "v")}
	byLaw := subject.ByLaw{Authority: "A-1", Act: "2297-VI", Article: "16", Document: "L-9", Dated: noon, Approvers: [2]domain.Reference{"E-1", "E-2"}}
	warrant := subject.Warrant{Authority: "court-7", Act: "CPC", Article: "170", Document: "757/1-k", Dated: noon}
	pass := subject.Transfer{About: a, Recipient: to, Fields: []domain.Field{f}, Basis: byLaw}
	if x.policy.IsTrace(f) {
		pass.Months = []domain.Month{month}
		if earlier := domain.MonthOf(a.Operation.Spec().At.AddDate(0, -1, 0)); x.dice.IntN(2) == 0 && earlier != month {
			pass.Months = append(pass.Months, earlier)
		}
	}
	kept := subject.Disclose{About: a, Recipient: to, Basis: byLaw}
	end := subject.EndRetention{About: a}
	if list := s.Retained(); len(list) > 0 {
		v := pick(x, list...).At()
		kept.Values = []domain.FieldEpoch{v}
		if x.dice.IntN(3) == 0 {
			end.Values = []domain.FieldEpoch{v}
		}
		if v.Field == "browser" && x.dice.IntN(2) == 0 {
			end.Values = []domain.FieldEpoch{{Field: v.Field, Epoch: domain.TraceEpoch(domain.MonthOf(noon), 0)}} // one month of many
		}
	}
	if live := a.Operation.Spec().At.AddDate(0, -4, 0); x.dice.IntN(3) == 0 {
		end.Values = []domain.FieldEpoch{{Field: "page", Epoch: domain.TraceEpoch(domain.MonthOf(live), 0)}}
	}
	one := []domain.Field{f}
	for _, h := range s.Attributes() {
		if h.Disputed && x.dice.IntN(3) == 0 {
			return subject.Rectify{About: a, Field: h.Field, Document: "D-2", Value: given[0].Value}
		}
	}
	if x.dice.IntN(40) == 0 {
		return subject.Close{About: a}
	}
	return pick[subject.Command](x,
		subject.Collect{About: a, Source: subject.BySubject, Values: given}, subject.Collect{About: a, Source: subject.BySubject, Values: given},
		subject.Edit{About: a, Values: given}, subject.Edit{About: a, Values: given}, subject.Edit{About: a, Values: given},
		subject.Dispute{About: a, Field: f, Document: "D-1"}, subject.Dispute{About: a, Field: f, Document: "D-1"},
		pass, pass, pass, pass, kept, kept,
		subject.Delete{About: a, Fields: one}, subject.Delete{About: a, Fields: one}, subject.Delete{About: a, All: true},
		subject.Delete{About: a, Fields: one, Ground: "court", Document: "D-3"},
		subject.PlaceHold{About: a, Hold: hold, Fields: one, Warrant: warrant}, subject.PlaceHold{About: a, Hold: hold, All: true, Warrant: warrant},
		subject.ReleaseHold{About: a, Hold: hold}, subject.ReleaseHold{About: a, Hold: hold}, end, end,
		subject.Restrict{About: a, Fields: one, Document: "D-4"}, subject.LiftRestriction{About: a, Fields: one, Document: "D-5"},
	)
}

// In lives as the rules let them be, the register says what the log says, owes what the duties owe, and shows each
// duty at a value that the recipient has.
func TestLivesByTheRules(t *testing.T) {
	t.Parallel()
	x := &scribe{t: t, dice: rand.New(rand.NewPCG(6, 5)), policy: monthly(t), log: projtest.NewLog(uuid.New()), kinds: map[string]int{}}
	for range 3 {
		x.to = append(x.to, domain.RecipientID{UUID: x.id()})
	}
	for range 120 {
		x.live(50)
	}
	for _, kind := range []string{"edit", "correction", "deletion ", "deletion court", "closing", "end of terms", "end of a hold", "restriction"} {
		if x.kinds[kind] == 0 {
			t.Errorf("no recipient is told of the kind %q", kind)
		}
	}
	log := readAll(x.log, law.UA())
	projtest.Look(t, both.Filled(t, x.log, register.New(), transfers.New(), obligations.New(law.UA())), func(s projections.Snapshot) {
		log.compare(t, s)
		for _, id := range x.to {
			shown(t, s, id)
		}
	})
}

// shown checks that persons of whose values something is owed are those about whom a duty is open.
func shown(t testing.TB, s projections.Snapshot, id domain.RecipientID) {
	t.Helper()
	list, err := register.Of(t.Context(), s, id)
	if err != nil {
		t.Fatal(err)
	}
	marked := map[domain.SubjectID]bool{}
	for _, h := range list {
		if h.Owed() {
			marked[h.Subject] = true
		}
		if h.Owed() && !h.Now() {
			t.Errorf("%s %s of %s is owed and not shown", h.Field, h.Epoch, h.Subject)
		}
	}
	owing, err := register.Owing(t.Context(), s, id)
	if err != nil {
		t.Fatal(err)
	}
	about := map[domain.SubjectID]bool{}
	for _, o := range owing {
		about[o.Subject] = true
	}
	for who := range about {
		if !marked[who] {
			t.Errorf("a duty about %s stands at none of the values that %s has", who, id)
		}
	}
	if len(marked) != len(about) {
		t.Errorf("%d persons are marked, %d are owed", len(marked), len(about))
	}
}
