package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
)

// openAt opens the real journal in a folder.
func openAt(t *testing.T, dir string) (*journal.Journal, *ledger.Ledger) {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Config{Dir: dir, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() }) // closing twice is a no-op; the tests check the first
	return j, newLedger(j)
}

func reopen(t *testing.T, j *journal.Journal, dir string) (*journal.Journal, *ledger.Ledger) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return openAt(t, dir)
}

func TestRealJournalRepeatsReceiptsAfterARestart(t *testing.T) {
	t.Parallel()
	dir, anna := t.TempDir(), ledger.NewSubjectID()
	j, l := openAt(t, dir)
	must(t, l, register(anna, "r", "a-1"))
	email, page := collect(anna, "c", given("email", "a@example.com")), visit(anna, "v")
	first, trace := must(t, l, email), must(t, l, page)
	_, l = reopen(t, j, dir)
	for cmd, want := range map[string]struct {
		again ledger.Command
		first ledger.Receipt
	}{"an attribute": {email, first}, "a trace": {page, trace}} {
		want.first.Repeated = true
		if diff := cmp.Diff(want.first, must(t, l, want.again)); diff != "" {
			t.Errorf("%s (-first +second):\n%s", cmd, diff)
		}
	}
	refused(t, l, collect(anna, "c", given("email", "b@example.com")), "idempotency.reused")
	refused(t, l, register(ledger.NewSubjectID(), "r", "a-1"), "register.reference-taken")
}

func TestRealJournalBeginsNewLivesAfterDeletions(t *testing.T) {
	t.Parallel()
	dir, anna := t.TempDir(), ledger.NewSubjectID()
	j, l := openAt(t, dir)
	must(t, l, register(anna, "r", "a-1"))
	for round := range 3 {
		key := func(s string) string { return fmt.Sprint(s, round) }
		must(t, l, collect(anna, key("c"), given("email", "a@example.com"), given("tax_number", "1")))
		must(t, l, visit(anna, key("v")))
		must(t, l, subject.Delete{About: of(anna, key("d")), Fields: []domain.Field{"email", "tax_number", "page"}})
		if round == 1 {
			j, l = reopen(t, j, dir)
		}
	}
	must(t, l, subject.Close{About: of(anna, "x")})
	refused(t, l, visit(anna, "late"), "account.closed")
	must(t, l, register(ledger.NewSubjectID(), "r", "a-1"))
}

func TestRealJournalLosesNothingFromManyOnOneSubject(t *testing.T) {
	t.Parallel()
	const workers, each = 64, 5
	_, l := openAt(t, t.TempDir())
	anna := ledger.NewSubjectID()
	must(t, l, register(anna, "r", ""))
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range each {
				_, err := l.Handle(t.Context(), visit(anna, fmt.Sprint(w, "/", i)))
				var r *domain.Refusal
				if err != nil && !errors.As(err, &r) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := must(t, l, visit(anna, "last")); got.Revision != workers*each {
		t.Errorf("the last visit stands at revision %d, want %d", got.Revision, workers*each)
	}
}

// A version as long as it may be stands whole in the log, and requests are known after a restart.
func TestRealJournalKeepsPublicationsAndRequests(t *testing.T) {
	t.Parallel()
	dir, anna, id := t.TempDir(), ledger.NewSubjectID(), ledger.NewRequestID()
	j, l := openAt(t, dir)
	publish := publication(t, "p", "2024-04", "2024-04-01")
	const more = "# \"quoted\" \u0442\u0435\u043a\u0441\u0442\n"
	publish.Source += strings.Repeat(more, (290<<10-len(publish.Source))/len(more))
	must(t, l, publish)
	must(t, l, register(anna, "r", ""))
	in := request.Receive{About: by("e-1").Request(id, "in", noon), Kind: request.Access, Channel: subject.ByEmail, Subject: anna}
	must(t, l, in)
	_, l = reopen(t, j, dir)
	if again := must(t, l, in); !again.Repeated {
		t.Error("the request is not known again")
	}
	refused(t, l, publication(t, "p2", "2024-04", "2024-05-01"), "policy.version")
	if again := must(t, l, publish); !again.Repeated {
		t.Error("the publication is not known again")
	}
	must(t, l, request.Answer{About: by("e-2").Request(id, "out", noon), Outcome: request.Met, Channel: subject.ByEmail})
}
