package ledger_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
)

func by(code domain.Reference) ledger.Template {
	t := desk
	t.Actor = domain.Actor{Kind: domain.ActorEmployee, ID: code}
	t.Purpose, t.Grounds, t.Service = "contact", "ua.11.1.5", "support"
	return t
}

var paper = subject.Warrant{Authority: "court-7", Act: "4651-VI", Article: "159", Document: "r-77", Dated: noon.AddDate(0, 0, -3)}

// A disclosure goes through four persons' hands; each command finds what the others recorded, cached or not.
func TestARequestIsDecidedOnItsOwnFile(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna, court, id := ledger.NewSubjectID(), ledger.NewRecipientID(), ledger.NewRequestID()
	in := request.Receive{About: by("e-1").Request(id, "in", noon), Kind: request.Disclosure, Channel: subject.ByPost, Subject: anna,
		Fields: []domain.Field{"email"}, Recipient: court, Warrant: paper}
	refused(t, l, in, "request.unknown-subject")
	must(t, l, register(anna, "r", ""))
	refused(t, l, in, "request.asker")
	must(t, l, addRecipient(court, "a"))
	first := must(t, l, in)
	if first.Stream != domain.RequestStream(id) || first.Revision != 0 {
		t.Errorf("recorded at %s %d", first.Stream, first.Revision)
	}
	answer := request.Answer{About: by("e-1").Request(id, "out", noon), Outcome: request.Met, Channel: subject.ByPost}
	for round, who := range []domain.Reference{"e-2", "e-3"} {
		refused(t, l, request.Approve{About: by("e-1").Request(id, "own", noon)}, "request.two-approvers")
		refused(t, l, answer, "request.two-approvers")
		must(t, l, request.Approve{About: by(who).Request(id, "ok-"+string(who), noon)})
		if round == 0 {
			l = newLedger(j) // who took it in is known after a restart too
		}
	}
	out := must(t, l, answer)
	again := must(t, newLedger(j), answer)
	if !again.Repeated || again.Revision != out.Revision {
		t.Errorf("repeated: %+v, first %+v", again, out)
	}
	other := answer
	other.Channel = subject.ByEmail
	refused(t, l, other, "idempotency.reused")
	refused(t, l, request.Approve{About: by("e-4").Request(id, "late", noon)}, "request.answered")
}

// In one batch a request finds the card and the file that come with it, wherever they stand.
func TestHandleAllOpensRequestsLast(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna, party, id := ledger.NewSubjectID(), ledger.NewRecipientID(), ledger.NewRequestID()
	outs := l.HandleAll(t.Context(), []ledger.Command{
		request.Receive{About: by("e-1").Request(id, "in", noon), Kind: request.ThirdParty, Channel: subject.ByPost, Subject: anna, Recipient: party},
		request.Answer{About: by("e-1").Request(id, "out", noon), Outcome: request.Refused, Reason: "R-1", Channel: subject.ByPost},
		register(anna, "r", ""), addRecipient(party, "a"),
	})
	if err := ledger.Errors(outs); err != nil {
		t.Fatal(err)
	}
	if n := j.count(domain.RequestStream(id)); n != 2 {
		t.Errorf("%d events of the request", n)
	}
}

// next is the built-in policy as another version that forbids what the first allows: collecting e-mail.
func next(t testing.TB, version, from string) string {
	t.Helper()
	src := string(policy.ImagineYAML())
	for _, pair := range [][2]string{{`version: "2014-01"`, `version: "` + version + `"`}, {`effective-from: "2014-01-01"`, `effective-from: "` + from + `"`},
		{"purposes: [identification, service, contact, orders, advertising], retention: [at-once], findable: email", "purposes: [contact], retention: [at-once], findable: email"}} {
		if !strings.Contains(src, pair[0]) {
			t.Fatalf("the built-in policy has no %q", pair[0])
		}
		src = strings.Replace(src, pair[0], pair[1], 1)
	}
	return src
}

func publication(t testing.TB, key, version, from string) policy.Publish {
	t.Helper()
	tmpl := by("e-1")
	tmpl.Service = "site"
	return policy.Publish{Operation: tmpl.Op(key, noon), Source: next(t, version, from)}
}

// An operation is decided under the version that was in force when it happened, here and after a restart.
func TestClause_6_1_OperationsAreDecidedUnderTheVersionOfTheirTime(t *testing.T) {
	t.Parallel()
	j := newFake()
	now := noon.Add(time.Hour)
	at := func(clock *time.Time) *ledger.Ledger {
		return ledger.New(j, ledger.Config{Clock: func() time.Time { return *clock }})
	}
	l := at(&now)
	anna, boris := ledger.NewSubjectID(), ledger.NewSubjectID()
	must(t, l, register(anna, "r", ""))
	must(t, l, register(boris, "r", ""))
	publish := publication(t, "p", "2024-04", "2024-04-01")
	receipt := must(t, l, publish)
	if receipt.Stream != domain.PolicyStream("imagine") {
		t.Errorf("published in %s", receipt.Stream)
	}
	if again := must(t, l, publish); !again.Repeated {
		t.Error("the same key published twice")
	}
	refused(t, l, publication(t, "p2", "2024-04", "2024-05-01"), "policy.version")
	now = time.Date(2024, 4, 2, 0, 0, 0, 0, time.UTC)
	for who, l := range map[domain.SubjectID]*ledger.Ledger{anna: l, boris: at(&now)} {
		early := collect(who, "early", given("email", "a@example.com"))
		got := must(t, l, early)
		late := subject.Edit{About: subject.About{Subject: who, Operation: desk.Op("late", now)}, Values: []subject.Given{given("email", "b@example.com")}}
		refused(t, l, late, "field.purpose")
		late.Operation = desk.For("contact").Op("late", now)
		must(t, l, late)
		events := j.streams[got.Stream]
		if a, b := events[1].Meta.Policy, events[2].Meta.Policy; a != "2014-01" || b != "2024-04" {
			t.Errorf("decided under %s and %s", a, b)
		}
	}
}

// Consents point at the text they were given for: every version that the ledger decided by is found by name.
func TestClause_6_1_TheTextOfEveryVersionIsFound(t *testing.T) {
	t.Parallel()
	l := newLedger(newFake())
	must(t, l, publication(t, "p", "2024-04", "2024-04-01"))
	set, err := l.Policies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range set.Versions() {
		names = append(names, p.Version)
		if found, ok := set.ByVersion(p.Version); !ok || found.Text == "" {
			t.Errorf("no text of %s", p.Version)
		}
	}
	if diff := cmp.Diff([]string{"2014-01", "2024-04"}, names); diff != "" {
		t.Error(diff)
	}
}

// A ledger hears of what another process publishes, at the latest a minute later.
func TestPublicationsOfOthersAreHeardOf(t *testing.T) {
	t.Parallel()
	j := newFake()
	var now atomic.Int64
	now.Store(noon.Add(time.Hour).UnixNano())
	mine := ledger.New(j, ledger.Config{Clock: func() time.Time { return time.Unix(0, now.Load()) }})
	anna := ledger.NewSubjectID()
	must(t, mine, register(anna, "r", ""))
	must(t, newLedger(j), publication(t, "p", "2024-04", "2024-04-01"))
	now.Add(int64(time.Minute))
	set, err := mine.Policies(t.Context())
	if err != nil || len(set.Versions()) != 2 {
		t.Errorf("%v versions, %v", set, err)
	}
}

// A log whose policy cannot be understood decides nothing.
func TestAnUnreadablePolicyStopsTheLedger(t *testing.T) {
	t.Parallel()
	j := newFake()
	stream := domain.PolicyStream("imagine")
	j.streams[stream] = []domain.Recorded{{Stream: stream, Event: policy.Published{Policy: "imagine", Version: "x", Source: "hello"}}}
	l := newLedger(j)
	_, err := l.Handle(t.Context(), register(ledger.NewSubjectID(), "r", ""))
	var invalid *policy.InvalidError
	if !errors.As(err, &invalid) {
		t.Errorf("got %v", err)
	}
}

// A notice stands with the traces, where no decision looks, but the file says whether it may be recorded; it
// may be when the account is closed.
func TestNoticesStandWithTheTraces(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna := ledger.NewSubjectID()
	notice := subject.GiveNotice{About: by("e-1").Subject(anna, "n", noon), Duty: "policy.notice", Policy: "2024-04", Channel: subject.ByEmail, Document: "m-1"}
	refused(t, l, notice, "subject.unknown")
	must(t, l, register(anna, "r", ""))
	must(t, l, subject.Close{About: of(anna, "x")})
	first := must(t, l, notice)
	if first.Stream != traceStream(anna) {
		t.Errorf("recorded in %s", first.Stream)
	}
	if again := must(t, newLedger(j), notice); !again.Repeated || again.Position != first.Position {
		t.Errorf("repeated: %+v", again)
	}
	notice.Channel = subject.BySite
	refused(t, l, notice, "idempotency.reused")
}

// A transfer that names a request goes by what was asked and approved.
func TestATransferAnswersItsRequest(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna, court, id := ledger.NewSubjectID(), ledger.NewRecipientID(), ledger.NewRequestID()
	must(t, l, register(anna, "r", ""))
	must(t, l, collect(anna, "c", given("email", "a@example.com")))
	must(t, l, addRecipient(court, "a"))
	hand := subject.Transfer{About: by("e-1").Subject(anna, "t", noon), Recipient: court, Fields: []domain.Field{"email"}, Request: id,
		Basis: subject.ByLaw{Authority: paper.Authority, Act: paper.Act, Article: paper.Article, Document: paper.Document, Dated: paper.Dated,
			Approvers: [2]domain.Reference{"e-2", "e-3"}}}
	refused(t, l, hand, "request.unknown")
	must(t, l, request.Receive{About: by("e-1").Request(id, "in", noon), Kind: request.Disclosure, Channel: subject.ByPost, Subject: anna,
		Fields: []domain.Field{"email"}, Recipient: court, Warrant: paper})
	refused(t, l, hand, "request.two-approvers")
	for _, who := range []domain.Reference{"e-2", "e-3"} {
		must(t, l, request.Approve{About: by(who).Request(id, "ok-"+string(who), noon)})
	}
	must(t, l, hand)
}
