package policy_test

import (
	"strings"
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/domaintest"
	"imagine.ua/litopys/domain/policy"
)

var posted = time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)

func publication(src []byte) policy.Publish {
	op, err := domain.NewOperation(domain.OperationSpec{Key: "k", Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-1"}, At: posted,
		Purpose: "contact", Grounds: "ua.11.1.5", Service: "site"})
	if err != nil {
		panic(err)
	}
	return policy.Publish{Operation: op, Source: string(src)}
}

// versionOf is the built-in policy as another version.
func versionOf(t testing.TB, name, from string, pairs ...string) []byte {
	t.Helper()
	return edited(t, append([]string{`version: "2014-01"`, `version: "` + name + `"`,
		`effective-from: "2014-01-01"`, `effective-from: "` + from + `"`}, pairs...)...)
}

func publish(t *testing.T, src []byte, past ...policy.Event) *domaintest.Answer[policy.Event] {
	t.Helper()
	return domaintest.Given(t, policy.Decider(), past...).When(policy.Case{Command: publication(src), InForce: policy.Imagine(), Known: []*policy.Policy{policy.Imagine()}})
}

func published(src []byte, name string, from time.Time) policy.Published {
	return policy.Published{Policy: "imagine", Version: name, TextHash: policy.Imagine().TextHash, EffectiveFrom: from, Source: string(src)}
}

// A new version holds from the day that it names, or from its posting; the log keeps all of it.
func TestClause_6_1_NewVersionHoldsFromItsPostingOrLater(t *testing.T) {
	t.Parallel()
	later := versionOf(t, "2027", "2027-01-01")
	publish(t, later).Then(published(later, "2027", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
	today := versionOf(t, "2026-12", "2026-12-01")
	publish(t, today).Then(published(today, "2026-12", posted))
	publish(t, versionOf(t, "2026-11", "2026-11-30")).Refused("policy.backdated", "6.1")
	// What is in force already is recorded as it is.
	now := policy.ImagineYAML()
	publish(t, now).Then(published(now, "2014-01", policy.Imagine().EffectiveFrom.Time))
	publish(t, now, published(now, "2014-01", policy.Imagine().EffectiveFrom.Time)).Refused("policy.version", "6.1")
	publish(t, versionOf(t, "2014-01", "2027-01-01")).Refused("policy.version", "6.1")
}

func TestClause_6_1_PublicationsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		src  []byte
		code string
	}{
		"not a policy":          {[]byte("hello"), "policy.invalid"},
		"an unknown key":        {versionOf(t, "2027", "2027-01-01", "acceptance: use", "telepathy: true\nacceptance: use"), "policy.invalid"},
		"another text":          {versionOf(t, "2027", "2027-01-01", "1. What we receive.", "1. What we take."), "policy.invalid"},
		"too long":              {append(versionOf(t, "2027", "2027-01-01"), strings.Repeat("# more\n", 60_000)...), "policy.invalid"},
		"another policy":        {versionOf(t, "2027", "2027-01-01", "policy: imagine", "policy: other"), "policy.name"},
		"a field of other kind": {versionOf(t, "2027", "2027-01-01", "title: date of birth, category: identity, kind: attribute", "title: date of birth, category: identity, kind: trace"), "policy.field-kind"},
		"found otherwise":       {versionOf(t, "2027", "2027-01-01", "findable: phone", "findable: exact"), "policy.findable"},
		"a new finder":          {versionOf(t, "2027", "2027-01-01", "- {id: name,", "- {id: nick, title: nick, category: identity, kind: attribute, sources: [subject], purposes: [service], retention: [at-once], findable: exact, max-bytes: 64, services: [account]}\n  - {id: name,"), "policy.findable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			publish(t, tc.src).Refused(tc.code, "6.1")
		})
	}
	given := func(c policy.Case) *domaintest.Answer[policy.Event] {
		return domaintest.Given(t, policy.Decider()).When(c)
	}
	given(policy.Case{Command: policy.Publish{}}).Refused("operation.incomplete", "3.4")
	given(policy.Case{Command: policy.Publish{}, InForce: policy.Imagine()}).Refused("operation.incomplete", "3.4")
	other, err := policy.Load(versionOf(t, "2027", "2027-01-01"))
	if err != nil {
		t.Fatal(err)
	}
	given(policy.Case{Command: publication(versionOf(t, "2028", "2027-01-01")), InForce: policy.Imagine(), Known: []*policy.Policy{other}}).
		Refused("policy.effective", "6.1")
}

// Whatever was agreed to can be read again: each version keeps its text, and says what is in force when.
func TestClause_6_1_EveryVersionIsKnownByItsName(t *testing.T) {
	t.Parallel()
	src := versionOf(t, "2026-12", "2026-12-01")
	edition, err := published(src, "2026-12", posted).Edition()
	if err != nil {
		t.Fatal(err)
	}
	again, err := published(policy.ImagineYAML(), "2014-01", policy.Imagine().EffectiveFrom.Time).Edition()
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.Join([]*policy.Policy{policy.Imagine()}, []*policy.Policy{edition, again})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]string{posted.Add(-time.Microsecond): "2014-01", posted: "2026-12", posted.AddDate(5, 0, 0): "2026-12"} {
		if p, ok := set.At(at); !ok || p.Version != want {
			t.Errorf("at %s: %v, want %s", at, p, want)
		}
	}
	if p, ok := set.ByVersion("2014-01"); !ok || p.Text == "" || len(set.Versions()) != 2 {
		t.Error("the text of the older version is gone")
	}
	if _, err := (policy.Published{Policy: "imagine", Version: "x", Source: "hello"}).Edition(); err == nil {
		t.Error("a version that nobody understands is taken for one")
	}
}

// The notice tells which version, from when, where to read it and whom to ask, in both languages.
func TestClause_6_1_NoticeSaysWhatChanges(t *testing.T) {
	t.Parallel()
	p := policy.Imagine()
	n := p.Notice()
	for _, part := range []string{p.Version, "2014-01-01", p.Controller.Site, p.Controller.Contact, p.TextHash, "The privacy policy of Imagine", strings.TrimSpace(p.Text)} {
		if !strings.Contains(n.Body, part) {
			t.Errorf("the notice does not say %.40q", part)
		}
	}
	if !strings.Contains(n.Title, p.Version) || strings.ContainsAny(n.Title, "{}\n") || strings.Contains(n.Body, "{") {
		t.Errorf("title %q", n.Title)
	}
}

func TestPublicationDigest(t *testing.T) {
	t.Parallel()
	one, _ := policy.Digest(publication(versionOf(t, "2027", "2027-01-01")), nil)
	two, _ := policy.Digest(publication(versionOf(t, "2028", "2027-01-01")), nil)
	if again, _ := policy.Digest(publication(versionOf(t, "2027", "2027-01-01")), nil); one == two || one != again {
		t.Error("the digest does not follow the source")
	}
}
