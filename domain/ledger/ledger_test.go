package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
)

func refused(t *testing.T, l *ledger.Ledger, cmd ledger.Command, code string) *domain.Refusal {
	t.Helper()
	receipt, err := l.Handle(t.Context(), cmd)
	var r *domain.Refusal
	if !errors.As(err, &r) || r.Code != code {
		t.Fatalf("want refusal %s, got receipt %+v and error %v", code, receipt, err)
	}
	return r
}

func TestHandleRecordsWithReceiptAndMeta(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna := ledger.NewSubjectID()
	must(t, l, register(anna, "r", "a-1"))
	got := must(t, l, collect(anna, "c", given("email", "a@example.com")))
	stream := domain.SubjectStream(anna)
	rec := j.streams[stream][1]
	want := ledger.Receipt{Events: []uuid.UUID{domain.EventID(stream, "c", 0)}, Stream: stream, Revision: 1, Position: rec.Position}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}
	meta := rec.Meta
	if meta.Content == "" || meta.Command != "collect" || meta.Policy != "2014-01" || !meta.RecordedAt.Equal(clock()) || !meta.OccurredAt.Equal(noon) ||
		meta.Actor != desk.Actor || meta.Purpose != "service" || meta.Grounds != "ua.11.1.3" || meta.Service != "account" {
		t.Errorf("meta is incomplete: %+v", meta)
	}
}

func TestHandleRefusesBeforeReading(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna := ledger.NewSubjectID()
	on := func(o domain.Operation) ledger.Command {
		return subject.Close{About: subject.About{Subject: anna, Operation: o}}
	}
	for name, tc := range map[string]struct {
		cmd  ledger.Command
		code string
	}{
		"nothing":        {nil, "command.unknown"},
		"zero operation": {on(domain.Operation{}), "operation.incomplete"},
		"the future":     {on(desk.Op("k", clock().Add(6*time.Second))), "operation.future"},
		"before policy":  {on(desk.Op("k", noon.AddDate(-20, 0, 0))), "operation.before-policy"},
		"a service":      {on(desk.In("elsewhere").Op("k", noon)), "operation.service"},
		"a purpose":      {on(desk.For("gossip").Op("k", noon)), "operation.purpose"},
		"grounds":        {on(desk.On("because").Op("k", noon)), "operation.grounds"},
		"another type":   {stranger{}, "command.unknown"},
		"no time":        {on(desk.Op("k", time.Time{})), "operation.incomplete"},
		"no key":         {on(desk.Op("", noon)), "operation.incomplete"},
	} {
		if r := refused(t, l, tc.cmd, tc.code); r.Remedy == "" {
			t.Errorf("%s: the refusal has no remedy", name)
		}
	}
	refused(t, l, on(desk.Op("k", clock().Add(5*time.Second))), "subject.unknown")
	if j.readCount() != 1 {
		t.Errorf("%d reads, want only the one of the command within the skew", j.readCount())
	}
	if err := (ledger.Template{}).Check(); err == nil || desk.Check() != nil {
		t.Error("Check does not tell a complete template from an empty one")
	}
}

type stranger struct{}

func (stranger) Name() string         { return "stranger" }
func (stranger) By() domain.Operation { return desk.Op("k", noon) }

func TestAWarmCommandReadsNothing(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna := ledger.NewSubjectID()
	must(t, l, register(anna, "r", ""))
	must(t, l, visit(anna, "v0"))
	before := j.readCount()
	for i := range 100 {
		must(t, l, visit(anna, fmt.Sprint("v", i+1)))
		must(t, l, subject.Use{About: of(anna, fmt.Sprint("u", i)), Fields: []domain.Field{"page"}})
	}
	must(t, l, collect(anna, "c", given("email", "a@example.com")))
	if n := j.readCount() - before; n != 0 {
		t.Errorf("%d reads, want none", n)
	}
	if n := j.count(traceStream(anna)); n != 201 {
		t.Errorf("%d events in the trace stream, want 201", n)
	}
}

func TestTheSameKeyGivesTheFirstReceipt(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna := ledger.NewSubjectID()
	must(t, l, register(anna, "r", "a-1"))
	commands := map[string]ledger.Command{
		"with a value": collect(anna, "c", given("email", "a@example.com")),
		"a trace":      visit(anna, "v"),
		"a deletion":   subject.Delete{About: of(anna, "d"), Fields: []domain.Field{"account"}},
		"recipient":    addRecipient(ledger.NewRecipientID(), "n"),
	}
	for name, cmd := range commands {
		first := must(t, l, cmd)
		for about, again := range map[string]*ledger.Ledger{"warm": l, "after a restart": newLedger(j)} {
			second := must(t, again, cmd)
			if !second.Repeated || first.Repeated {
				t.Errorf("%s, %s: first receipt repeated: %v, second: %v", name, about, first.Repeated, second.Repeated)
			}
			second.Repeated = false
			if diff := cmp.Diff(first, second); diff != "" {
				t.Errorf("%s, %s: the receipts differ:\n%s", name, about, diff)
			}
		}
	}
}

func TestAReusedKeyIsAConflict(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna := ledger.NewSubjectID()
	must(t, l, register(anna, "r", ""))
	must(t, l, collect(anna, "c", given("email", "a@example.com")))
	must(t, l, visit(anna, "v"))
	other := visit(anna, "v")
	other.Values = []subject.Given{given("page", "/elsewhere")}
	for name, cmd := range map[string]ledger.Command{
		"another value":   collect(anna, "c", given("email", "b@example.com")),
		"another field":   collect(anna, "c", given("phone", "1")),
		"another command": subject.Delete{About: of(anna, "c"), All: true},
		"another trace":   other,
	} {
		for _, again := range []*ledger.Ledger{l, newLedger(j)} {
			if r := refused(t, again, cmd, "idempotency.reused"); r.Kind != domain.Conflict {
				t.Errorf("%s: kind %s", name, r.Kind)
			}
		}
	}
	if n := j.count(domain.SubjectStream(anna)); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
}

func TestACommandThatChangedNothingIsDecidedAnew(t *testing.T) {
	t.Parallel()
	l := newLedger(newFake())
	anna, consent := ledger.NewSubjectID(), ledger.NewConsentID()
	must(t, l, register(anna, "r", ""))
	must(t, l, subject.GrantConsent{About: of(anna, "g"), Consent: consent, TextHash: textHash, Scope: subject.Scope{
		Purposes: []domain.Purpose{"service"}, Fields: []domain.Field{"name"},
	}})
	must(t, l, subject.WithdrawConsent{About: of(anna, "w"), Consent: consent})
	for range 2 {
		got := must(t, l, subject.WithdrawConsent{About: of(anna, "w2"), Consent: consent})
		if len(got.Events) != 0 || got.Repeated || got.Revision != 2 || got.Position != 0 {
			t.Errorf("receipt of nothing: %+v", got)
		}
	}
}

func TestAReferenceBelongsToOneLivePerson(t *testing.T) {
	t.Parallel()
	l := newLedger(newFake())
	anna, bohdan := ledger.NewSubjectID(), ledger.NewSubjectID()
	must(t, l, register(anna, "r", "a-1"))
	refused(t, l, register(bohdan, "r", "a-1"), "register.reference-taken")
	must(t, l, subject.Close{About: of(anna, "x")})
	must(t, l, register(bohdan, "r", "a-1"))
}

func TestAnErasedKeyIsARefusalAfterAFreshLook(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna := ledger.NewSubjectID()
	must(t, l, register(anna, "r", ""))
	j.erased["phone"] = true
	outs := l.HandleAll(t.Context(), []ledger.Command{
		collect(anna, "c1", given("email", "a@example.com")), collect(anna, "c2", given("phone", "1")), collect(anna, "c3", given("name", "A")),
	})
	var r *domain.Refusal
	if outs[0].Err != nil || outs[2].Err != nil || !errors.As(outs[1].Err, &r) || r.Code != "value.deleted" {
		t.Errorf("outcomes: %v", outs)
	}
	if n := j.count(domain.SubjectStream(anna)); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

func TestAnUnknownOutcomeIsResolvedByRepeating(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	anna := ledger.NewSubjectID()
	must(t, l, register(anna, "r", ""))
	broken := errors.New("the line broke")
	j.lost = broken
	cmd := collect(anna, "c", given("email", "a@example.com"))
	if _, err := l.Handle(t.Context(), cmd); !errors.Is(err, broken) {
		t.Fatal("the failure is not told")
	}
	if got := must(t, l, cmd); !got.Repeated || got.Revision != 1 {
		t.Errorf("receipt of the repetition: %+v", got)
	}
}

func TestVersionsOfThePolicyApplyByTheTimeOfTheOperation(t *testing.T) {
	t.Parallel()
	later, err := policy.Load(secondVersion(t))
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policy.Imagine(), later)
	if err != nil {
		t.Fatal(err)
	}
	j := newFake()
	l := ledger.New(j, ledger.Config{Policy: set, Clock: clock})
	for at, version := range map[time.Time]string{noon: "2024-02", noon.AddDate(-1, 0, 0): "2014-01"} {
		id := ledger.NewSubjectID()
		must(t, l, subject.Register{About: subject.About{Subject: id, Operation: desk.Op("r", at)}})
		rec := j.streams[domain.SubjectStream(id)][0]
		if e := rec.Event.(subject.Registered); e.Policy != version || rec.Meta.Policy != version {
			t.Errorf("registered under %s (meta %s), want %s", e.Policy, rec.Meta.Policy, version)
		}
	}
}

func TestCancelledContextRecordsNothing(t *testing.T) {
	t.Parallel()
	j := newFake()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newLedger(j).Handle(ctx, register(ledger.NewSubjectID(), "r", "")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if j.position != 0 {
		t.Error("something was recorded")
	}
}
