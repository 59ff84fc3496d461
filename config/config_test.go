package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "litopys.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExampleFileHoldsTheDefaults(t *testing.T) {
	t.Parallel()
	loaded, err := Load(Sources{File: "litopys.example.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Default(), loaded.Config); d != "" {
		t.Errorf("the example file differs from the defaults (-default +file):\n%s", d)
	}
	for _, s := range loaded.Settings {
		if s.From != "file" {
			t.Errorf("the example file does not name %s", s.Name)
		}
	}
}

func TestFileThenEnvironmentThenFlag(t *testing.T) {
	file := write(t, "dir: from-file\nact:\n  actor: employee:file\nimport:\n  batch: 7\n")
	t.Setenv("LITOPYS_DIR", "from-environment")
	t.Setenv("LITOPYS_ACT_ACTOR", "employee:environment")
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.String("dir", "unused", "")
	flags.String("actor", "unused", "")
	if err := flags.Parse([]string{"--dir", "from-flag"}); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(Sources{File: file, Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Dir, want.Act.Actor, want.Import.Batch = "from-flag", "employee:environment", 7
	if d := cmp.Diff(want, loaded.Config); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	from := map[string]string{}
	for _, s := range loaded.Settings {
		from[s.Name] = s.From
	}
	for name, want := range map[string]string{
		"dir": "--dir", "act.actor": "LITOPYS_ACT_ACTOR", "import.batch": "file", "log.level": "default",
	} {
		if from[name] != want {
			t.Errorf("%s comes from %q, want %q", name, from[name], want)
		}
	}
}

func TestUnknownNamesAreRefusedWithHint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"dri: x\n":                 `unknown name "dri"; did you mean "dir"?`,
		"batch: 5\n":               `did you mean "import.batch"?`,
		"import:\n  btach: 5\n":    `unknown name "import.btach"; did you mean "import.batch"?`,
		"something_else: 5\n":      `known are dir, store.url`,
		"dir: a\ndri: b\nlgo: c\n": `unknown name "lgo"`,
	} {
		_, err := Load(Sources{File: write(t, text)})
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %q", text, err, want)
		}
	}
}

func TestUnknownVariablesAreRefused(t *testing.T) {
	t.Parallel()
	errs := unknownInEnvironment([]string{"LITOPYS_DRI=x", "LITOPYS_TEST_DATA=x", "HOME=/", "LITOPYS_DIR=y"})
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), `LITOPYS_DRI; did you mean "LITOPYS_DIR"?`) {
		t.Errorf("got %v, want one error about LITOPYS_DRI", errs)
	}
}

func TestWrongValuesAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Load(Sources{File: write(t, "dir: \" \"\nimport:\n  batch: 0\n  line_limit: 3\nlog:\n  level: loud\n")})
	if !errors.Is(err, ErrInvalid) {
		t.Fatalf("got %v, want ErrInvalid", err)
	}
	for _, want := range []string{"dir: empty", "import.batch: 0", "import.line_limit: 3", `log.level: "loud"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %q", err, want)
		}
	}
}

// TestAllProblemsAtOnce: one kind of mistake hides no other, and each is a line of its own.
func TestAllProblemsAtOnce(t *testing.T) {
	t.Setenv("LITOPYS_IMPORT_LINE_LIMIT", "7.5")
	t.Setenv("LITOPYS_DRI", "x")
	file := write(t, "dirr: x\nimport:\n  batch: abc\nlog:\n  level: loud\npolicy: [a]\nact: 5\nstore:\n  url: {hush: 1}\nkeys:\n  url: [hush]\n")
	loaded, err := Load(Sources{File: file})
	var invalid *InvalidError
	if !errors.As(err, &invalid) || !errors.Is(err, ErrInvalid) {
		t.Fatalf("got %v, want an InvalidError", err)
	}
	var got []string
	for _, p := range invalid.Problems {
		got = append(got, strings.TrimPrefix(p.Error(), file+": "))
	}
	want := []string{
		`unknown name "act"; it is a section, with act.actor and so on`,
		`unknown name "dirr"; did you mean "dir"?`,
		`unknown name "store.url.hush"; did you mean "store.url"?`,
		`environment: unknown variable LITOPYS_DRI; did you mean "LITOPYS_DIR"?`,
		"store.url: it is no text",
		"keys.url: it is no text",
		`policy: "[a]" is no text; want policy file to obey (path); empty: the embedded policy`,
		`import.batch: "abc" is no whole number; want lines handed to the ledger at once (1 to 100000)`,
		`import.line_limit: "7.5" is no whole number; want longest line an import takes, without its end; a longer one is rejected (bytes, 1024 to 1048576; default 65536, of import events 1048576)`,
		`log.level: "loud"; want debug, info, warn or error`,
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != len(want) {
		t.Errorf("%d problems take %d lines", len(want), lines)
	}
	for _, s := range loaded.Settings {
		if read := s.Name == "log.level"; (s.From == "default") == read || s.Value == "loud" != read {
			t.Errorf("%s is shown as %q from %s", s.Name, s.Value, s.From)
		}
	}
	if loaded.Import != Default().Import || loaded.File != file || len(loaded.Settings) != len(Knobs()) {
		t.Errorf("what could be read is given as %+v", loaded)
	}
}

// TestNumbersAreReadAsTheyAreWritten: no fraction is cut off, and nothing but a number counts as one.
func TestNumbersAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"7": 7, `"70"`: 70, "": 2000, "7.9": 0, "true": 0, "0x10": 16, `"0x10"`: 0, "[7]": 0, "1e3": 0, "2026-01-31": 0} {
		loaded, err := Load(Sources{File: write(t, "import:\n  batch: "+text+"\n")})
		if want == 0 && errors.Is(err, ErrInvalid) {
			continue
		}
		if err != nil || loaded.Import.Batch != want {
			t.Errorf("%q gives %d, %v; want %d", text, loaded.Import.Batch, err, want)
		}
	}
}

func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"not yaml": "a: [", "wrong type": "import: 5\n", "word for number": "import:\n  batch: many\n"} {
		if _, err := Load(Sources{File: write(t, text)}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	if _, err := Load(Sources{File: filepath.Join(t.TempDir(), "absent.yaml")}); !errors.Is(err, ErrInvalid) {
		t.Errorf("absent file: got %v, want ErrInvalid", err)
	}
}

func TestEveryKnobIsDocumentedAndSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	for _, k := range Knobs() {
		if k.Doc == "" {
			t.Errorf("%s has no documentation", k.Name)
		}
		k.Secret = true
		if got := k.show("hush"); strings.Contains(got, "hush") {
			t.Errorf("the secret of %s is shown as %q", k.Name, got)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("dir: x\n")
	f.Add("import:\n  batch: 9\n")
	f.Fuzz(func(t *testing.T, text string) {
		loaded, err := Load(Sources{File: write(t, text)})
		if err == nil && loaded.Validate() != nil {
			t.Errorf("%q was taken and is invalid", text)
		}
	})
}
