package strictyaml_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain/internal/strictyaml"
)

// upper reads itself from text, though it is a struct.
type upper struct{ text string }

func (u *upper) UnmarshalText(b []byte) error {
	u.text = strings.ToUpper(string(b))
	return nil
}

type part struct {
	Name   string         `yaml:"name"`
	Limits map[string]int `yaml:"limits"`
	Parts  []part         `yaml:"parts"`
}

type sheet struct {
	Title string  `yaml:"title"`
	Word  upper   `yaml:"word"`
	Count int     `yaml:"count"`
	Share float64 `yaml:"share"`
	Large int64   `yaml:"large"`
	Open  bool    `yaml:"open"`
	Best  *part   `yaml:"best"`
	Parts []part  `yaml:"parts"`
}

var file = strictyaml.File{MaxBytes: 1000, Empty: "write it", Documents: "cut it", NotMapping: "name it", TooDeep: "flatten it"}

func titled(doc *sheet, lines map[string]int) []strictyaml.Problem {
	if doc.Title != "" {
		return nil
	}
	return []strictyaml.Problem{{Line: lines[""], Path: "title", Message: "no title", Remedy: "give one"}}
}

func shown(src string) string {
	_, problems := strictyaml.Load([]byte(src), file, titled)
	return strictyaml.Report("sheet", problems)
}

func TestLoadFillsTheDocument(t *testing.T) {
	t.Parallel()
	src := "title: a\nword: b\ncount: 3\nopen: true\nbest: {name: c, limits: {x: 1, y: 2}}\nparts:\n  - name: d\n    parts: [{name: e}]\n"
	var seen map[string]int
	doc, problems := strictyaml.Load([]byte(src), file, func(_ *sheet, lines map[string]int) []strictyaml.Problem {
		seen = lines
		return nil
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := &sheet{Title: "a", Word: upper{"B"}, Count: 3, Open: true, Best: &part{Name: "c", Limits: map[string]int{"x": 1, "y": 2}},
		Parts: []part{{Name: "d", Parts: []part{{Name: "e"}}}}}
	if diff := cmp.Diff(want, doc, cmp.AllowUnexported(upper{})); diff != "" {
		t.Error(diff)
	}
	for path, line := range map[string]int{"": 1, "count": 3, "best.limits.y": 5, "parts": 6, "parts[0].name": 7, "parts[0].parts[0].name": 8} {
		if seen[path] != line {
			t.Errorf("%q stands in line %d, not %d", path, line, seen[path])
		}
	}
}

func TestLoadReportsAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ src, want string }{
		"contents beside keys": {"count: 1\ncolour: red\n", `sheet: 2 problem(s)
  line 1: title: no title; give one
  line 2: colour: unknown key; remove it or correct its spelling`},
		"a repeated key beside all the rest": {"title: a\ntitle: b\ncount: many\ncolour: red\nopen: {}\nparts:\n  - name: [c]\n    limits: {x: 1, x: 2, y: z}\n", `sheet: 7 problem(s)
  line 2: title: the key is given twice; keep one of them
  line 3: count: the value is of another nature; give a whole number
  line 4: colour: unknown key; remove it or correct its spelling
  line 5: open: the value is of another nature; give true or false
  line 7: parts[0].name: the value is of another nature; give a single value
  line 8: parts[0].limits.x: the key is given twice; keep one of them
  line 8: parts[0].limits.y: the value is of another nature; give a whole number`},
		"values of another nature": {"title:\nword: [a]\nbest: b\nparts: {name: c}\n", `sheet: 4 problem(s)
  line 1: title: the key has no value; give it one or remove the key
  line 2: word: the value is of another nature; give a single value
  line 3: best: the value is of another nature; give a mapping of keys
  line 4: parts: the value is of another nature; give a list`},
		"references": {"title: &a x\nword: *a\nbest: !!map {}\n", `sheet: 3 problem(s)
  line 1: title: anchors, aliases and tags are not taken; write the value out
  line 2: word: anchors, aliases and tags are not taken; write the value out
  line 3: best: anchors, aliases and tags are not taken; write the value out`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, shown(tc.src)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadRefusesTheWholeFile(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ src, says string }{
		"nothing":       {"", "the file is empty; write it"},
		"two documents": {"title: a\n---\ntitle: b\n", "line 3: a second document begins; cut it"},
		"a list":        {"- a\n", "line 1: the file is not a mapping of keys; name it"},
		"too large":     {strings.Repeat("#", 1001), "the file has 1001 bytes; keep it under 1000"},
		"broken":        {"title: [\n", "correct the YAML"},
		"nested deeply": {"title: a\nparts: " + strings.Repeat("[{parts: ", 30) + "[]" + strings.Repeat("}]", 30), "nested too deeply; flatten it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := shown(tc.src); !strings.Contains(got, "1 problem(s)") || !strings.Contains(got, tc.says) {
				t.Errorf("the report does not say %q:\n%s", tc.says, got)
			}
		})
	}
}

// TestLoadOutlivesACrash: what crashes while a file is read is reported as a fault of the file.
func TestLoadOutlivesACrash(t *testing.T) {
	t.Parallel()
	doc, problems := strictyaml.Load([]byte("title: a\n"), file, func(*sheet, map[string]int) []strictyaml.Problem { panic("lost") })
	if doc != nil || len(problems) != 1 || !strings.Contains(problems[0].String(), "gave up: lost") {
		t.Errorf("a crash gives %v, %v", doc, problems)
	}
}

// TestLoadTakesNumbersThatFit: what is no number, has a fraction where none belongs or is too large is named before the
// decoder meets it.
func TestLoadTakesNumbersThatFit(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"share: 2":                    "",
		"share: 0.5":                  "",
		"share: 1e-6":                 "",
		"share: 1E6":                  "",
		"share: 1e400":                "line 1: share: the value is of another nature; give a number",
		"share: 1.5e400":              "line 1: share: the value is of another nature; give a number",
		"share: Inf":                  "line 1: share: the value is of another nature; give a number",
		"share: NaN":                  "line 1: share: the value is of another nature; give a number",
		"share: .inf":                 "line 1: share: the value is of another nature; give a number",
		"share: .nan":                 "line 1: share: the value is of another nature; give a number",
		"share: \"0.5\"":              "line 1: share: the value is of another nature; give a number",
		"share: half":                 "line 1: share: the value is of another nature; give a number",
		"large: 9223372036854775807":  "",
		"large: -9223372036854775808": "",
		"large: 9223372036854775808":  "line 1: large: the value is of another nature; give a whole number",
		"large: 99999999999999999999": "line 1: large: the value is of another nature; give a whole number",
		"large: 0.5":                  "line 1: large: the value is of another nature; give a whole number",
	} {
		_, problems := strictyaml.Load([]byte("title: a\n"+src+"\n"), file, titled)
		if want = strings.Replace(want, "line 1", "line 2", 1); want != "" {
			want = "sheet: 1 problem(s)\n  " + want
		} else {
			want = "sheet: 0 problem(s)"
		}
		if diff := cmp.Diff(want, strictyaml.Report("sheet", problems)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", src, diff)
		}
	}
}

// TestFindingsNameTheNearestLine: what is missing is reported where it would stand.
func TestFindingsNameTheNearestLine(t *testing.T) {
	t.Parallel()
	v := strictyaml.Findings{Lines: map[string]int{"": 1, "best": 3, "best.limits": 4, "parts[1]": 7}}
	for _, path := range []string{"best.limits.x", "best.name", "parts[1].parts[0].name", "word", "parts[2]", ""} {
		v.Need(true, path, "", "")
		v.Need(false, path, "give it", "no %s", "such")
	}
	var got []int
	for _, p := range v.Problems {
		got = append(got, p.Line)
		if p.Message != "no such" || p.Remedy != "give it" {
			t.Errorf("reported as %+v", p)
		}
	}
	if diff := cmp.Diff([]int{4, 3, 7, 1, 1, 1}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("title: a\nparts: [{name: b, limits: {x: 1}}]\n"))
	f.Add([]byte("title: a\ntitle: b\n? title : c\n<<: {title: d}\n"))
	f.Add([]byte("share: 1e400\nlarge: 0x7fffffffffffffffff\ncount: 1_0\n"))
	f.Add([]byte("best: {name: {a: b}}\nword: {}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, problems := strictyaml.Load(src, file, titled)
		if (doc == nil) != (len(problems) > 0) || doc != nil && doc.Title == "" {
			t.Errorf("%+v with the problems %v", doc, problems)
		}
		for i := 1; i < len(problems); i++ {
			if problems[i].Line < problems[i-1].Line {
				t.Errorf("line %d is reported after line %d", problems[i].Line, problems[i-1].Line)
			}
		}
	})
}
