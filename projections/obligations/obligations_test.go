package obligations_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/obligations"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
)

var (
	anna    = domain.SubjectID{UUID: uuid.MustParse("a0000000-0000-4000-8000-000000000001")}
	courier = domain.RecipientID{UUID: uuid.MustParse("c0000000-0000-4000-8000-000000000001")}
	bank    = domain.RecipientID{UUID: uuid.MustParse("c0000000-0000-4000-8000-000000000002")}
	monday  = time.Date(2024, 3, 11, 10, 0, 0, 0, time.UTC)
	// The tenth working day after it is a Monday too, and ends at 22:00 UTC in Kyiv's winter; by 31 March it is 21:00.
	tenth = time.Date(2024, 3, 25, 22, 0, 0, 0, time.UTC)
)

// story is a log that is told event by event.
type story struct {
	*projtest.Log
	n int
}

func (s *story) tell(at time.Time, who domain.ActorKind, e domain.Event) uuid.UUID {
	s.n++
	id := uuid.UUID{15: byte(s.n), 6: 0x40, 8: 0x80}
	s.Append(domain.Recorded{ID: id, Stream: domain.SubjectStream(anna), Event: e, Meta: domain.Meta{
		Actor: domain.Actor{Kind: who, ID: "x-1"}, OccurredAt: at, RecordedAt: at.Add(time.Second),
		Purpose: "service", Grounds: "ua.11.1.3", Service: "site", Policy: "2014-01", Command: "command"}})
	return id
}

func newStory() *story { return &story{Log: projtest.NewLog(uuid.New())} }

func list(t testing.TB, s projections.Snapshot, f obligations.Filter) []obligations.Obligation {
	t.Helper()
	var out []obligations.Obligation
	for o, err := range obligations.List(t.Context(), s, f) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

// short is a duty in one line.
func short(list []obligations.Obligation) []string {
	var out []string
	for _, o := range list {
		line := string(o.Duty) + " " + string(o.State)
		if !o.Recipient.IsZero() {
			line += " to " + o.Recipient.String()[35:]
		}
		out = append(out, line+" by "+o.Due.Format("2006-01-02 15:04"))
	}
	slices.Sort(out)
	return out
}

const (
	employee = domain.ActorEmployee
	himself  = domain.ActorSubject
)

func email(epoch domain.Epoch) domain.FieldEpoch {
	return domain.FieldEpoch{Field: "email", Epoch: epoch}
}

// What the controller does with data, he tells: to the subject, and to whoever got them.
func TestNoticesOpenAndClose(t *testing.T) {
	t.Parallel()
	log := newStory()
	log.tell(monday.AddDate(-1, 0, 0), himself, subject.Registered{Subject: anna, Policy: "2014-01", TextHash: "ab"})
	sent := log.tell(monday, employee, subject.Transferred{Subject: anna, Recipient: subject.Recipient{ID: courier}, Values: []domain.FieldEpoch{email("1")}, Basis: subject.ByOrder{}})
	log.tell(monday, employee, subject.Transferred{Subject: anna, Recipient: subject.Recipient{ID: bank}, Values: []domain.FieldEpoch{email("1")}, Basis: subject.ByOrder{}, Exempt: "told-at-collection"})
	fate := []domain.Fate{{Subject: anna, Field: "email", Epoch: "1", Action: domain.Destroy}}
	log.tell(monday, himself, subject.Edited{Subject: anna, Superseded: fate, Tell: []domain.RecipientID{courier, bank}})
	gone := log.tell(monday, employee, subject.Deleted{Subject: anna, Deleted: fate, Tell: []domain.RecipientID{courier}})
	log.tell(monday, employee, subject.Rectified{Subject: anna, Value: email("1"), Outcome: subject.Confirmed})
	log.tell(monday, employee, subject.Rectified{Subject: anna, Value: email("1"), Outcome: subject.Corrected})
	log.tell(monday, employee, subject.Restricted{Subject: anna, Fields: []domain.Field{"email"}, Tell: []domain.RecipientID{bank}})
	log.tell(monday, himself, subject.Closed{Subject: anna, Deleted: fate})
	log.tell(monday.AddDate(0, 0, 1), employee, subject.NoticeGiven{Subject: anna, Cause: sent, Duty: "notice.transfer", Channel: subject.ByEmail})
	closing := log.tell(monday.AddDate(0, 0, 2), employee, subject.NoticeGiven{Subject: anna, Cause: gone, Duty: "notice.recipient", Recipient: courier, Channel: subject.ByPost})
	log.tell(monday.AddDate(0, 0, 3), employee, subject.NoticeGiven{Subject: anna, Cause: gone, Duty: "notice.recipient", Recipient: courier, Channel: subject.ByEmail})
	log.tell(monday, employee, subject.NoticeGiven{Subject: anna, Cause: gone, Duty: "notice.recipient", Recipient: bank, Channel: subject.ByPost})
	want := []string{
		"notice.change exempt by 2024-03-25 22:00", // his own edit
		"notice.change exempt by 2024-03-25 22:00", // his own closing
		"notice.change open by 2024-03-25 22:00", "notice.change open by 2024-03-25 22:00", "notice.change open by 2024-03-25 22:00",
		"notice.recipient closed to 1 by 2024-03-25 22:00",
		"notice.recipient open to 1 by 2024-03-25 22:00", "notice.recipient open to 2 by 2024-03-25 22:00", "notice.recipient open to 2 by 2024-03-25 22:00",
		"notice.transfer closed by 2024-03-25 22:00", "notice.transfer exempt by 2024-03-25 22:00",
	}
	projtest.Look(t, both.Filled(t, log.Log, obligations.New(law.UA())), func(s projections.Snapshot) {
		if diff := cmp.Diff(want, short(list(t, s, obligations.Filter{}))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, o := range list(t, s, obligations.Filter{Matter: gone}) {
			if o.State == obligations.Closed && (o.ClosedBy != closing || o.Channel != subject.ByPost || !o.Closed.Equal(monday.AddDate(0, 0, 2))) {
				t.Errorf("the first notice closes it: %+v", o)
			}
			if !slices.Equal(o.Fields, []string{"email/1"}) || o.Law != "ua "+law.UA().Version || o.Cause != gone || o.Article == "" {
				t.Errorf("a row lacks what it is about: %+v", o)
			}
		}
		open := list(t, s, obligations.Filter{State: obligations.Open, Subject: anna, DueBefore: tenth.Add(time.Microsecond)})
		if n := len(open); n != 6 || !open[0].Overdue(tenth) || open[0].Overdue(tenth.Add(-time.Microsecond)) {
			t.Errorf("%d open", n)
		}
		if n := len(list(t, s, obligations.Filter{DueBefore: tenth})); n != 0 {
			t.Errorf("%d are due before their last moment", n)
		}
	})
}

// Requests are due by their kind; what law lets be put off is due later once it was, and answers end it.
func TestRequestsAreDueByTheirKind(t *testing.T) {
	t.Parallel()
	log := newStory()
	ids := map[request.Kind]domain.RequestID{}
	ask := func(k request.Kind) {
		ids[k] = domain.RequestID{UUID: uuid.New()}
		log.tell(monday, himself, request.Received{Request: ids[k], Kind: k, Channel: subject.ByEmail, Subject: anna})
	}
	for _, k := range []request.Kind{request.Access, request.ThirdParty, request.Disclosure, request.Question} {
		ask(k)
	}
	log.tell(monday, employee, request.Extended{Request: ids[request.ThirdParty], Reason: "R-1"})
	log.tell(monday, employee, request.Answered{Request: ids[request.Question], Outcome: request.Met, Channel: subject.BySite})
	want := []string{
		"request.access open by 2024-04-10 21:00", "request.disclosure open by 2024-04-10 21:00", "request.question closed by 2024-04-10 21:00",
		"request.third-party open by 2024-04-25 21:00", "request.third-party.study closed by 2024-03-25 22:00",
	}
	projtest.Look(t, both.Filled(t, log.Log, obligations.New(law.UA())), func(s projections.Snapshot) {
		all := list(t, s, obligations.Filter{})
		if diff := cmp.Diff(want, short(all)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n := len(list(t, s, obligations.Filter{State: obligations.Open, DueBefore: time.Date(2024, 4, 11, 0, 0, 0, 0, time.UTC)})); n != 2 {
			t.Errorf("%d are due before 11 April, want 2: one was put off", n)
		}
		for _, o := range all {
			if id, ok := o.Request(); !ok || id != ids[request.Kind(o.Duty[len("request."):])] && o.Duty != law.ThirdPartyStudy {
				t.Errorf("%s: of request %s", o.Duty, id)
			}
		}
	})
}

// A new version of the policy obliges to tell everyone, by the moment from which it holds.
func TestPublicationObliges(t *testing.T) {
	t.Parallel()
	log := newStory()
	log.tell(monday, employee, policy.Published{Policy: "imagine", Version: "2024-04", EffectiveFrom: monday.AddDate(0, 0, 20)})
	log.tell(monday, employee, subject.NoticeGiven{Subject: anna, Duty: "policy.notice", Policy: "2024-04", Channel: subject.ByEmail})
	log.tell(monday, himself, subject.Registered{Subject: anna, Policy: "2014-01"})
	projtest.Look(t, both.Filled(t, log.Log, obligations.New(law.UA())), func(s projections.Snapshot) {
		want := []string{"notice.collection open by 2024-04-22 21:00", "policy.notice open by 2024-03-31 10:00"}
		if diff := cmp.Diff(want, short(list(t, s, obligations.Filter{State: obligations.Open}))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// owed is one duty towards one addressee.
type owed struct {
	matter uuid.UUID
	duty   law.DeadlineID
	party  domain.RecipientID
}

// owing tells from the log alone who is owed what, and how it stands.
type owing map[owed]obligations.State

func (o owing) changed(r domain.Recorded, tell []domain.RecipientID) {
	o[owed{matter: r.ID, duty: law.NoticeChange}] = obligations.Open
	if r.Meta.Actor.Kind == domain.ActorSubject {
		o[owed{matter: r.ID, duty: law.NoticeChange}] = obligations.Exempt
	}
	for _, to := range tell {
		o[owed{r.ID, law.NoticeRecipient, to}] = obligations.Open
	}
}

// destroyed: the law of Ukraine names destruction, too.
func (o owing) destroyed(r domain.Recorded, fates []domain.Fate, tell []domain.RecipientID) {
	if !slices.ContainsFunc(fates, func(f domain.Fate) bool { return f.Action == domain.Destroy }) {
		return
	}
	o[owed{matter: r.ID, duty: law.NoticeChange}] = obligations.Open
	for _, to := range tell {
		o[owed{r.ID, law.NoticeRecipient, to}] = obligations.Open
	}
}

func (o owing) closed(matter uuid.UUID, party domain.RecipientID, duties ...law.DeadlineID) {
	for key, state := range o {
		if key.matter == matter && key.party == party && state == obligations.Open && slices.Contains(duties, key.duty) {
			o[key] = obligations.Closed
		}
	}
}

func (o owing) hear(r domain.Recorded) {
	switch e := r.Event.(type) {
	case subject.Transferred:
		o[owed{matter: r.ID, duty: law.NoticeTransfer}] = obligations.Open
		if e.Exempt != "" {
			o[owed{matter: r.ID, duty: law.NoticeTransfer}] = obligations.Exempt
		}
	case subject.Edited:
		o.changed(r, e.Tell)
	case subject.Deleted:
		o.changed(r, e.Tell)
	case subject.Closed:
		o.changed(r, e.Tell)
	case subject.Restricted:
		o.changed(r, e.Tell)
	case subject.RetentionEnded:
		o.destroyed(r, e.Ended, e.Tell)
	case subject.HoldReleased:
		o.destroyed(r, e.Freed, e.Tell)
	case subject.Rectified:
		if e.Outcome == subject.Corrected {
			o.changed(r, e.Tell)
		}
	case subject.NoticeGiven:
		o.closed(e.Cause, e.Recipient, law.DeadlineID(e.Duty))
	case policy.Published:
		o[owed{matter: r.ID, duty: law.PolicyNotice}] = obligations.Open
	default:
		o.hearRequest(r)
	}
}

func (o owing) hearRequest(r domain.Recorded) {
	switch e := r.Event.(type) {
	case request.Received:
		o[owed{matter: e.Request.UUID, duty: request.DeadlineOf(e.Kind)}] = obligations.Open
		if e.Kind == request.ThirdParty {
			o[owed{matter: e.Request.UUID, duty: law.ThirdPartyStudy}] = obligations.Open
		}
	case request.Extended:
		o.closed(e.Request.UUID, domain.RecipientID{}, law.ThirdPartyStudy)
	case request.Answered:
		o.closed(e.Request.UUID, domain.RecipientID{}, law.DeadlineIDs()...)
	}
}

// Over a long history everything that must be told or answered has its duty, in its order and state, and nothing
// else has one.
func TestEqualsLog(t *testing.T) {
	t.Parallel()
	c := projtest.NewCrowd(rand.New(rand.NewPCG(7, 7)).IntN)
	c.Visits, c.Newcomers = 5, 5
	log := projtest.NewLog(uuid.New())
	log.Append(c.Some(900)...)
	want := owing{}
	for _, r := range log.Events() {
		want.hear(r)
	}
	projtest.Look(t, both.Filled(t, log, obligations.New(law.UA())), func(s projections.Snapshot) {
		got, last, states := owing{}, time.Time{}, map[obligations.State]int{}
		for _, o := range list(t, s, obligations.Filter{}) {
			got[owed{o.Matter, o.Duty, o.Recipient}] = o.State
			states[o.State]++
			if o.Due.Before(last) {
				t.Fatalf("%s: opened %s, due %s, after %s", o.Duty, o.Opened, o.Due, last)
			}
			d, _ := law.UA().Deadline(o.Duty)
			if last = o.Due; o.Extended.IsZero() && o.Duty != law.PolicyNotice && !o.Due.Equal(law.UA().Due(d.Term, o.Opened)) {
				t.Fatalf("%s: opened %s, due %s", o.Duty, o.Opened, o.Due)
			}
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(owed{})); diff != "" {
			t.Errorf("(-log +rows):\n%.2000s", diff)
		}
		if len(states) != 3 {
			t.Errorf("not every state was met: %v", states)
		}
	})
}
