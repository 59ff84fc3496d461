package policy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestImagineHoldsWhatTheLedgerRestsOn(t *testing.T) {
	t.Parallel()
	p, err := policy.Load(policy.ImagineYAML())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(p.Text))
	if p.TextHash != hex.EncodeToString(sum[:]) {
		t.Error("the hash is not that of the text")
	}
	for field, kind := range map[domain.Field]policy.Kind{
		"account": policy.Attribute, "visitor": policy.Attribute, "name": policy.Attribute, "email": policy.Attribute,
		"phone": policy.Attribute, "birth_date": policy.Attribute, "address_line": policy.Attribute, "city": policy.Attribute,
		"tax_number": policy.Attribute, "preferences": policy.Attribute, "defence_statement": policy.Attribute,
		"address": policy.Trace, "access_time": policy.Trace, "page": policy.Trace, "referrer": policy.Trace,
		"browser": policy.Trace, "cookie": policy.Trace,
	} {
		if f, ok := p.Field(field); !ok || f.Kind != kind || p.IsTrace(field) != (kind == policy.Trace) {
			t.Errorf("field %s: present %v, want kind %s", field, ok, kind)
		}
	}
	for _, f := range []domain.Field{"account", "visitor", "email", "phone"} {
		if !p.Findable(f) {
			t.Errorf("nobody is found again by %s", f)
		}
	}
	if p.Findable("name") || p.Findable("page") {
		t.Error("a field is findable that should not be")
	}
}

func TestImagineCoversEveryPurposeAndGround(t *testing.T) {
	t.Parallel()
	var clauses []string
	for _, p := range policy.Imagine().Purposes {
		clauses = append(clauses, p.Clauses...)
	}
	slices.Sort(clauses)
	want := "2.2.1 2.2.2 2.2.3 2.2.4 2.2.5 2.2.6 2.2.7 2.2.8"
	if got := strings.Join(clauses, " "); got != want {
		t.Errorf("clauses of purposes: %s, want %s", got, want)
	}
	for n := range 6 {
		id := domain.Grounds("ua.11.1." + string(rune('1'+n)))
		if g, ok := policy.Imagine().Ground(id); !ok || g.NeedsConsent != (n == 0) {
			t.Errorf("ground %s: known %v, or wrong about consent", id, ok)
		}
	}
}

// TestClausesNameRealEventsAndRules reads the decisions' source: a rule that no decision gives, or an
// event that no schema writes, must not stand in the table.
func TestClausesNameRealEventsAndRules(t *testing.T) {
	t.Parallel()
	codes := refusalCodes(t)
	events := map[string]bool{}
	for _, e := range strings.Fields(`SubjectRegistered DataCollected DataDisputed DataRectified SubjectIdentified DataEdited DataDeleted
		AccountClosed ConsentGranted ConsentWithdrawn OrderPlaced OrderExecuted OrderCancelled DataPublished PublicationWithdrawn
		DataUsed DataViewed DataTransferred RecipientAdded RecipientChanged
		HoldPlaced HoldReleased RetentionEnded ProcessingRestricted RestrictionLifted ObjectionMade ObjectionWithdrawn KeysDestroyed
		NoticeGiven PolicyPublished RequestReceived RequestApproved RequestExtended RequestAnswered StatisticsPublished`) {
		events[e+".v1"] = true
	}
	p := policy.Imagine()
	for _, c := range p.Clauses {
		for _, r := range c.Rules {
			if _, retention := p.Rule(r); !retention && !codes[r] {
				t.Errorf("clause %s: no decision gives the refusal %s, and no retention rule has this id", c.ID, r)
			}
		}
		for _, e := range c.Events {
			if !events[e] {
				t.Errorf("clause %s: no event has the type %s", c.ID, e)
			}
		}
	}
	if len(p.Clauses) != 22 {
		t.Errorf("the table has %d rows, want 22", len(p.Clauses))
	}
}

// TestEveryClauseHasATestOfItsName looks through the whole repository: a row of the policy without a test
// named after it is a promise that nobody checks.
func TestEveryClauseHasATestOfItsName(t *testing.T) {
	t.Parallel()
	named := clauseTests(t)
	for _, c := range policy.Imagine().Clauses {
		id := strings.NewReplacer(".", "_", "-", "_", "preamble", "Preamble").Replace(c.ID)
		if !slices.ContainsFunc(named, func(n string) bool { return strings.HasPrefix(n, "TestClause_"+id+"_") }) {
			t.Errorf("clause %s: no test is called TestClause_%s_...", c.ID, id)
		}
	}
}

// clauseTests lists the tests that are named after clauses.
func clauseTests(t *testing.T) []string {
	t.Helper()
	var names []string
	name := regexp.MustCompile(`(?m)^func (TestClause_\w+)\(t \*testing\.T\)`)
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // a test of another package took its files away
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 2 && d.Name()[0] == '.'):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		src, err := os.ReadFile(path)
		for _, m := range name.FindAllSubmatch(src, -1) {
			names = append(names, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func refusalCodes(t *testing.T) map[string]bool {
	t.Helper()
	codes := map[string]bool{}
	literal := regexp.MustCompile(`"([a-z]+\.[a-z0-9-]+)"`)
	built := regexp.MustCompile(`word\+"(\.[a-z-]+)"`)
	for _, dir := range []string{".", "../subject", "../recipient", "../request", "../statistics", "../ledger"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no source in %s: %v", dir, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range literal.FindAllSubmatch(src, -1) {
				codes[string(m[1])] = true
			}
			for _, m := range built.FindAllSubmatch(src, -1) {
				for _, word := range []string{"edit", "delete", "use", "view", "transfer", "publish", "identify", "dispute", "rectify"} {
					codes[word+string(m[1])] = true
				}
			}
		}
	}
	return codes
}

func TestCheckWarnsOfTheTwoDefects(t *testing.T) {
	t.Parallel()
	var clauses []string
	for _, w := range policy.Imagine().Check() {
		if w.Message == "" || w.Remedy == "" {
			t.Errorf("incomplete warning: %+v", w)
		}
		clauses = append(clauses, w.Clause)
	}
	if got := strings.Join(clauses, " "); got != "preamble 3.3.3" {
		t.Errorf("warnings about %q, want preamble and 3.3.3", got)
	}
}

func version(t *testing.T, name, from string) *policy.Policy {
	t.Helper()
	src := strings.Replace(string(policy.ImagineYAML()), `version: "2014-01"`, `version: "`+name+`"`, 1)
	src = strings.Replace(src, `effective-from: "2014-01-01"`, `effective-from: "`+from+`"`, 1)
	p, err := policy.Load([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSetKnowsWhichVersionWasInForce(t *testing.T) {
	t.Parallel()
	first, second := version(t, "one", "2014-01-01"), version(t, "two", "2020-06-01")
	set, err := policy.NewSet(second, first)
	if err != nil {
		t.Fatal(err)
	}
	for when, want := range map[string]string{
		"2013-12-31": "", "2014-01-01": "one", "2020-05-31": "one", "2020-06-01": "two", "2030-01-01": "two",
	} {
		p, ok := set.At(day(when))
		if ok != (want != "") || ok && p.Version != want {
			t.Errorf("on %s: %v, want version %q", when, p, want)
		}
	}
	if p, ok := set.ByVersion("one"); !ok || p != first {
		t.Error("version one is not found by its name")
	}
	if _, ok := set.ByVersion("three"); ok {
		t.Error("a version is found that was never given")
	}
	if len(set.Versions()) != 2 {
		t.Error("the set does not list its two versions")
	}
	for name, bad := range map[string][]*policy.Policy{
		"none": nil, "same name": {first, version(t, "one", "2021-01-01")}, "same date": {first, version(t, "x", "2014-01-01")},
	} {
		if _, err := policy.NewSet(bad...); err == nil {
			t.Errorf("a set of %s is taken", name)
		}
	}
}

// kyiv is the first moment of a day in Kyiv, in UTC: days of terms are counted there.
func kyiv(s string) time.Time {
	zone, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		panic(err)
	}
	t, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// own gives the built-in policy with rules of the policy's own, which fields name after the given text.
func own(t testing.TB, pairs ...string) *policy.Policy {
	t.Helper()
	p, err := policy.Load(edited(t, pairs...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	logs   = `  - {id: logs, legal: "internal rule 7", start: collection, term: 2 months, action: retain, readers: [security]}`
	orders = `  - {id: papers, legal: "internal rule 8", start: deletion, term: 1 year, action: retain, readers: [officer], categories: [delivery]}`
)

func TestKeepingTakesTheLongestTerm(t *testing.T) {
	t.Parallel()
	p := own(t, "  - id: limitation\n", "  - id: limitation\n  - id: aml\n"+logs+"\n"+orders+"\n",
		"retention: [tax-documents], max-bytes: 32", "retention: [tax-documents, aml], max-bytes: 32",
		"retention: [at-once], max-bytes: 4096,\n     services: [site, account, orders, support]}\n  - {id: referrer", "retention: [logs], max-bytes: 4096,\n     services: [site, account, orders, support]}\n  - {id: referrer")
	for _, tc := range []struct {
		field    domain.Field
		epoch    domain.Epoch
		at       string
		relation policy.Relation
		rule     string
		until    string
		open     string
	}{
		{"email", "1", "2024-03-10", policy.Lasting, "", "", ""},
		{"nobody_knows", "1", "2024-03-10", policy.Lasting, "", "", ""},
		{"agreement", "1", "2025-03-10", policy.Lasting, "limitation", "2028-03-11", ""},    // three years with a 29 February are longer than 1095 days
		{"agreement", "1", "2024-03-10", policy.Lasting, "tax-documents", "2027-03-11", ""}, // of equal terms the first
		{"agreement", "1", "2024-02-29", policy.Lasting, "tax-documents", "2027-03-01", ""}, // 2027 has no 29 February
		{"city", "1", "2023-06-10", policy.Lasting, "papers", "2024-06-11", ""},             // by its category
		{"tax_number", "1", "2024-03-10", policy.Lasting, "tax-documents", "2027-03-11", "aml"},
		{"tax_number", "1", "2024-03-10", policy.Ended, "aml", "2029-03-11", ""},
		{"page", "2024-01", "2024-03-10", policy.Lasting, "logs", "2024-04-02", ""}, // January ends in Kyiv on 1 February
		{"page", "2024-03.2", "2024-03-10", policy.Lasting, "logs", "2024-06-02", ""},
		{"page", "2023-12", "2024-03-10", policy.Lasting, "", "", ""},
	} {
		got := p.Keeping(tc.field, tc.epoch, day(tc.at), tc.relation)
		want := policy.Keeping{Rule: tc.rule, Open: tc.open}
		if tc.until != "" {
			want.Until = kyiv(tc.until)
		}
		if got != want {
			t.Errorf("%s of %s deleted on %s: %+v, want %+v", tc.field, tc.epoch, tc.at, got, want)
		}
	}
	if !p.FromCollection("page") || p.FromCollection("referrer") || p.FromCollection("nobody_knows") {
		t.Error("the policy is wrong about which fields have a term from collection")
	}
	if end, rule := p.RelationEnded("email", "aml", day("2024-02-29")); rule != "aml" || !end.Equal(kyiv("2029-03-01")) {
		t.Errorf("the term after the relation: %s by %q", end, rule)
	}
	if end, rule := policy.Imagine().RelationEnded("email", "nobody-knows", day("2024-02-29")); rule != "" || !end.IsZero() {
		t.Errorf("a rule that nobody knows sets a term: %s by %q", end, rule)
	}
}

func TestFateOfAKeeping(t *testing.T) {
	t.Parallel()
	until := day("2030-01-01")
	for name, tc := range map[string]struct {
		keeping policy.Keeping
		want    domain.Fate
	}{
		"no rule":        {policy.Keeping{}, domain.Fate{Action: domain.Destroy}},
		"a known end":    {policy.Keeping{Until: until, Rule: "a"}, domain.Fate{Action: domain.Retain, Until: until, Rule: "a"}},
		"an unknown end": {policy.Keeping{Until: until, Rule: "a", Open: "b"}, domain.Fate{Action: domain.Retain, Rule: "b"}},
	} {
		if got := tc.keeping.Fate(); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

// A policy under another law keeps by that law's rules, and nothing of the policy itself changes.
func TestUnderAnotherLaw(t *testing.T) {
	t.Parallel()
	p := own(t, "  - id: limitation\n", "  - id: limitation\n"+orders+"\n")
	under := p.Under(law.EU())
	if under.Pack().ID != "eu" || p.Pack().ID != "ua" {
		t.Fatalf("packs %s and %s", under.Pack().ID, p.Pack().ID)
	}
	for field, want := range map[domain.Field]string{"email": "", "tax_number": "legal-duty", "defence_statement": "limitation", "city": "papers"} {
		got := under.Keeping(field, "1", day("2024-03-10"), policy.Lasting)
		if got.Rule != want {
			t.Errorf("%s is kept by %q, want %q", field, got.Rule, want)
		}
		if legal := under.LegalOf(got.Rule); want != "" && want != "papers" && !strings.Contains(legal, "GDPR") {
			t.Errorf("%s rests on %q", want, legal)
		}
	}
	if got := p.Keeping("tax_number", "1", day("2024-03-10"), policy.Lasting); got.Rule != "tax-documents" {
		t.Errorf("the policy itself changed: %+v", got)
	}
}

// A rule of the policy's own law that the other law has nothing for is told, with its fields, so that nobody takes
// what is destroyed there for what no law ever kept.
func TestUnderAnotherLawTellsWhatItHasNoRuleFor(t *testing.T) {
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
	p := policy.Imagine()
	for _, tc := range []struct {
		policy *policy.Policy
		field  domain.Field
		apart  []string
		kept   string
	}{
		{p, "tax_number", nil, "tax-documents"},
		{p.Under(law.EU()), "tax_number", nil, "legal-duty"},
		{p.Under(poorer), "tax_number", []string{"tax-documents"}, ""},
		{p.Under(poorer), "agreement", []string{"tax-documents"}, "limitation"},
		{p.Under(poorer), "email", nil, ""},
		{p.Under(poorer), "shoe_size", nil, ""},
		{p.Under(poorer).Under(law.UA()), "tax_number", nil, ""}, // from that law nothing leads back
	} {
		var got []string
		for _, r := range tc.policy.Apart(tc.field) {
			got = append(got, r.ID)
		}
		if !slices.Equal(got, tc.apart) {
			t.Errorf("%s: no rule for %v, want %v", tc.field, got, tc.apart)
		}
		if k := tc.policy.Keeping(tc.field, "1", day("2024-03-10"), policy.Lasting); k.Rule != tc.kept {
			t.Errorf("%s is kept by %q, want %q", tc.field, k.Rule, tc.kept)
		}
	}
}

func TestReadersOfWhatIsKept(t *testing.T) {
	t.Parallel()
	p := policy.Imagine()
	for rule, roles := range map[string][]string{
		"tax-documents": {"accountant", "officer"}, "limitation": {"officer"}, policy.HoldRule: {"officer"},
		"aml":     {"officer"}, // the policy does not list it; the pack knows it
		"at-once": nil, "nobody-knows": nil,
	} {
		for _, role := range []string{"accountant", "officer", "support"} {
			if got := p.MayRead(role, rule); got != slices.Contains(roles, role) {
				t.Errorf("may the role %s read what %s keeps: %v", role, rule, got)
			}
		}
		if legal := p.LegalOf(rule); (legal == "") != (rule == "nobody-knows") {
			t.Errorf("the rule %s rests on %q", rule, legal)
		}
	}
}

func TestNormalMakesEqualWhatIsTypedDifferently(t *testing.T) {
	t.Parallel()
	p := policy.Imagine()
	for _, tc := range []struct {
		field     domain.Field
		in, want  string
		different string
	}{
		{"email", " Anna@Example.COM ", "anna@example.com", "anna@example.org"},
		{"phone", "00380 (44) 123-45-67", "380441234567", "0441234567"},
		{"account", " a-17 ", "a-17", "A-17"},
		{"name", " Anna ", " Anna ", "Anna"},
	} {
		got := p.Normal(tc.field, tc.in)
		if got != tc.want || p.Normal(tc.field, got) != got {
			t.Errorf("%s: %q becomes %q, want %q and no change by a second time", tc.field, tc.in, got, tc.want)
		}
		if p.Normal(tc.field, tc.different) == got {
			t.Errorf("%s: %q and %q become one", tc.field, tc.in, tc.different)
		}
	}
}
