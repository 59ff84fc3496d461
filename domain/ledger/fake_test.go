package ledger_test

import (
	"context"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

// fakeJournal keeps events in memory. It is awkward where a journal may be: it conflicts without reason,
// persists and then says that it failed, and knows keys that are gone.
type fakeJournal struct {
	mu       sync.Mutex
	streams  map[domain.Stream][]domain.Recorded
	position uint64
	reads    int
	appends  int

	conflicts float64               // share of appends that conflict for no reason
	erased    map[domain.Field]bool // fields whose keys are gone
	lost      error                 // the next append persists and answers this
}

func newFake() *fakeJournal {
	return &fakeJournal{streams: map[domain.Stream][]domain.Recorded{}, erased: map[domain.Field]bool{}}
}

func (j *fakeJournal) Events(_ context.Context, s domain.Stream, after domain.Revision) iter.Seq2[domain.Recorded, error] {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s.Kind() != domain.KindPolicy { // read once a minute, whatever is asked
		j.reads++
	}
	all := j.streams[s]
	list := all[min(int(after)+1, len(all)):]
	return func(yield func(domain.Recorded, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (j *fakeJournal) Append(ctx context.Context, s domain.Stream, expected domain.Revision, facts []ledger.Fact) (ledger.Appended, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return ledger.Appended{}, err
	}
	j.appends++
	if j.conflicts > 0 && rand.Float64() < j.conflicts || domain.Revision(len(j.streams[s])) != expected+1 { //nolint:gosec // chance, not secrecy
		return ledger.Appended{}, ledger.ErrConflict
	}
	for _, f := range facts {
		for _, it := range f.Event.Personal() {
			if j.erased[it.Field] {
				return ledger.Appended{}, ledger.ErrErased
			}
		}
	}
	for _, f := range facts {
		j.position += 7
		j.streams[s] = append(j.streams[s], domain.Recorded{
			ID: f.ID, Stream: s, Revision: domain.Revision(len(j.streams[s])), Position: j.position, Meta: f.Meta, Event: f.Event,
		})
	}
	done := ledger.Appended{Revision: expected + domain.Revision(len(facts)), Position: j.position}
	if err := j.lost; err != nil {
		j.lost = nil
		return ledger.Appended{}, err
	}
	return done, nil
}

func (j *fakeJournal) Same(_ context.Context, recorded []domain.Recorded, given []domain.Value) (bool, error) {
	var have []domain.Value
	for _, r := range recorded {
		for _, it := range r.Event.Personal() {
			have = append(have, it.Value)
		}
	}
	return slices.Equal(have, given), nil
}

func (j *fakeJournal) Find(_ context.Context, f domain.Field, v domain.Value) ([]domain.SubjectID, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []domain.SubjectID
	for _, events := range j.streams {
		for _, r := range events {
			for _, it := range r.Event.Personal() {
				if it.Field == f && it.Value == v && !slices.Contains(found, it.Subject) {
					found = append(found, it.Subject)
				}
			}
		}
	}
	return found, nil
}

func (j *fakeJournal) count(s domain.Stream) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.streams[s])
}

func (j *fakeJournal) readCount() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.reads
}

var noon = time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon.Add(time.Hour) }

var desk = ledger.Template{
	Actor:   domain.Actor{Kind: domain.ActorSystem, ID: "app"},
	Service: "account", Purpose: "service", Grounds: "ua.11.1.3",
}

func newLedger(j ledger.Journal) *ledger.Ledger {
	return ledger.New(j, ledger.Config{Policy: policy.Imagine(), Clock: clock})
}

func of(id domain.SubjectID, key string) subject.About {
	return subject.About{Subject: id, Operation: desk.Op(key, noon)}
}

func register(id domain.SubjectID, key, account string) subject.Register {
	c := subject.Register{About: of(id, key)}
	if account != "" {
		c.Reference = given("account", account)
	}
	return c
}

func collect(id domain.SubjectID, key string, values ...subject.Given) subject.Collect {
	return subject.Collect{About: of(id, key), Source: subject.BySubject, Values: values}
}

func visit(id domain.SubjectID, key string) subject.Collect {
	return subject.Collect{About: of(id, key), Source: subject.Automatic, Values: []subject.Given{given("page", "/"+key)}}
}

func given(f domain.Field, v string) subject.Given {
	return subject.Given{Field: f, Value: domain.ClearValue(v)}
}

func addRecipient(id domain.RecipientID, key string) recipient.Add {
	return recipient.Add{
		About: recipient.About{Recipient: id, Operation: desk.Op(key, noon)},
		Card:  recipient.Card{Name: "Courier", Kind: "delivery", Country: "UA"},
	}
}

func must(t testing.TB, l *ledger.Ledger, cmd ledger.Command) ledger.Receipt {
	t.Helper()
	r, err := l.Handle(context.Background(), cmd)
	if err != nil {
		t.Fatalf("%s: %v", cmd.Name(), err)
	}
	return r
}

func traceStream(id domain.SubjectID) domain.Stream { return domain.TraceStream(id, "2024-03") }

var _ ledger.Journal = (*fakeJournal)(nil)
