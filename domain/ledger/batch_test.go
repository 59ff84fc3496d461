package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
)

var textHash = strings.Repeat("0f", 32)

func secondVersion(t *testing.T) []byte {
	t.Helper()
	src := bytes.Replace(policy.ImagineYAML(), []byte(`version: "2014-01"`), []byte(`version: "2024-02"`), 1)
	return bytes.Replace(src, []byte(`"2014-01-01"`), []byte(`"2024-02-01"`), 1)
}

func TestHandleAllDecidesEachOnTheOnesBefore(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna, courier, consent := ledger.NewSubjectID(), ledger.NewRecipientID(), ledger.NewConsentID()
	outs := l.HandleAll(t.Context(), []ledger.Command{
		register(anna, "r", "a-1"),
		collect(anna, "c", given("email", "a@example.com")),
		collect(anna, "c again", given("email", "b@example.com")),
		visit(anna, "v1"), visit(anna, "v2"),
		subject.GrantConsent{About: of(anna, "g"), Consent: consent, TextHash: textHash, Scope: subject.Scope{
			Purposes: []domain.Purpose{"service"}, Fields: []domain.Field{"email"}, Recipients: []domain.RecipientID{courier},
		}},
		addRecipient(courier, "n"),
		subject.Transfer{About: of(anna, "t"), Recipient: courier, Fields: []domain.Field{"email"}, Basis: subject.ByConsent{Consent: consent}},
		subject.Delete{About: of(anna, "d"), Fields: []domain.Field{"page"}},
		visit(anna, "v3"),
		collect(anna, "c", given("email", "a@example.com")),
	})
	for i, o := range outs {
		if i == 2 {
			if !errors.Is(o.Err, &domain.Refusal{Code: "collect.held"}) {
				t.Errorf("the second e-mail: %v", o.Err)
			}
			continue
		}
		if o.Err != nil {
			t.Errorf("command %d: %v", i, o.Err)
		}
		if (i == 10) != o.Receipt.Repeated {
			t.Errorf("command %d: repeated %v", i, o.Receipt.Repeated)
		}
	}
	if got := outs[10].Receipt.Revision; got != 1 {
		t.Errorf("the repetition stands at revision %d, want 1", got)
	}
	epoch := j.streams[traceStream(anna)][2].Event.Personal()[0].Epoch
	if epoch != "2024-03.1" {
		t.Errorf("the visit after the deletion went to epoch %s, want 2024-03.1", epoch)
	}
}

func TestHandleAllAppendsOneBatchAStream(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	var cmds []ledger.Command
	for s := range 10 {
		id := ledger.NewSubjectID()
		cmds = append(cmds, register(id, "r", fmt.Sprint("a-", s)))
		for v := range 100 {
			cmds = append(cmds, visit(id, fmt.Sprint("v", v)))
		}
	}
	for i, o := range l.HandleAll(t.Context(), cmds) {
		if o.Err != nil {
			t.Fatalf("command %d: %v", i, o.Err)
		}
	}
	if j.appends != 20 {
		t.Errorf("%d appends, want 20: a file and a month of traces for each of ten subjects", j.appends)
	}
}

func TestHandleAllKeepsAppendsSmall(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna := ledger.NewSubjectID()
	cmds := []ledger.Command{register(anna, "r", "")}
	for i := range 300 {
		v := visit(anna, fmt.Sprint("v", i))
		v.Values = []subject.Given{given("page", strings.Repeat("p", 4096))}
		cmds = append(cmds, v)
	}
	for i, o := range l.HandleAll(t.Context(), cmds) {
		if o.Err != nil || i > 0 && o.Receipt.Revision != int64(i-1) {
			t.Fatalf("command %d: revision %d, %v", i, o.Receipt.Revision, o.Err)
		}
	}
	if j.appends < 5 {
		t.Errorf("300 values of 4 KiB went in %d appends; sealed they do not fit", j.appends)
	}
}

func TestManyOnOneSubjectLoseNothing(t *testing.T) {
	t.Parallel()
	const workers, each = 64, 20
	j := newFake()
	j.conflicts = 0.2
	anna := ledger.NewSubjectID()
	// Two ledgers over one journal are two processes: their conflicts are real.
	ledgers := []*ledger.Ledger{newLedger(j), newLedger(j)}
	must(t, ledgers[0], register(anna, "r", ""))
	var all sync.WaitGroup
	revisions := make([][]domain.Revision, workers)
	for w := range workers {
		all.Go(func() {
			l := ledgers[w%2]
			for i := range each {
				cmd := subject.PlaceOrder{About: of(anna, fmt.Sprint(w, "/", i)), Order: ledger.NewOrderID(), Scope: subject.Scope{
					Purposes: []domain.Purpose{"service"}, Fields: []domain.Field{"name"}, RecipientKinds: []domain.RecipientKind{"delivery"},
				}}
				r, err := l.Handle(t.Context(), cmd)
				if errors.Is(err, ledger.ErrConflict) {
					r, err = l.Handle(t.Context(), cmd)
				}
				if err != nil {
					t.Error(err)
					return
				}
				revisions[w] = append(revisions[w], r.Revision)
			}
		})
	}
	all.Wait()
	seen := map[domain.Revision]bool{}
	for _, list := range revisions {
		for _, r := range list {
			if seen[r] {
				t.Errorf("revision %d is in two receipts", r)
			}
			seen[r] = true
		}
	}
	if len(seen) != workers*each || j.count(domain.SubjectStream(anna)) != workers*each+1 {
		t.Errorf("%d receipts and %d events, want %d and one more", len(seen), j.count(domain.SubjectStream(anna)), workers*each)
	}
}

func TestOneReferenceClaimedByManyGoesToOne(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	var cmds []ledger.Command
	for range 64 {
		cmds = append(cmds, register(ledger.NewSubjectID(), "r", "a-1"))
	}
	won := 0
	for _, o := range l.HandleAll(t.Context(), cmds) {
		switch {
		case o.Err == nil:
			won++
		case !errors.Is(o.Err, &domain.Refusal{Code: "register.reference-taken"}):
			t.Error(o.Err)
		}
	}
	if won != 1 {
		t.Errorf("%d registrations under one reference", won)
	}
}

func TestRefusedClaimsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	l := newLedger(newFake())
	must(t, l, register(ledger.NewSubjectID(), "r", "a-1"))
	must(t, l, register(ledger.NewSubjectID(), "r", "a-2"))
	var cmds []ledger.Command
	for i := range 200 {
		id := ledger.NewSubjectID()
		cmds = append(cmds, register(id, "r1", fmt.Sprint("a-", 1+i%2)), register(id, "r2", fmt.Sprint("a-", 2-i%2)))
	}
	for _, o := range l.HandleAll(t.Context(), cmds) {
		if !errors.Is(o.Err, &domain.Refusal{Code: "register.reference-taken"}) {
			t.Fatal(o.Err)
		}
	}
}

func TestAJournalThatAlwaysConflictsIsGivenUp(t *testing.T) {
	t.Parallel()
	j := newFake()
	j.conflicts = 1
	l := ledger.New(j, ledger.Config{Clock: clock, Attempts: 3})
	if _, err := l.Handle(t.Context(), register(ledger.NewSubjectID(), "r", "")); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("error %v, want ErrConflict", err)
	}
	if j.appends != 3 {
		t.Errorf("%d attempts, want 3", j.appends)
	}
}

func TestALedgerWithoutRoomForStatesReadsThemAgain(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := ledger.New(j, ledger.Config{Clock: clock, CacheBytes: 1})
	for s := range 20 {
		anna := ledger.NewSubjectID()
		must(t, l, register(anna, "r", fmt.Sprint("a-", s)))
		for v := range 100 {
			must(t, l, visit(anna, fmt.Sprint("v", v)))
		}
		if got := must(t, l, visit(anna, "v70")); !got.Repeated || got.Revision != 70 {
			t.Fatalf("the repetition: %+v", got)
		}
	}
	// The cache evicts in the background, so how soon a stream is forgotten is chance; that it is, is not.
	anna := ledger.NewSubjectID()
	must(t, l, register(anna, "r", "a-last"))
	for v := 0; j.readCount() < 100; v++ {
		if v == 100_000 {
			t.Fatalf("%d reads: the bound of the cache does not hold", j.readCount())
		}
		must(t, l, visit(anna, fmt.Sprint("w", v%50)))
	}
}
