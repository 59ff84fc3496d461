package register_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	godiff "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/obligations"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
	"imagine.ua/litopys/projections/register"
	"imagine.ua/litopys/projections/sqlite"
	"imagine.ua/litopys/projections/transfers"
)

// owed is one event of which a recipient is to be told.
type owed struct {
	to      domain.RecipientID
	subject domain.SubjectID
	cause   uuid.UUID
}

// value is what a simple reader of the log knows of one value that somebody has.
type value struct {
	subject.Recipient
	who      domain.SubjectID
	at       domain.FieldEpoch
	state    register.State
	retained bool
	left     bool // something of it is left with the controller
}

// reader is a simple reader of the log: it goes through all that it knows at every event.
type reader struct {
	pack   *law.Pack
	values []*value
	owed   map[owed]bool
}

func readAll(log *projtest.Log, pack *law.Pack) *reader {
	x := &reader{pack: pack, owed: map[owed]bool{}}
	for _, r := range log.Events() {
		x.hear(r)
	}
	return x
}

func (x *reader) hear(r domain.Recorded) {
	deadline, _ := x.pack.Deadline(law.NoticeRecipient)
	switch e := r.Event.(type) {
	case subject.Transferred:
		for _, v := range e.Values {
			x.values = slices.DeleteFunc(x.values, func(o *value) bool {
				return o.ID == e.Recipient.ID && o.who == e.Subject && o.at == v
			})
			x.values = append(x.values, &value{e.Recipient, e.Subject, v, register.Current, e.Retained, true})
		}
	case subject.Edited:
		x.oblige(r, e.Subject, e.Tell)
		x.ended(register.Outdated, e.Subject, e.Superseded, e.Tell)
	case subject.Rectified:
		x.oblige(r, e.Subject, e.Tell)
		x.ended(register.Outdated, e.Subject, e.Superseded, e.Tell)
	case subject.Deleted:
		x.oblige(r, e.Subject, e.Tell)
		x.ended(register.Deleted, e.Subject, e.Deleted, e.Tell)
	case subject.Closed:
		x.oblige(r, e.Subject, e.Tell)
		x.ended(register.Deleted, e.Subject, e.Deleted, e.Tell)
	case subject.Restricted:
		x.oblige(r, e.Subject, e.Tell)
	case subject.RetentionEnded:
		if x.destroyed(e.Subject, e.Ended, e.Tell) && deadline.OnDestruction {
			x.oblige(r, e.Subject, e.Tell)
		}
	case subject.HoldReleased:
		if x.destroyed(e.Subject, e.Freed, e.Tell) && deadline.OnDestruction {
			x.oblige(r, e.Subject, e.Tell)
		}
	case subject.NoticeGiven:
		if e.Duty == string(law.NoticeRecipient) {
			delete(x.owed, owed{e.Recipient, e.Subject, e.Cause})
		}
	}
}

func (x *reader) oblige(r domain.Recorded, who domain.SubjectID, tell []domain.RecipientID) {
	for _, to := range tell {
		x.owed[owed{to, who, r.ID}] = true
	}
}

// of gives the values of a field that those who are told have.
func (x *reader) of(f domain.Fate, tell []domain.RecipientID) (out []*value) {
	for _, v := range x.values {
		if v.who == f.Subject && v.at.Field == f.Field && slices.Contains(tell, v.ID) {
			out = append(out, v)
		}
	}
	return out
}

func (x *reader) ended(s register.State, who domain.SubjectID, fates []domain.Fate, tell []domain.RecipientID) {
	for _, f := range fates {
		for _, v := range x.of(f, tell) {
			same := v.at.Epoch == f.Epoch || f.Through && projections.EpochRank(v.at.Epoch) <= projections.EpochRank(f.Epoch)
			if lived := !v.retained && projections.EpochRank(v.at.Epoch) <= projections.EpochRank(f.Epoch); lived && v.state != register.Deleted {
				v.state = s
			}
			if same && v.left && f.Action == domain.Destroy && s == register.Deleted {
				v.state = s
			}
			v.left = v.left && !(same && f.Action == domain.Destroy)
		}
	}
}

func (x *reader) destroyed(who domain.SubjectID, fates []domain.Fate, tell []domain.RecipientID) (any bool) {
	for _, f := range fates {
		if f.Action != domain.Destroy {
			continue
		}
		any = true
		for _, v := range x.of(f, tell) {
			if same := v.at.Epoch == f.Epoch || f.Through && projections.EpochRank(v.at.Epoch) <= projections.EpochRank(f.Epoch); same && v.left {
				v.state, v.left = register.Deleted, false
			}
		}
	}
	return any
}

func (x *reader) recipients() []domain.RecipientID {
	seen := map[domain.RecipientID]bool{}
	for _, v := range x.values {
		seen[v.ID] = true
	}
	for o := range x.owed {
		seen[o.to] = true
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b domain.RecipientID) int { return cmp.Compare(a.String(), b.String()) })
}

// lines writes what a recipient has, and of what he is to be told.
func (x *reader) lines(id domain.RecipientID) (values []string, news []owed) {
	for _, v := range x.values {
		if v.ID == id {
			values = append(values, fmt.Sprint(v.who, " ", projections.FieldText(v.at.Field, v.at.Epoch), " ", v.state))
		}
	}
	slices.Sort(values)
	for o := range x.owed {
		if o.to == id {
			news = append(news, o)
		}
	}
	slices.SortFunc(news, byCause)
	return values, news
}

func byCause(a, b owed) int { return cmp.Compare(a.cause.String(), b.cause.String()) }

// answers gives the same as the rows say it.
func answers(t testing.TB, s projections.Snapshot, id domain.RecipientID) (values []string, news []owed) {
	t.Helper()
	list, err := register.Of(t.Context(), s, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range list {
		values = append(values, fmt.Sprint(h.Subject, " ", projections.FieldText(h.Field, h.Epoch), " ", h.State))
	}
	slices.Sort(values)
	owing, err := register.Owing(t.Context(), s, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range owing {
		news = append(news, owed{o.Recipient, o.Subject, o.Cause})
	}
	slices.SortFunc(news, byCause)
	return values, news
}

// duties gives the open duties to tell recipients.
func duties(t testing.TB, s projections.Snapshot) map[domain.RecipientID][]owed {
	t.Helper()
	out := map[domain.RecipientID][]owed{}
	for o, err := range obligations.List(t.Context(), s, obligations.Filter{State: obligations.Open}) {
		if err != nil {
			t.Fatal(err)
		}
		if o.Duty == law.NoticeRecipient {
			out[o.Recipient] = append(out[o.Recipient], owed{o.Recipient, o.Subject, o.Cause})
		}
	}
	for _, list := range out {
		slices.SortFunc(list, byCause)
	}
	return out
}

var exported = godiff.AllowUnexported(owed{})

// compare asks everything of one moment: what the rows say is what the log says, and what is owed is what the
// duties say.
func (x *reader) compare(t testing.TB, s projections.Snapshot) {
	t.Helper()
	r, err := register.Make(t.Context(), s, policy.Imagine())
	if err != nil {
		t.Fatal(err)
	}
	open := duties(t, s)
	for _, id := range x.recipients() {
		values, news := answers(t, s, id)
		wantValues, wantNews := x.lines(id)
		if diff := godiff.Diff(wantValues, values); diff != "" {
			t.Errorf("what %s has (-log +rows):\n%.2000s", id, diff)
		}
		if diff := godiff.Diff(wantNews, news, exported); diff != "" {
			t.Errorf("what %s is to be told (-log +rows):\n%.2000s", id, diff)
		}
		if diff := godiff.Diff(open[id], news, exported); diff != "" {
			t.Errorf("what %s is to be told (-duties +register):\n%.2000s", id, diff)
		}
		for _, c := range r.Recipients {
			if c.ID == id && c.Owed != len(news) {
				t.Errorf("the record says that %s is to be told %d times, not %d", id, c.Owed, len(news))
			}
		}
		delete(open, id)
	}
	if len(open) > 0 {
		t.Errorf("duties that the register knows nothing of: %v", open)
	}
}

// Over long histories of all kinds the register says what the log says, under either law, and owes a recipient
// exactly what the duties owe him.
func TestOwesWhatTheDutiesOwe(t *testing.T) {
	t.Parallel()
	for i, pack := range []*law.Pack{law.UA(), law.EU()} {
		t.Run(pack.ID, func(t *testing.T) {
			t.Parallel()
			log := crowded(uint64(i), 1200) // #nosec G115 -- 0 or 1
			x := readAll(log, pack)
			if len(x.owed) < 50 || len(x.values) < 50 {
				t.Fatalf("the history is poor: %d duties, %d values", len(x.owed), len(x.values))
			}
			projtest.Look(t, both.Filled(t, log, register.New(), transfers.New(), obligations.New(pack)), func(s projections.Snapshot) { x.compare(t, s) })
		})
	}
}

// crowded is a log of plausible people who pass much on.
func crowded(seed uint64, events int) *projtest.Log {
	crowd := projtest.NewCrowd(rand.New(rand.NewPCG(seed, 11)).IntN)
	crowd.Visits, crowd.Newcomers = 5, 5
	log := projtest.NewLog(uuid.New())
	log.Append(crowd.Recipients()...)
	log.Append(crowd.Some(events)...)
	return log
}

// Followed in small batches or rebuilt, the rows are the same, and say the same.
func TestFollowedEqualsRebuilt(t *testing.T) {
	t.Parallel()
	log := crowded(11, 600)
	x := readAll(log, law.UA())
	file, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "read.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	set := []*projections.Projection{register.New(), transfers.New(), obligations.New(law.UA())}
	engine, err := projections.New(projections.Config{Source: log, Backend: file, Projections: set, BatchEvents: 7})
	if err == nil {
		err = engine.CatchUp(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	projtest.Look(t, file, func(s projections.Snapshot) { x.compare(t, s) })
	live := projtest.Read(t, file, set)
	if err := engine.Rebuild(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	if diff := godiff.Diff(live, projtest.Read(t, file, set)); diff != "" {
		t.Errorf("rebuilt otherwise:\n%.2000s", diff)
	}
	projtest.Look(t, file, func(s projections.Snapshot) { x.compare(t, s) })
}

// Given a value that a hold kept and that an authority got from what was kept; when the hold is released, then it
// is destroyed, and by the law of Ukraine both who got it are to be told until they were; by the GDPR nobody is.
func TestReleasedHoldIsOwed(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.pass(anna, courier, "", "email/1")
	kept := fates(anna, "email/1")
	kept[0].Action, kept[0].Rule = domain.Retain, subject.HoldRule
	gone := b.of(anna, subject.Deleted{Subject: anna, Deleted: kept, Tell: []domain.RecipientID{courier}})
	b.of(anna, subject.NoticeGiven{Subject: anna, Cause: gone, Duty: "notice.recipient", Recipient: courier, Channel: subject.ByEmail})
	b.of(anna, subject.Transferred{Subject: anna, Recipient: subject.Recipient{ID: bank}, Basis: subject.ByLaw{}, Retained: true,
		Values: []domain.FieldEpoch{{Field: "email", Epoch: "1"}}})
	look(t, b, says("anna email/1 deleted, gone", "anna email/1 current"))
	release := b.of(anna, subject.HoldReleased{Subject: anna, Freed: fates(anna, "email/1"), Tell: []domain.RecipientID{courier, bank}})
	look(t, b, says("anna email/1 deleted, owed", "anna email/1 deleted, owed"))
	european := both.Filled(t, b.Log, register.New(), transfers.New(), obligations.New(law.EU()))
	projtest.Look(t, european, func(s projections.Snapshot) { says("anna email/1 deleted, gone", "anna email/1 deleted")(t, s) })
	for _, to := range []domain.RecipientID{courier, bank} {
		b.of(anna, subject.NoticeGiven{Subject: anna, Cause: release, Duty: "notice.recipient", Recipient: to, Channel: subject.ByEmail})
	}
	look(t, b, says("anna email/1 deleted, gone", "anna email/1 deleted, gone"))
}

// Given months of a trace that were passed on; when some of them are deleted, the rest is held on; and a change of
// what the recipient never had stands at the newest value that he has of the field.
func TestEveryMonthIsHeld(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.pass(anna, courier, "", "page/2024-01", "page/2024-02", "page/2024-03", "name/1")
	kept := []domain.Fate{{Subject: anna, Field: "page", Epoch: "2024-02", Through: true, Action: domain.Retain, Rule: "logs"}}
	b.of(anna, subject.Deleted{Subject: anna, Deleted: kept, Tell: []domain.RecipientID{courier}})
	b.pass(anna, bank, "", "page/2024-03")
	look(t, b, says("anna name/1 current anna page/2024-01 deleted, owed anna page/2024-02 deleted, owed anna page/2024-03 current", "anna page/2024-03 current"))
	b.of(anna, subject.RetentionEnded{Subject: anna, Ended: fates(anna, "page/2023-12"), Tell: []domain.RecipientID{bank}})
	b.of(anna, subject.Restricted{Subject: anna, Fields: []domain.Field{"name"}, Tell: []domain.RecipientID{courier}})
	look(t, b, says("anna name/1 current, owed anna page/2024-01 deleted, owed anna page/2024-02 deleted, owed anna page/2024-03 current",
		"anna page/2024-03 current, owed"))
}

// What was deleted and destroyed is over: neither the deletion of later values nor a restriction of them brings it
// back, and its recipient is told of it no more.
func TestWhatIsOverStaysOver(t *testing.T) {
	t.Parallel()
	b := newBook()
	over := func(month domain.Epoch) uuid.UUID {
		return b.of(anna, subject.Deleted{Subject: anna, Tell: []domain.RecipientID{courier}, Deleted: append(fates(anna, "email/1"),
			domain.Fate{Subject: anna, Field: "page", Epoch: month, Through: true, Action: domain.Destroy})})
	}
	b.pass(anna, courier, "", "page/2024-02", "email/1")
	b.of(anna, subject.NoticeGiven{Subject: anna, Cause: over("2024-02"), Duty: "notice.recipient", Recipient: courier, Channel: subject.ByEmail})
	b.pass(anna, courier, "", "page/2024-03", "email/2")
	over("2024-03")
	b.of(anna, subject.Restricted{Subject: anna, Fields: []domain.Field{"email"}, Tell: []domain.RecipientID{courier}})
	look(t, b, says("anna email/1 deleted, gone anna email/2 current, owed anna page/2024-02 deleted, gone anna page/2024-03 deleted, owed", ""))
}

// An operation that is recorded late is compared by its own time, too: what was passed on before an edit is out of
// date, and what was passed on while nobody knew of the edit.
func TestLateOperations(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.pass(anna, courier, "", "email/1")
	b.of(anna, subject.Edited{Subject: anna, Superseded: fates(anna, "email/1"), Tell: []domain.RecipientID{courier}})
	b.hours = -10
	b.pass(anna, courier, "", "email/1")
	b.hours = 10
	b.pass(anna, bank, "", "email/1")
	b.hours = -10
	b.of(anna, subject.Edited{Subject: anna, Superseded: fates(anna, "email/1"), Tell: []domain.RecipientID{bank}})
	look(t, b, says("anna email/1 outdated, owed", "anna email/1 outdated, owed"))
}

// says expects what courier and bank have, in one line each.
func says(ofCourier, ofBank string) func(*testing.T, projections.Snapshot) {
	return func(t *testing.T, s projections.Snapshot) {
		t.Helper()
		for id, want := range map[domain.RecipientID]string{courier: ofCourier, bank: ofBank} {
			got := ""
			for i, line := range have(t, s, id) {
				if i > 0 {
					got += " "
				}
				got += line
			}
			if diff := godiff.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
}

// However much a recipient has, and however much of one person, nothing is lost at the edge of a page.
func TestManyValuesAreReadInPages(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(uuid.New())
	at := domain.Meta{OccurredAt: noon, RecordedAt: noon}
	pass := func(who domain.SubjectID, values ...domain.FieldEpoch) {
		log.Append(domain.Recorded{ID: uuid.New(), Stream: domain.SubjectStream(who), Meta: at, Event: subject.Transferred{
			Subject: who, Recipient: subject.Recipient{ID: courier}, Basis: subject.ByOrder{Order: order}, Values: values}})
	}
	many := make([]domain.FieldEpoch, 4100)
	for i := range many {
		many[i] = domain.FieldEpoch{Field: "email", Epoch: domain.AttributeEpoch(i + 1)}
	}
	pass(anna, many...)
	persons := 700
	for range persons {
		pass(domain.SubjectID{UUID: uuid.New()}, many[:3]...)
	}
	log.Append(domain.Recorded{ID: uuid.New(), Stream: domain.SubjectStream(petro), Meta: at, Event: subject.Edited{
		Subject: petro, Superseded: fates(petro, "email/1"), Tell: []domain.RecipientID{courier, bank}}})
	projtest.Look(t, both.Filled(t, log, register.New(), transfers.New(), obligations.New(law.UA())), func(s projections.Snapshot) {
		values, news := answers(t, s, courier)
		if n := len(slices.Compact(values)); n != len(many)+3*persons || n != len(values) || len(news) != 1 {
			t.Errorf("%d values, %d of them once, and %d events", len(values), n, len(news))
		}
		if values, news := answers(t, s, bank); len(values) > 0 || len(news) != 1 {
			t.Errorf("who got nothing has %v, and is to be told of %v", values, news)
		}
	})
}
