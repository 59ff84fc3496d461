package history_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/sqlite"
)

// file fills a read model in a file of its own and asks it. It is for tests that make many.
func file(t testing.TB, log projections.Source, ask func(projections.Snapshot)) {
	t.Helper()
	b, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "read.db")})
	if err != nil {
		t.Fatal(err)
	}
	projtest.Filled(t, b, log, history.New(), profile.New())
	projtest.Look(t, b, ask)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// seen is all that a ledger answers about one person.
type seen struct {
	Timeline []history.Entry
	Past     history.Past
}

func ask(t testing.TB, s projections.Snapshot, id domain.SubjectID, m history.Moment, f history.Filter) seen {
	t.Helper()
	past, err := history.AsOf(t.Context(), s, id, m)
	if err != nil {
		t.Fatal(err)
	}
	past.Moment = history.Moment{}
	return seen{timeline(t, s, id, f), past}
}

// Whatever is asked on both clocks is what a ledger answers that was cut when it was known: nothing that was
// recorded later shines through, late entries and corrections included. What had happened by the moment is
// what a ledger of those events alone answers. And what was held is what the profile of the cut ledger shows.
func TestTwoTimesEqualCutLedger(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		dice := rand.New(rand.NewPCG(seed, 17)) // #nosec G404 -- histories to be made again
		c := projtest.NewCrowd(dice.IntN)
		c.Newcomers = 4
		log := projtest.NewLog(identity)
		log.Append(c.Recipients()...)
		log.Append(c.Some(40 + dice.IntN(80))...)
		log.Append(publication(log))
		moment := func() time.Time { return log.Events()[dice.IntN(len(log.Events()))].Meta.RecordedAt }
		m := history.Moment{At: moment(), Clock: history.ByOccurred, Known: moment()}
		cut := cutAt(log, history.Moment{At: m.Known})
		happened := history.Moment{At: m.At, Clock: history.ByOccurred}
		want := map[domain.SubjectID][3]seen{}
		file(t, cut, func(s projections.Snapshot) {
			for _, id := range c.Subjects() {
				now := ask(t, s, id, history.Moment{}, history.Filter{})
				want[id] = [3]seen{now, ask(t, s, id, happened, history.Filter{OccurredTo: m.At})}
				agrees(t, s, id, now.Past)
			}
		})
		file(t, cutAt(cut, happened), func(s projections.Snapshot) {
			for _, id := range c.Subjects() {
				w := want[id]
				w[2] = ask(t, s, id, history.Moment{Known: m.Known}, history.Filter{})
				want[id] = w
			}
		})
		file(t, log, func(s projections.Snapshot) {
			for _, id := range c.Subjects() {
				known := ask(t, s, id, history.Moment{Known: m.Known}, history.Filter{RecordedTo: m.Known})
				both := ask(t, s, id, m, history.Filter{RecordedTo: m.Known, OccurredTo: m.At})
				for i, got := range []seen{known, both, both} {
					if diff := cmp.Diff(want[id][i], got, sorted, ignoreTexts(i == 2)); diff != "" {
						t.Fatalf("seed %d, question %d of %s (-cut +asked):\n%.3000s", seed, i, id, diff)
					}
				}
			}
		})
	}
}

// publication is a version of the policy, published while the people act.
func publication(log *projtest.Log) domain.Recorded {
	last := log.Events()[len(log.Events())/2].Meta
	return domain.Recorded{ID: uuid.New(), Stream: "policy-imagine", Meta: last,
		Event: policy.Published{Policy: "imagine", Version: "2024-1", TextHash: "ab12", EffectiveFrom: last.OccurredAt}}
}

// ignoreTexts: a ledger without what happened later has no publications of it; they are known by when they
// are recorded, not by when they come into force.
func ignoreTexts(on bool) cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool { return on && p.Last().String() == ".Texts" }, cmp.Ignore())
}

// agrees holds what was held against the profile of the same ledger, which is another fold.
func agrees(t testing.TB, s projections.Snapshot, id domain.SubjectID, past history.Past) {
	t.Helper()
	held := map[domain.FieldEpoch]history.State{}
	for _, h := range past.Holdings {
		held[domain.FieldEpoch{Field: h.Field, Epoch: h.Epoch}] = h.State
	}
	p, found, err := profile.Get(t.Context(), s, id)
	if err != nil || found != past.Known {
		t.Fatalf("%s: profile %v, history %v, %v", id, found, past.Known, err)
	}
	for _, f := range p.Fields {
		if got := held[domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}]; fmt.Sprint(got) != fmt.Sprint(f.Condition) {
			t.Fatalf("%s %s/%s: %s in the history, %s in the profile", id, f.Field, f.Epoch, got, f.Condition)
		}
	}
}

// Late entries are told as such, and only to who asks what was so, never to who asks what was known.
func TestLateEntriesAndPolicyTexts(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }
	id := domain.SubjectID{UUID: uuid.New()}
	at := func(stream domain.Stream, happened, recorded int, e domain.Event) domain.Recorded {
		return domain.Recorded{Stream: stream, Event: e, Meta: domain.Meta{OccurredAt: day(happened), RecordedAt: day(recorded), Policy: "2"}}
	}
	item := func(epoch domain.Epoch) []domain.Item {
		return []domain.Item{{Subject: id, Field: "email", Epoch: epoch, Value: domain.SealedValue([]byte{1})}}
	}
	log := projtest.NewLog(identity)
	file := domain.SubjectStream(id)
	log.Append(at("policy-imagine", 1, 1, policy.Published{Policy: "imagine", Version: "1", TextHash: "aa", EffectiveFrom: day(1)}),
		at(file, 2, 2, subject.Collected{Subject: id, Source: subject.BySubject, Items: item("1")}),
		at("policy-imagine", 3, 3, policy.Published{Policy: "imagine", Version: "2", TextHash: "bb", EffectiveFrom: day(8)}),
		// On the tenth the ledger hears that the address had been another one since the fourth.
		at(file, 4, 10, subject.Edited{Subject: id, Items: item("2"), Superseded: []domain.Fate{{Subject: id, Field: "email", Epoch: "1", Action: domain.Destroy}}}))
	b := backend(t, log)
	for _, c := range []struct {
		name  string
		m     history.Moment
		text  string
		epoch domain.Epoch
		late  bool
	}{
		{"known on the fifth", history.Moment{At: day(5)}, "aa", "1", false},
		{"so on the fifth, as known on the ninth", history.Moment{At: day(5), Clock: history.ByOccurred, Known: day(9)}, "aa", "1", false},
		{"so on the fifth, as known today", history.Moment{At: day(5), Clock: history.ByOccurred}, "aa", "2", true},
		{"known on the eleventh", history.Moment{At: day(11)}, "bb", "2", false},
	} {
		p := past(t, b, id, c.m)
		text, _ := p.InForce()
		if text.TextHash != c.text {
			t.Errorf("%s: text %q in force, want %q", c.name, text.TextHash, c.text)
		}
		for _, h := range p.Holdings {
			if (h.Epoch == c.epoch) != (h.State == history.Held) || h.Epoch == c.epoch && c.m.Late(h.Came) != c.late {
				t.Errorf("%s: epoch %s is %s, late %v", c.name, h.Epoch, h.State, c.m.Late(h.Came))
			}
		}
	}
	p := past(t, b, id, history.Moment{At: day(2)})
	if _, known := p.Text("2"); known || len(p.Holdings) != 1 {
		t.Errorf("on the second, the version of the third is known, or %d values", len(p.Holdings))
	}
	if x, found := past(t, b, id, history.Moment{At: day(3)}).Text("2"); !found || x.TextHash != "bb" || !x.Effective.Equal(day(8)) {
		t.Errorf("version 2 is %+v", x)
	}
}
