package retention_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/seal"
)

// model is what the facts alone make of every value: a list, and two rules.
type model struct {
	values []*kept
	texts  map[domain.Field]string // given by the command under way
	after  uint64                  // learned up to this position
}

// kept is one value: its sealed form, as a read model or an export has copied it, and what has become of it.
type kept struct {
	sealed  journal.Sealed
	text    string
	state   keys.State
	until   time.Time
	through domain.Epoch // of the fate through the field that has reached it
}

func (v *kept) who() domain.SubjectID { return v.sealed.Item.Subject }

func (v *kept) ref() keys.Ref {
	at := v.sealed.Item
	return keys.Ref{Subject: at.Subject, Field: at.Field, Epoch: at.Epoch}
}

// key is the id of the value's key; zero when the sealed form is damaged, which no store knows.
func (v *kept) key() uuid.UUID {
	sealed, _ := v.sealed.Item.Value.SealedBytes()
	id, _ := seal.KeyID(sealed)
	return id
}

// line is how readers' answers name the value.
func (v *kept) line() string { return line(v.sealed.Item, v.text) }

func line(at domain.Item, text string) string {
	return string(at.Field) + " " + string(at.Epoch) + " " + text
}

// learn takes the facts that were recorded since the last time.
func (m *model) learn(t testing.TB, j *journal.Journal) {
	t.Helper()
	for r, err := range j.ReadAll(t.Context(), m.after) {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Event.Fates() {
			for _, v := range m.values {
				v.meet(f)
			}
		}
		for _, s := range journal.SealedOf(r) {
			m.values = append(m.values, &kept{sealed: s, text: m.texts[s.Item.Field], state: keys.Live})
		}
		m.after = uint64(r.Position)
	}
}

// meet is the whole of the rules: a fate that names a value decides about it unless it is destroyed; one that
// goes through a field decides about what is live, and later about what it had reached.
func (v *kept) meet(f domain.Fate) {
	at := v.sealed.Item
	if at.Subject != f.Subject || at.Field != f.Field || v.state == keys.Destroyed {
		return
	}
	switch {
	case !f.Through && at.Epoch != f.Epoch:
		return
	case f.Through && v.state == keys.Live:
		if isAfter(at.Epoch, f.Epoch) {
			return
		}
		v.through = f.Epoch
	case f.Through && v.through != f.Epoch:
		return
	}
	v.state, v.until = keys.Destroyed, time.Time{}
	if f.Action == domain.Retain {
		v.state, v.until = keys.Retained, f.Until
	}
}

// isAfter compares epochs of traces: by month, and within it by what the month is opened for again.
func isAfter(a, b domain.Epoch) bool {
	month, again, _ := strings.Cut(string(a), ".")
	other, than, _ := strings.Cut(string(b), ".")
	x, _ := strconv.Atoi(again) // none is the first
	y, _ := strconv.Atoi(than)
	return month > other || month == other && x > y
}

// lines are the values of a person that a reader is to see, sorted.
func (m *model) lines(who domain.SubjectID, sees func(*kept) bool) []string {
	out := []string{}
	for _, v := range m.values {
		if v.who() == who && sees(v) {
			out = append(out, v.line())
		}
	}
	slices.Sort(out)
	return out
}

func isLive(v *kept) bool { return v.state == keys.Live }

// isKept tells what the reader of retained records sees at a time.
func isKept(now time.Time) func(*kept) bool {
	return func(v *kept) bool { return v.state == keys.Retained && (v.until.IsZero() || now.Before(v.until)) }
}

// isShown tells what the profile shows: the last value of each field, while it is live.
func (m *model) isShown(v *kept) bool {
	for _, other := range slices.Backward(m.values) {
		if other.who() == v.who() && other.sealed.Item.Field == v.sealed.Item.Field {
			return other == v && v.state == keys.Live
		}
	}
	return false
}

// states is the state of every key.
func (m *model) states() map[keys.Ref]keys.State {
	out := map[keys.Ref]keys.State{}
	for _, v := range m.values {
		out[v.ref()] = v.state
	}
	return out
}

// states lists the keys of these people, as the key store has them.
func states(t testing.TB, s keys.Store, people []domain.SubjectID) map[keys.Ref]keys.State {
	t.Helper()
	out := map[keys.Ref]keys.State{}
	for _, who := range people {
		list, err := s.Of(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range list {
			out[k.Ref] = k.State
		}
	}
	return out
}

// certificates counts those of each key of these people.
func certificates(t testing.TB, j *journal.Journal, people []domain.SubjectID) map[keys.Ref]int {
	t.Helper()
	out := map[keys.Ref]int{}
	for _, who := range people {
		for r, err := range j.Events(t.Context(), domain.CertificateStream(who), domain.NoStream) {
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range r.Event.(subject.KeysDestroyed).Keys {
				out[keys.Ref{Subject: who, Field: k.Field, Epoch: k.Epoch}]++
			}
		}
	}
	return out
}
