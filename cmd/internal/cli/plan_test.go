package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
)

var planned = domain.SubjectID{UUID: uuid.MustParse(subjectExample)}

// forecastOf decides a deletion of everything of a person with a name, a taxpayer's number and an agreement.
func forecastOf(t *testing.T, pol *policy.Policy, ground string, past ...subject.Event) *forecast {
	t.Helper()
	came := subject.Collected{Subject: planned, Source: subject.BySubject}
	for _, f := range []domain.Field{"name", "tax_number", "agreement"} {
		came.Items = append(came.Items, domain.Item{Subject: planned, Field: f, Epoch: "1"})
	}
	f := &forecast{policy: pol, own: "ua", at: time.Date(2026, 1, 3, 10, 0, 0, 0, time.UTC)}
	state := subject.Fold(subject.State{}, subject.Dated(f.at, append([]subject.Event{subject.Registered{Subject: planned}, came}, past...)...)...)
	if err := f.decide(state, planned, &which{all: true}, ground); err != nil {
		t.Fatal(err)
	}
	return f
}

// why gives the reasons that are shown, by field.
func whyOf(f *forecast) map[domain.Field]string {
	out := map[domain.Field]string{}
	for _, reasons := range f.values() {
		out[reasons[0].Field] = f.why(reasons)
	}
	return out
}

// Given a law that knows no duty to keep tax papers; when a deletion is planned under it; then every value that the
// policy's own law would keep by that rule says so, whether it is destroyed or kept by another rule.
func TestClause_6_2_PlanTellsWhichRulesAnotherLawLacks(t *testing.T) {
	t.Parallel()
	b, err := law.YAML("eu")
	if err != nil {
		t.Fatal(err)
	}
	from, to := strings.Index(string(b), "  - id: legal-duty"), strings.Index(string(b), "  - id: limitation")
	poorer, err := law.Load([]byte(string(b[:from]) + string(b[to:])))
	if err != nil {
		t.Fatal(err)
	}
	f := forecastOf(t, policy.Imagine().Under(poorer), "")
	why := whyOf(f)
	const without = "no rule in pack eu for rule tax-documents of ua"
	if why["tax_number"] != without {
		t.Errorf("tax_number: %q", why["tax_number"])
	}
	if !strings.HasPrefix(why["agreement"], without+"; limitation: GDPR") {
		t.Errorf("agreement: %q", why["agreement"])
	}
	if why["name"] != "clause 4.1: no law keeps it" {
		t.Errorf("name: %q", why["name"])
	}
	for _, fate := range f.json(planned)["fates"].([]map[string]any) {
		_, told := fate["noRuleFor"]
		if want := fate["field"] == domain.Field("tax_number") || fate["field"] == domain.Field("agreement"); told != want {
			t.Errorf("%v: told %v", fate, told)
		}
	}
	if why := whyOf(forecastOf(t, policy.Imagine().Under(law.EU()), "")); strings.Contains(why["tax_number"], "no rule") {
		t.Errorf("under a law that has one: %q", why["tax_number"])
	}
}

// Given values that live, that are kept for a term, and that a hold keeps; when a court's order is planned; then each
// says which rule the order sets aside, and the held ones that the hold stands above it.
func TestClause_4_3_PlanTellsWhatAnOrderOverrules(t *testing.T) {
	t.Parallel()
	until := time.Date(2029, 1, 2, 22, 0, 0, 0, time.UTC)
	kept := subject.Deleted{Subject: planned, Deleted: []domain.Fate{{Subject: planned, Field: "tax_number", Epoch: "1",
		Action: domain.Retain, Rule: "tax-documents", Until: until}}}
	over := kept
	over.Deleted = []domain.Fate{{Subject: planned, Field: "tax_number", Epoch: "1", Action: domain.Retain, Rule: "tax-documents", Until: until.AddDate(-10, 0, 0)}}
	held := subject.HoldPlaced{Subject: planned, Fields: []domain.Field{"tax_number"}}
	for name, tc := range map[string]struct {
		ground string
		past   []subject.Event
		want   string
	}{
		"live":                 {"court", nil, "court (ua.15.2.4) overrules tax-documents, which would keep it until 2029-01-02"},
		"kept":                 {"court", []subject.Event{kept}, "court (ua.15.2.4) overrules tax-documents, which would keep it until 2029-01-02"},
		"kept beyond its term": {"court", []subject.Event{over}, "clause 4.1: no law keeps it"},
		"held":                 {"court", []subject.Event{held}, "court (ua.15.2.4) overrules tax-documents, which would keep it until 2029-01-02; hold: clause 4.3; Law 2297-VI, art. 25"},
		"kept and held":        {"court", []subject.Event{kept, held}, "court (ua.15.2.4) overrules tax-documents, which would keep it until 2029-01-02; hold: clause 4.3; Law 2297-VI, art. 25"},
		"on another ground":    {"term-over", nil, "tax-documents: Tax Code of Ukraine, art. 44.3; read by accountant, officer"},
	} {
		if got := whyOf(forecastOf(t, policy.Imagine(), tc.ground, tc.past...))["tax_number"]; !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
