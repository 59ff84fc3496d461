package law_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain/law"
)

// edited is a built-in file with some text replaced.
func edited(t testing.TB, pack string, pairs ...string) []byte {
	t.Helper()
	b, err := law.YAML(pack)
	if err != nil {
		t.Fatal(err)
	}
	src := string(b)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(src, pairs[i]) {
			t.Fatalf("the pack %s has no %q", pack, pairs[i])
		}
		src = strings.Replace(src, pairs[i], pairs[i+1], 1)
	}
	return []byte(src)
}

func problems(t testing.TB, src []byte) []law.Problem {
	t.Helper()
	_, err := law.Load(src)
	var invalid *law.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("want an *InvalidError, got %v", err)
	}
	return invalid.Problems
}

func TestNamed(t *testing.T) {
	t.Parallel()
	for _, id := range law.Names() {
		p, err := law.Named(id)
		if err != nil || p.ID != id || p.Version == "" || p.Location().String() != p.Zone {
			t.Errorf("%s: %+v, %v", id, p, err)
		}
	}
	if law.UA().Zone != "Europe/Kyiv" || law.EU().Zone != "Europe/Brussels" {
		t.Error("a pack counts in another zone")
	}
	if _, err := law.Named("mars"); err == nil || !strings.Contains(err.Error(), "ua, eu") {
		t.Errorf("an unknown pack: %v", err)
	}
	if _, err := law.YAML("mars"); err == nil {
		t.Error("an unknown pack has a file")
	}
}

// TestPackWrittenAndReadAgain: what is read can be written, so that nothing of a pack is lost on the way.
func TestPackWrittenAndReadAgain(t *testing.T) {
	t.Parallel()
	for _, id := range law.Names() {
		p, _ := law.Named(id)
		b, err := yaml.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := law.Load(b)
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		if diff := cmp.Diff(p, again, cmpopts.IgnoreUnexported(law.Pack{}, law.Calendar{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
}

func TestLoadReportsAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	got := problems(t, edited(t, "ua",
		"zone: Europe/Kyiv", "zone: Europe/Atlantis",
		`from: "2022-02-24"`, `from: "2022-02-30"`,
		"term: 30 working days", "term: 30 days",
		"id: notice.transfer", "id: notice.telepathy",
		"mark: V", "mark: X",
		"start: relation-end", "start: whenever",
		"from: [notice.collection, notice.transfer]", "from: [notice.collection, notice.dream]",
		"years: 1", "years: 1\n  moons: 3",
	))
	want := []string{"zone", "calendar.martial-law[0].from", "deadlines[0].term", "deadlines[1].id", "deadlines[5].mark", "retention[3].start", "exemptions[3].from[1]", "records.moons"}
	var paths []string
	for i, p := range got {
		paths = append(paths, p.Path)
		if p.Line == 0 || p.Message == "" || p.Remedy == "" {
			t.Errorf("incomplete problem: %+v", p)
		}
		if i > 0 && p.Line < got[i-1].Line {
			t.Errorf("line %d is reported after line %d", p.Line, got[i-1].Line)
		}
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
}

func TestLoadNamesTheLine(t *testing.T) {
	t.Parallel()
	src := edited(t, "ua", "zone: Europe/Kyiv", "zone: Local")
	want := 1 + strings.Count(string(src[:strings.Index(string(src), "zone: Local")]), "\n")
	if got := problems(t, src)[0]; got.Line != want || !strings.HasPrefix(got.String(), "line ") || !strings.Contains(got.String(), "zone: ") {
		t.Errorf("problem %q, want line %d", got, want)
	}
}

func TestLoadErrorShowsOneProblemALine(t *testing.T) {
	t.Parallel()
	_, err := law.Load(edited(t, "ua", "country: UA", "country: Ukraine", "years: 1", "years: 1000"))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "2 problem(s)") || !strings.Contains(lines[1], "country") || !strings.Contains(lines[2], "records.years") {
		t.Errorf("the report reads:\n%v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		src  []byte
		says string
	}{
		"nothing":               {nil, "empty"},
		"a list":                {[]byte("- a\n- b\n"), "not a mapping"},
		"a word":                {[]byte("pack"), "not a mapping"},
		"broken YAML":           {[]byte("pack: [\n"), ""},
		"two documents":         {[]byte("pack: a\n---\npack: b\n"), "second document"},
		"too large":             {make([]byte, 1<<20), "bytes"},
		"a key twice":           {edited(t, "ua", "country: UA", "country: UA\ncountry: UA"), "twice"},
		"an unknown key":        {edited(t, "ua", "absolute: true", "colour: red"), "unknown key"},
		"an anchor":             {edited(t, "ua", "pack: ua", "pack: &a ua"), "anchors"},
		"a list for a mapping":  {edited(t, "ua", "counting: {", "counting: [a]\nrest: {"), "a mapping of keys"},
		"a word for a list":     {edited(t, "ua", "weekend: [saturday, sunday]", "weekend: sunday"), "a list"},
		"a list for a term":     {edited(t, "ua", "term: 30 working days", "term: [30, working days]"), "a single value"},
		"a word for a number":   {edited(t, "ua", "years: 1", "years: one"), "a whole number"},
		"a word for a switch":   {edited(t, "ua", "substitute: true", "substitute: maybe"), "true or false"},
		"null":                  {edited(t, "ua", "country: UA", "country:"), "no value"},
		"no zone":               {edited(t, "ua", "zone: Europe/Kyiv\n", ""), "time zone"},
		"the machine's zone":    {edited(t, "ua", "zone: Europe/Kyiv", "zone: Local"), "time zone"},
		"a deadline twice":      {edited(t, "ua", "id: request.erasure", "id: request.correction"), "given twice"},
		"days of no kind":       {edited(t, "ua", "term: 1095 calendar days", "term: 1095 days"), "not a term"},
		"a term too long":       {edited(t, "ua", "term: 1095 calendar days", "term: 999999 calendar days"), "not a term"},
		"a term without number": {edited(t, "ua", "term: 1095 calendar days", "term: years"), "not a term"},
		"destroying later":      {edited(t, "ua", "term: none\n    start: deletion", "term: 1 year\n    start: deletion"), "destroys"},
		"retaining no time":     {edited(t, "ua", "term: 3 years", "term: none"), "without a term"},
		"kept for nobody":       {edited(t, "ua", "readers: [accountant, officer]\n", "categories: [finance]\n"), "nobody may read"},
		"kept on no ground":     {edited(t, "ua", "    grounds: [ua.11.1.6]\n", ""), "no ground"},
		"absolute yet put off":  {edited(t, "eu", "article: eu.15\n", "article: eu.15\n    absolute: true\n"), "not put off"},
		"fixed yet put off":     {edited(t, "eu", "article: eu.15\n", "article: eu.15\n    fixed-by: eu.12.3\n"), "fixed and extended"},
		"an odd addressee":      {edited(t, "ua", "addressee: third-party", "addressee: everybody"), "the addressee"},
		"an odd action":         {edited(t, "ua", "action: retain", "action: frame"), "unknown action"},
		"a reader twice":        {edited(t, "ua", "readers: [accountant, officer]", "readers: [officer, officer]"), "given twice"},
		"nested deeply":         {edited(t, "ua", "readers: [officer]", "readers: [[[officer]]]"), "another nature"},
		"absolute and in part":  {edited(t, "eu", "    absolute-for", "    absolute: true\n    absolute-for"), "absolute for all already"},
		"unlike units added":    {edited(t, "eu", "term: 2 months,", "term: 60 calendar days,"), "not added"},
		"a shorter extension":   {edited(t, "ua", "term: 45 calendar days, in-all", "term: 20 calendar days, in-all"), "not longer"},
		"no article":            {edited(t, "ua", "article: ua.12.2", `article: " "`), "no article"},
		"an odd weekday":        {edited(t, "ua", "weekend: [saturday, sunday]", "weekend: [caturday, sunday]"), "day of the week"},
		"no day to work":        {edited(t, "ua", "weekend: [saturday, sunday]", "weekend: [monday, tuesday, wednesday, friday, sunday]"), "leave days"},
		"an odd holiday":        {edited(t, "ua", `day: "01-01"`, `day: "13-01"`), "day of the year"},
		"a holiday turned":      {edited(t, "ua", "from: 2022, until: 2023", "from: 2023, until: 2022"), "no span"},
		"a holiday far away":    {edited(t, "ua", "plus: 49", "plus: 490"), "another year"},
		"martial law turned":    {edited(t, "ua", `until: ""}`, `until: "2021-01-01"}`), "before it begins"},
		"martial law ever":      {edited(t, "ua", `until: ""}`, `until: "soon"}`), "not a date"},
		"no holidays but many":  {edited(t, "ua", "  holidays:\n", "  holidays:\n"+strings.Repeat("    - {day: easter, title: Easter}\n", 40)), "holidays are given"},
		"overruling a hold":     {edited(t, "ua", "overrules: [retention, restriction]", "overrules: [hold]"), "which is nothing"},
		"overruling it twice":   {edited(t, "ua", "overrules: [retention, restriction]", "overrules: [retention, retention]"), "given twice"},
		"destroying a transfer": {edited(t, "ua", "title: tell the subject that his data were passed", "on-destruction: true\n    title: tell the subject that his data were passed"), "does not speak of deletions"},
		"an exemption of none":  {edited(t, "ua", "from: [notice.collection, notice.transfer]", "from: []"), "frees from nothing"},
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

func TestTermIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	units := []law.Unit{law.UnitHours, law.UnitCalendarDays, law.UnitWorkingDays, law.UnitMonths, law.UnitYears}
	rapid.Check(t, func(t *rapid.T) {
		x := law.Term{N: rapid.IntRange(1, 100_000).Draw(t, "n"), Unit: rapid.SampledFrom(units).Draw(t, "unit")}
		var again law.Term
		if err := again.UnmarshalText([]byte(x.String())); err != nil || again != x {
			t.Fatalf("%q is read as %q", x, again)
		}
	})
	for _, text := range []string{"", "0 months", "1 months", "2 month", "-1 years", "+1 year", "01 year", "1  year", "1 year ", "30 days", "9999999999999999999 years"} {
		var x law.Term
		if err := x.UnmarshalText([]byte(text)); err != nil || x.N >= 0 {
			t.Errorf("%q is taken as the term %q", text, x)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, id := range law.Names() {
		f.Add(edited(f, id))
	}
	f.Add(edited(f, "ua", "term: 1095 calendar days", "term: 1095 moons"))
	f.Add([]byte("pack: &a [*a]\n"))
	f.Add([]byte("calendar: {martial-law: [{from: {a: b}}]}\n"))
	f.Add([]byte("deadlines:\n  - {id: x, extension: {with-reason-by: 1e9}}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := law.Load(src)
		var invalid *law.InvalidError
		switch {
		case err == nil && (p == nil || p.Version == "" || p.Location() == nil || len(p.Deadlines) == 0):
			t.Error("an incomplete pack is taken")
		case err == nil:
			countThrough(t, p)
		case !errors.As(err, &invalid) || len(invalid.Problems) == 0 || p != nil:
			t.Errorf("a refusal without a problem, or of another type: %v", err)
		}
	})
}

// countThrough counts with every deadline of a pack that was taken: none may hang or come before its event.
func countThrough(t *testing.T, p *law.Pack) {
	t.Helper()
	from := date(t, "2026-11-20").Begins(p.Location())
	for _, d := range p.Deadlines {
		if due := p.Due(d.Term, from); due.Before(from) {
			t.Errorf("%s is due %v, before %v", d.ID, due, from)
		}
	}
	if until := p.KeepRecordUntil(from); until.Before(from) {
		t.Errorf("a record of %v is kept until %v", from, until)
	}
}
