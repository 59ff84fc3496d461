package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/memory"
)

// kept is what the model knows of one value: its sealed form, as a read model or an export has copied it, and
// what has become of it.
type kept struct {
	sealed  journal.Sealed
	text    string
	state   keys.State
	until   time.Time
	through domain.Epoch

	lost      bool // an older key store was put back, which has not got its key
	certified bool // destroyed in a key store that had it
}

func (v *kept) name() string { return string(v.sealed.Item.Field) + " " + string(v.sealed.Item.Epoch) }

// town is a ledger of a few people beside a model that is a list.
type town struct {
	*bench
	t        *testing.T
	j        *journal.Journal
	people   []domain.SubjectID
	revision map[domain.SubjectID]int64
	epochs   map[domain.FieldEpoch]int // newest number of (subject, field), kept by a name
	values   []*kept
	backups  []map[*kept]bool // which keys each of them has
}

func newTown(t *testing.T) *town {
	w := &town{bench: newBench(t, memory.Config{}), t: t, revision: map[domain.SubjectID]int64{},
		epochs: map[domain.FieldEpoch]int{}}
	for range 3 {
		who := newSubject()
		w.people = append(w.people, who)
		w.revision[who] = domain.NoStream
	}
	w.j = w.open(t)
	return w
}

func (w *town) append(who domain.SubjectID, e domain.Event) {
	w.t.Helper()
	done := mustAppend(w.t, w.j, domain.SubjectStream(who), w.revision[who], fact(e))
	w.revision[who] = done.Revision
}

// collect records a value under a new epoch.
func (w *town) collect(rt *rapid.T) {
	who := rapid.SampledFrom(w.people).Draw(rt, "who")
	field := rapid.SampledFrom([]domain.Field{"email", "name", "page"}).Draw(rt, "field")
	name := domain.FieldEpoch{Field: field, Epoch: domain.Epoch(who.String())}
	w.epochs[name]++
	epoch := domain.AttributeEpoch(w.epochs[name])
	if field == "page" {
		epoch = domain.TraceEpoch(domain.MonthOf(noon.AddDate(0, w.epochs[name], 0)), 0)
	}
	text := fmt.Sprintf("%s of %s", field, epoch)
	w.append(who, collected(clearItem(who, field, epoch, text)))
	all := events(w.t, w.j, domain.SubjectStream(who))
	w.values = append(w.values, &kept{sealed: journal.SealedOf(all[len(all)-1])[0], text: text, state: keys.Live})
}

// decide destroys, retains or holds one value, or a field through a month.
func (w *town) decide(rt *rapid.T) {
	if len(w.values) == 0 {
		return
	}
	v := rapid.SampledFrom(w.values).Draw(rt, "value")
	item := v.sealed.Item
	fate := domain.Fate{Subject: item.Subject, Field: item.Field, Epoch: item.Epoch, Action: domain.Destroy}
	if rapid.Bool().Draw(rt, "retain") {
		fate.Action, fate.Rule = domain.Retain, "tax"
		if years := rapid.IntRange(0, 3).Draw(rt, "years"); years > 0 {
			fate.Until = w.now().AddDate(years, 0, 0)
		}
	}
	// A key that was lost takes no part: its address is closed, and that is all.
	fate.Through = item.Field == "page" && rapid.Bool().Draw(rt, "through")
	if fate.Through && slices.ContainsFunc(w.values, func(o *kept) bool {
		return o.sealed.Item.Subject == item.Subject && o.sealed.Item.Field == "page" && o.through != "" && !keys.Earlier(o.through, item.Epoch)
	}) {
		return // that the same is said again has a test of its own
	}
	w.append(item.Subject, deleted(item.Subject, fate))
	for _, o := range w.values {
		w.meet(o, fate)
	}
}

// meet is the whole of the rules: a fate that names a value decides about it unless it is destroyed; one that
// goes through a field decides about what is live.
func (w *town) meet(v *kept, f domain.Fate) {
	at := v.sealed.Item
	if at.Subject != f.Subject || at.Field != f.Field || v.state == keys.Destroyed {
		return
	}
	if f.Through {
		if v.state != keys.Live || keys.Earlier(f.Epoch, at.Epoch) {
			return
		}
		v.through = f.Epoch
	} else if at.Epoch != f.Epoch {
		return
	}
	if f.Action == domain.Retain {
		v.state, v.until = keys.Retained, f.Until
		return
	}
	v.state, v.certified = keys.Destroyed, !v.lost
}

func (w *town) close() {
	if err := w.j.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) again() { w.j = w.reopen(w.t) }

func (w *town) file(name string) string { return filepath.Join(w.dir, name) }

// backup copies the key store, as an operator does every night.
func (w *town) backup() {
	w.close()
	has := map[*kept]bool{}
	for _, v := range w.values {
		has[v] = !v.lost
	}
	w.backups = append(w.backups, has)
	text, err := os.ReadFile(w.file("keys.db"))
	if err == nil {
		err = os.WriteFile(w.file(fmt.Sprintf("backup-%d", len(w.backups))), text, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.again()
}

// restore puts a backup back: keys that are younger are lost, and nothing that was destroyed comes back.
func (w *town) restore(rt *rapid.T) {
	if len(w.backups) == 0 {
		return
	}
	n := rapid.IntRange(1, len(w.backups)).Draw(rt, "backup")
	w.close()
	text, err := os.ReadFile(w.file(fmt.Sprintf("backup-%d", n)))
	if err == nil {
		err = os.WriteFile(w.file("keys.db"), text, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, v := range w.values {
		v.lost = !w.backups[n-1][v]
		v.certified = v.certified || v.state == keys.Destroyed && !v.lost
	}
	w.again()
	if rapid.Bool().Draw(rt, "check") {
		if found, err := w.j.RestoreCheck(w.t.Context(), nil); err != nil || found.Destroyed > 0 {
			w.t.Fatalf("what opening should have done was left: %+v, %v", found, err)
		}
	}
}

// agree opens every value, from the copies that were made when it was recorded and from the log, for both
// reaches: what is to be readable is, and nothing else.
func (w *town) agree(rt *rapid.T) {
	var sealed []journal.Sealed
	var values []*kept
	for _, v := range w.values {
		// A value whose key was lost with the newer key store is unreadable; while it is to be live or retained
		// that is a loss, which reading reports as an error. What was destroyed is erased all the same.
		if !v.lost || v.certified {
			sealed, values = append(sealed, v.sealed), append(values, v)
		}
	}
	for _, reach := range []journal.Reach{journal.LiveOnly, journal.WithRetained} {
		opened, err := w.j.OpenAs(w.t.Context(), reach, sealed)
		if err != nil {
			rt.Fatalf("open: %v", err)
		}
		for i, v := range values {
			want := "-"
			if v.state == keys.Live || v.state == keys.Retained && reach == journal.WithRetained && (v.until.IsZero() || w.now().Before(v.until)) {
				want = v.text
			}
			got, ok := opened[i].Value.Reveal()
			if !ok {
				got = "-"
			}
			if got != want || opened[i].State != v.state {
				rt.Fatalf("%s of %s: read %q, %v; want %q, %v", v.name(), v.sealed.Item.Subject, got, opened[i].State, want, v.state)
			}
		}
	}
}

// mostHistories bounds the histories of a run; each opens and closes the ledger many times.
const mostHistories = 12

// Whatever happens to some people over the years, destroying a value makes exactly that value unreadable, for
// every reader, out of every copy, and after every old key store that is put back; and there is one
// certificate for each.
func TestExactlyWhatIsDestroyedIsUnreadable(t *testing.T) {
	t.Parallel()
	histories := 0
	rapid.Check(t, func(rt *rapid.T) {
		if histories++; histories > mostHistories {
			return
		}
		w := newTown(t)
		defer func() { _ = w.j.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"collect": w.collect, "collect more": w.collect, "decide": w.decide, "decide more": w.decide,
			"rotate": func(rt *rapid.T) {
				if _, err := w.j.Keys().Rotate(t.Context(), nil); err != nil {
					rt.Fatal(err)
				}
			},
			"years":   func(rt *rapid.T) { w.set(w.now().AddDate(rapid.IntRange(0, 2).Draw(rt, "years"), 0, 0)) },
			"reopen":  func(*rapid.T) { w.close(); w.again() },
			"backup":  func(*rapid.T) { w.backup() },
			"restore": w.restore,
			"":        w.agree,
		})
		for _, who := range w.people {
			var names []string
			for _, v := range w.values {
				if v.certified && v.sealed.Item.Subject == who {
					names = append(names, v.name())
				}
			}
			requireCertified(t, w.j, who, names...)
		}
		w.noPlainBytes(rt)
	})
}

// noPlainBytes looks for the words in every file of the folder, backups included.
func (w *town) noPlainBytes(rt *rapid.T) {
	names, err := filepath.Glob(w.file("*"))
	if err != nil {
		rt.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the WAL comes and goes
		}
		for _, v := range w.values {
			if strings.Contains(string(text), v.text) {
				rt.Fatalf("%s holds %q", name, v.text)
			}
		}
	}
}
