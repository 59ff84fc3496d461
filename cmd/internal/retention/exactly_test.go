package retention_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/cmd/internal/retention"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
)

// town is a ledger of a few people, whose doings are drawn, beside a model that is a list.
type town struct {
	*house
	t       *testing.T
	model   model
	people  []domain.SubjectID
	post    domain.RecipientID
	step    int
	backups []map[*kept]bool // which values had come in when each of them was made
	other   keys.Store       // the same keys, as another process has them open; nil for files
}

func newTown(t *testing.T, p place) *town {
	t.Helper()
	w := &town{house: newHouseAt(t, p, policy.Imagine()), t: t, post: ledger.NewRecipientID()}
	w.do(t, recipient.Add{About: w.template().Recipient(w.post, "post", w.now()), Card: recipient.Card{Name: "Post", Kind: "delivery", Country: "UA"}})
	for range 3 {
		who := ledger.NewSubjectID()
		w.people = append(w.people, who)
		w.do(t, subject.Register{About: w.about(t, who)}, subject.GrantConsent{About: w.about(t, who), Consent: domain.ConsentID(who),
			TextHash: w.policy.TextHash, Scope: subject.Scope{Purposes: []domain.Purpose{"service"}, Fields: []domain.Field{"email"}, Recipients: []domain.RecipientID{w.post}}})
	}
	w.enter()
	return w
}

// fill gives everybody a value of each field.
func (w *town) fill(rt *rapid.T) {
	for _, who := range w.people {
		for _, f := range fields {
			w.try(rt, subject.Collect{About: w.about(w.t, who), Source: subject.BySubject, Values: w.given(rt, f)})
			w.model.learn(w.t, w.journal)
		}
	}
	w.agree(rt)
}

func (w *town) template() ledger.Template {
	return ledger.Template{Actor: domain.Actor{Kind: domain.ActorSystem, ID: "shop"}, Service: "account", Purpose: "service", Grounds: "ua.11.1.3"}
}

// enter opens what is beside the journal: the answers, and the keys once more.
func (w *town) enter() {
	w.t.Helper()
	w.answer(w.t, set())
	if w.keys == "" {
		return
	}
	id, err := w.journal.Identity(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	kms, err := w.kms()
	if err == nil {
		w.other, err = w.keyStore(w.t.Context(), id, kms, &w.calendar)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.release = append(w.release, kms.Close)
}

func (w *town) leave() {
	w.t.Helper()
	if w.other != nil {
		if err := w.other.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
	w.other = nil
	w.close(w.t)
}

func (w *town) reopen() {
	w.t.Helper()
	w.open(w.t)
	w.enter()
}

// try hands a command to the ledger. A refusal is an answer.
func (w *town) try(rt *rapid.T, c ledger.Command) {
	_, err := w.ledger.Handle(w.t.Context(), c)
	var refusal *domain.Refusal
	if err != nil && !errors.As(err, &refusal) {
		rt.Fatal(err)
	}
}

func (w *town) who(rt *rapid.T) domain.SubjectID { return rapid.SampledFrom(w.people).Draw(rt, "who") }

// fields of all kinds: destroyed at once, kept by one rule, by two.
var fields = []domain.Field{"name", "email", "tax_number", "agreement"}

// given draws a value that nobody else has, but for e-mail addresses: people may share one.
func (w *town) given(rt *rapid.T, f domain.Field) []subject.Given {
	w.step++
	text := fmt.Sprintf("%s-of-step-%d-", f, w.step)
	if f == "email" {
		text = rapid.SampledFrom([]string{"shared@example.com", "common@example.org"}).Draw(rt, "address")
	}
	w.model.texts = map[domain.Field]string{f: text}
	return []subject.Given{subject.Give(f, text)}
}

// give lets a value come in, in the place of the one that is there.
func (w *town) give(rt *rapid.T) {
	who, f := w.who(rt), rapid.SampledFrom(fields).Draw(rt, "field")
	about, given := w.about(w.t, who), w.given(rt, f)
	if len(w.model.lines(who, func(v *kept) bool { return v.sealed.Item.Field == f && isLive(v) })) > 0 {
		w.try(rt, subject.Edit{About: about, Values: given})
		return
	}
	w.try(rt, subject.Collect{About: about, Source: subject.BySubject, Values: given})
}

func (w *town) browse(rt *rapid.T) {
	w.try(rt, subject.Collect{About: w.about(w.t, w.who(rt)), Source: subject.Automatic, Values: w.given(rt, "page")})
}

// correct disputes a value and puts another in its place.
func (w *town) correct(rt *rapid.T) {
	who, f := w.who(rt), rapid.SampledFrom(fields).Draw(rt, "field")
	w.try(rt, subject.Dispute{About: w.about(w.t, who), Field: f, Document: "d-3"})
	w.try(rt, subject.Rectify{About: w.about(w.t, who), Field: f, Document: "d-4", Value: w.given(rt, f)[0].Value})
}

// remove deletes the field of a value that came in once, or everything of its person.
func (w *town) remove(rt *rapid.T) {
	at := rapid.SampledFrom(w.model.values).Draw(rt, "value").sealed.Item
	c := subject.Delete{About: w.about(w.t, at.Subject), Fields: []domain.Field{at.Field}}
	switch rapid.SampledFrom([]string{"one", "one again", "one more", "all", "all by court", "account"}).Draw(rt, "what") {
	case "all":
		c.Fields, c.All = nil, true
	case "all by court": // whatever the terms are
		c.Fields, c.All, c.Ground, c.Document = nil, true, "court", "d-1"
	case "account":
		w.try(rt, subject.Close{About: c.About})
		return
	}
	w.try(rt, c)
}

func (w *town) hold(rt *rapid.T) {
	hold := domain.HoldID{UUID: uuid.UUID{15: rapid.SampledFrom([]byte{1, 2}).Draw(rt, "hold")}}
	who := w.who(rt)
	if rapid.Bool().Draw(rt, "release") {
		w.try(rt, subject.ReleaseHold{About: w.about(w.t, who), Hold: hold, Document: "d-2"})
		return
	}
	w.try(rt, subject.PlaceHold{About: w.about(w.t, who), Hold: hold, Fields: []domain.Field{"page", rapid.SampledFrom(fields).Draw(rt, "field")},
		Warrant: subject.Warrant{Authority: "court-7", Act: "CPC", Article: "170", Document: "d-1", Dated: noon}})
}

func (w *town) transfer(rt *rapid.T) {
	who := w.who(rt)
	w.try(rt, subject.Transfer{About: w.about(w.t, who), Recipient: w.post, Fields: []domain.Field{"email"},
		Basis: subject.ByConsent{Consent: domain.ConsentID(who)}})
}

// time passes, and what has come due is ended or not.
func (w *town) time(rt *rapid.T) {
	w.set(w.now().AddDate(0, rapid.SampledFrom([]int{0, 1, 11, 26}).Draw(rt, "months"), rapid.SampledFrom([]int{0, 1, 17}).Draw(rt, "days")))
	if rapid.Bool().Draw(rt, "run") {
		w.step++
		cfg := w.config()
		cfg.Operation.Key = fmt.Sprint("run-", w.step)
		if _, err := retention.Run(w.t.Context(), cfg); err != nil {
			rt.Fatal(err)
		}
	}
}

// upkeep is what operators do.
func (w *town) upkeep(rt *rapid.T) {
	switch rapid.SampledFrom([]string{"reopen", "rotate", "rebuild"}).Draw(rt, "upkeep") {
	case "reopen":
		w.leave()
		w.reopen()
	case "rotate":
		if _, err := w.journal.Keys().Rotate(w.t.Context(), nil); err != nil {
			rt.Fatal(err)
		}
	case "rebuild":
		if err := w.engine.Rebuild(w.t.Context(), nil, nil); err != nil {
			rt.Fatal(err)
		}
	}
}

func (w *town) save(*rapid.T) {
	w.leave()
	w.backup(w.t)
	has := map[*kept]bool{}
	for _, v := range w.model.values {
		has[v] = true
	}
	w.backups = append(w.backups, has)
	w.reopen()
}

// putBack restores a backup that lacks no value that is still to be read; nothing that was destroyed since
// comes back with it, and the check has nothing left to do.
func (w *town) putBack(rt *rapid.T) {
	var fit []int
	for n, has := range w.backups {
		if !slices.ContainsFunc(w.model.values, func(v *kept) bool { return !has[v] && v.state != keys.Destroyed }) {
			fit = append(fit, n+1)
		}
	}
	if len(fit) == 0 {
		return
	}
	w.leave()
	w.restore(w.t, rapid.SampledFrom(fit).Draw(rt, "backup"))
	w.reopen()
	if found, err := w.journal.RestoreCheck(w.t.Context(), nil); err != nil || found.Destroyed > 0 {
		rt.Fatalf("what opening should have done was left: %+v, %v", found, err)
	}
}

// agree asks everybody about everything: what is to be readable is, to whom it is to be, and nothing else.
func (w *town) agree(rt *rapid.T) {
	if err := w.engine.CatchUp(w.t.Context()); err != nil {
		rt.Fatal(err)
	}
	w.model.learn(w.t, w.journal)
	if diff := cmp.Diff(w.model.states(), states(w.t, w.journal.Keys(), w.people)); diff != "" {
		rt.Fatalf("the keys (-facts +store): %s", diff)
	}
	for _, who := range w.people {
		live, kept := w.model.lines(who, isLive), w.model.lines(who, isKept(w.now()))
		all := slices.Sorted(slices.Values(slices.Concat(live, kept)))
		got := w.ask(w.t, who)
		want := map[string][]string{"profile": w.model.lines(who, w.model.isShown), "timeline": live, "timeline of all": all, "retained": kept, "copy": withoutEpochs(live)}
		maps.DeleteFunc(want, func(_ string, list []string) bool { return len(list) == 0 })
		if diff := cmp.Diff(want, got.seen); diff != "" {
			rt.Fatalf("readers of %s at %s (-facts +seen): %s", who, w.now(), diff)
		}
		w.written(rt, who, got.written)
	}
	w.copies(rt)
	w.found(rt)
}

// written looks for values in what leaves the house. Only the copy holds some: the person's own, while they
// live.
func (w *town) written(rt *rapid.T, who domain.SubjectID, written map[string][]byte) {
	for name, text := range written {
		for _, v := range w.model.values {
			own := strings.HasPrefix(name, "copy") && slices.ContainsFunc(w.model.values, func(o *kept) bool {
				return o.who() == who && o.text == v.text && isLive(o)
			})
			if bytes.Contains(text, []byte(v.text)) != own {
				rt.Fatalf("%q in the %s of %s: %v, want %v", v.text, name, who, !own, own)
			}
		}
	}
}

// copies opens the sealed forms that were copied when they were recorded, for both reaches; and another
// process that has the same keys in its memory is asked for them.
func (w *town) copies(rt *rapid.T) {
	sealed := make([]journal.Sealed, len(w.model.values))
	for i, v := range w.model.values {
		sealed[i] = v.sealed
	}
	for reach, sees := range map[journal.Reach]func(*kept) bool{journal.LiveOnly: func(*kept) bool { return false }, journal.WithRetained: isKept(w.now())} {
		opened, err := w.journal.OpenAs(w.t.Context(), reach, sealed)
		if err != nil {
			rt.Fatal(err)
		}
		for i, v := range w.model.values {
			text, clear := opened[i].Value.Reveal()
			if want := isLive(v) || sees(v); clear != want || clear && text != v.text || opened[i].State != v.state {
				rt.Fatalf("the copy of %s reads %q, %v; want %q: %v, %v", v.line(), text, opened[i].State, v.text, want, v.state)
			}
		}
	}
	if w.other == nil {
		return
	}
	ids := make([]uuid.UUID, len(w.model.values))
	for i, v := range w.model.values {
		ids[i] = v.key()
	}
	all, err := w.other.Open(w.t.Context(), ids)
	if err != nil {
		rt.Fatal(err)
	}
	for i, v := range w.model.values {
		if all[i].State != v.state || (v.state == keys.Destroyed) != (all[i].Secret == [keys.Size]byte{}) {
			rt.Fatalf("another process has %v; want %v", all[i], v.state)
		}
	}
}

// found looks people up by their address: who has it now is found, and nobody who had.
func (w *town) found(rt *rapid.T) {
	for _, address := range []string{"shared@example.com", "common@example.org"} {
		want := map[domain.SubjectID]bool{}
		for _, v := range w.model.values {
			if v.text == address && isLive(v) {
				want[v.who()] = true
			}
		}
		list, err := w.journal.Find(w.t.Context(), "email", domain.ClearValue(address))
		if err != nil || len(list) != len(want) || slices.ContainsFunc(list, func(who domain.SubjectID) bool { return !want[who] }) {
			rt.Fatalf("by %s %v are found, %v; want %v", address, list, err, want)
		}
	}
}

func withoutEpochs(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		parts := strings.Fields(l)
		out[i] = parts[0] + " " + parts[2]
	}
	slices.Sort(out)
	return out
}

// certified wants one for each destroyed key, and none for another.
func (w *town) certified(rt *rapid.T) {
	if err := w.journal.Certified(w.t.Context()); err != nil {
		rt.Fatal(err)
	}
	want := map[keys.Ref]int{}
	for _, v := range w.model.values {
		if v.state == keys.Destroyed {
			want[v.ref()] = 1
		}
	}
	if diff := cmp.Diff(want, certificates(w.t, w.journal, w.people)); diff != "" {
		rt.Fatalf("certificates (-destroyed +certified): %s", diff)
	}
}

// noPlainBytes looks for the values in every file of the folder, backups and read model included.
func (w *town) noPlainBytes(rt *rapid.T) {
	names, err := filepath.Glob(filepath.Join(w.dir, "*"))
	if err != nil {
		rt.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name) //nolint:gosec // the test's own folder
		if err != nil {
			continue // a folder, or the WAL, which comes and goes
		}
		for _, v := range w.model.values {
			if bytes.Contains(text, []byte(v.text)) {
				rt.Fatalf("%s holds %q", name, v.text)
			}
		}
	}
}

// length is how many steps a history has: on a server each takes ten times as long.
func (w *town) length() int {
	if w.keys != "" {
		return 15
	}
	return 40
}

// steps are what may happen; some more often than others.
var steps = []step{
	{"give", (*town).give}, {"give", (*town).give}, {"browse", (*town).browse}, {"correct", (*town).correct}, {"remove", (*town).remove}, {"remove", (*town).remove},
	{"remove", (*town).remove}, {"hold", (*town).hold}, {"transfer", (*town).transfer}, {"time", (*town).time}, {"time", (*town).time},
	{"upkeep", (*town).upkeep}, {"backup", (*town).save}, {"restore", (*town).putBack},
}

// step is one thing that may happen. A failed history is told by the names.
type step struct {
	name string
	do   func(*town, *rapid.T)
}

// String names the step.
func (s step) String() string { return s.name }

// Whatever happens to some people over the years, destroying a value makes exactly that value unreadable: for
// every reader, in every answer and export, out of every copy, in the memory of every process, and after every
// old key store that is put back. Nothing else becomes unreadable, and each destroyed key has one certificate.
func TestExactlyWhatIsDestroyedIsUnreadableEverywhere(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at func(testing.TB) place) {
		rapid.Check(t, func(rt *rapid.T) {
			w := newTown(t, at(t))
			defer w.leave()
			w.fill(rt)
			for range w.length() {
				rapid.SampledFrom(steps).Draw(rt, "step").do(w, rt)
				w.agree(rt)
			}
			w.certified(rt)
			w.leave()
			w.noPlainBytes(rt)
			w.reopen()
		})
	})
}
