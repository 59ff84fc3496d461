package policy_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"imagine.ua/litopys/domain/policy"
)

// edited is the built-in file with some text replaced.
func edited(t testing.TB, pairs ...string) []byte {
	t.Helper()
	src := string(policy.ImagineYAML())
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(src, pairs[i]) {
			t.Fatalf("the built-in policy has no %q", pairs[i])
		}
		src = strings.Replace(src, pairs[i], pairs[i+1], 1)
	}
	return []byte(src)
}

// ruled is the built-in file with one more entry in the retention schedule.
func ruled(t testing.TB, entry string) []byte {
	t.Helper()
	return edited(t, "  - id: at-once\n", "  - id: at-once\n  - "+entry+"\n")
}

func problems(t testing.TB, src []byte) []policy.Problem {
	t.Helper()
	_, err := policy.Load(src)
	var invalid *policy.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("want an *InvalidError, got %v", err)
	}
	return invalid.Problems
}

func TestLoadReportsAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	got := problems(t, edited(t,
		"acceptance: use ", "acceptance: nod ",
		"- id: at-once", "- {id: at-home, legal: a letter, start: deletion, term: 1095 moons, action: retain, readers: [officer]}\n  - id: at-once",
		"retention: [tax-documents], max-bytes: 32", "retention: [tax-papers], max-bytes: 99999",
		"findable: email", "findable: smell",
		"  contact: support@imagine.ua", "  contact: support@imagine.ua\n  telepathy: true",
		`effective-from: "2014-01-01"`, `effective-from: "2014-13-01"`,
	))
	for _, path := range []string{"effective-from", "acceptance", "controller.telepathy", "retention[0].term", "findable", "retention[0]", "max-bytes"} {
		found := false
		for _, p := range got {
			if strings.HasSuffix(p.Path, path) {
				found = true
				if p.Line == 0 || p.Message == "" || p.Remedy == "" {
					t.Errorf("incomplete problem: %+v", p)
				}
			}
		}
		if !found {
			t.Errorf("nothing is said about %s", path)
		}
	}
	for i := 1; i < len(got); i++ {
		if got[i].Line < got[i-1].Line {
			t.Errorf("line %d is reported after line %d", got[i].Line, got[i-1].Line)
		}
	}
	if len(got) != 7 {
		t.Errorf("%d problems, want 7:\n%v", len(got), got)
	}
}

// TestLoadReportsMoreThanARepeatedKey: the parser alone would stop at the key that is given twice.
func TestLoadReportsMoreThanARepeatedKey(t *testing.T) {
	t.Parallel()
	got := problems(t, edited(t,
		"governing-law: UA", "governing-law: UA\ngoverning-law: EU",
		"  contact: support@imagine.ua", "  contact: support@imagine.ua\n  telepathy: true",
		"max-bytes: 254", "max-bytes: many",
	))
	said := map[string]string{}
	for _, p := range got {
		said[p.Path] = p.Message
	}
	if len(got) != 3 || said["governing-law"] != "the key is given twice" || said["controller.telepathy"] != "unknown key" {
		t.Errorf("want the repeated key, the unknown one and the number, got:\n%v", got)
	}
}

func TestLoadNamesTheLine(t *testing.T) {
	t.Parallel()
	src := edited(t, "acceptance: use ", "acceptance: nod ")
	want := 1 + strings.Count(string(src[:strings.Index(string(src), "acceptance:")]), "\n")
	if got := problems(t, src)[0]; got.Line != want || !strings.Contains(got.String(), "acceptance") {
		t.Errorf("problem %q, want line %d", got, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		src  []byte
		says string
	}{
		"nothing":          {nil, "empty"},
		"a list":           {[]byte("- a\n- b\n"), "not a mapping"},
		"a word":           {[]byte("policy"), "not a mapping"},
		"broken YAML":      {[]byte("policy: [\n"), ""},
		"two documents":    {[]byte("policy: a\n---\npolicy: b\n"), "second document"},
		"a key twice":      {edited(t, "governing-law: UA", "governing-law: UA\ngoverning-law: UA"), ""},
		"a key of a field": {edited(t, "findable: phone", "findable: phone, colour: red"), "unknown key"},
		"an anchor":        {edited(t, "acceptance: use ", "acceptance: &a use "), "anchors"},
		"a list for a map": {edited(t, "controller:\n  name: Imagine\n  site: imagine.ua\n  contact: support@imagine.ua\n  country: UA", "controller: [a]"), "another nature"},
		"text for number":  {edited(t, "max-bytes: 254", "max-bytes: many"), "another nature"},
		"null":             {edited(t, "acceptance: use ", "acceptance: "), "no value"},
		"another text":     {edited(t, "retold in plain words", "retold in other words"), "hash"},
		"a field twice":    {edited(t, "{id: phone,", "{id: email,"), "given twice"},
		"unknown purpose":  {edited(t, "purposes: [contact, statistics, advertising]", "purposes: [contact, gossip]"), "not defined"},
		"unknown service":  {edited(t, "services: [account, orders]}", "services: [account, elsewhere]}"), "not defined"},
		"findable trace":   {edited(t, "kind: trace, sources: [automatic],", "kind: trace, sources: [automatic], findable: exact,"), "trace"},
		"term on destroy":  {ruled(t, "{id: soon, legal: a letter, start: deletion, term: 1 month, action: destroy}"), "destroys"},
		"readers of none":  {ruled(t, "{id: soon, legal: a letter, term: none, action: destroy, readers: [officer]}"), "nobody reads"},
		"no readers":       {ruled(t, "{id: late, legal: a letter, start: deletion, term: 1 month, action: retain}"), "nobody may read"},
		"unknown reader":   {ruled(t, "{id: late, legal: a letter, start: deletion, term: 1 month, action: retain, readers: [cook]}"), "not defined"},
		"no term":          {ruled(t, "{id: late, legal: a letter, start: deletion, action: retain, readers: [officer]}"), "without a term"},
		"unknown start":    {ruled(t, "{id: late, legal: a letter, start: sunrise, term: 1 month, action: retain, readers: [officer]}"), "unknown event"},
		"unknown action":   {ruled(t, "{id: late, legal: a letter, start: deletion, term: 1 month, action: burn, readers: [officer]}"), "unknown action"},
		"unknown category": {ruled(t, "{id: late, legal: a letter, start: deletion, term: 1 month, action: retain, readers: [officer], categories: [shoes]}"), "not defined"},
		"no such law rule": {ruled(t, "id: for-ever"), "no rule"},
		"a rule of law":    {ruled(t, "{id: aml, legal: a letter, start: deletion, term: 1 month, action: retain, readers: [officer]}"), "the rule pack says"},
		"a hold's term":    {edited(t, "{id: hold,", "{id: hold, term: 1 month,"), "no term"},
		"a field's hold":   {edited(t, "retention: [tax-documents], max-bytes: 32", "retention: [hold], max-bytes: 32"), "rule of holds"},
		"collected once":   {ruled(t, "{id: late, legal: a letter, start: collection, term: 1 month, action: retain, readers: [officer], categories: [finance]}"), "is for traces"},
		"no rule pack":     {edited(t, "law: ua  ", "law: mars  "), "no rule pack"},
		"too large":        {make([]byte, 1<<20+1), "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all strings.Builder
			for _, p := range problems(t, tc.src) {
				all.WriteString(p.String() + "\n")
			}
			if !strings.Contains(all.String(), tc.says) {
				t.Errorf("the report does not say %q:\n%s", tc.says, all.String())
			}
		})
	}
}

func TestNormalIsIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		form := rapid.SampledFrom([]policy.Form{"", policy.Exact, policy.Email, policy.Phone}).Draw(t, "form")
		once := form.Normal(rapid.String().Draw(t, "value"))
		if twice := form.Normal(once); twice != once {
			t.Fatalf("%s: %q becomes %q by a second time", form, once, twice)
		}
	})
}

func FuzzLoad(f *testing.F) {
	f.Add(policy.ImagineYAML())
	f.Add(ruled(f, "{id: late, legal: a letter, start: collection, term: 1095 moons, action: retain}"))
	f.Add([]byte("policy: &a [*a]\n"))
	f.Add([]byte("a: {b: {c: {d: [1, 2, {e: f}]}}}\n"))
	f.Add([]byte("fields:\n  - {id: x, max-bytes: 1e9}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := policy.Load(src)
		var invalid *policy.InvalidError
		switch {
		case err == nil && (p == nil || p.Version == "" || len(p.Fields) == 0):
			t.Error("an incomplete policy is taken")
		case err != nil && (!errors.As(err, &invalid) || len(invalid.Problems) == 0 || p != nil):
			t.Errorf("a refusal without a problem, or of another type: %v", err)
		}
	})
}
