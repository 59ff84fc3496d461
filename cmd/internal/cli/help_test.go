package cli

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	json "github.com/go-json-experiment/json"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// told runs one command line in an empty folder and gives the exit code and what it says.
func told(t testing.TB, args ...string) (int, string) {
	t.Helper()
	var out, talk bytes.Buffer
	args = append([]string{"--dir", t.TempDir()}, args...)
	code := Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &talk})
	return code, talk.String()
}

// TestWrongUsagePointsToTheCommandAtHand: with forty commands the help of the program helps nobody.
func TestWrongUsagePointsToTheCommandAtHand(t *testing.T) {
	t.Parallel()
	walk(testProgram().root(), func(cmd *cobra.Command) {
		path := strings.Fields(cmd.CommandPath())[1:]
		wrong := [][]string{{"--nonsense"}}
		if err := cmd.ValidateArgs(strings.Fields("a b c d e f")); err != nil {
			wrong = append(wrong, strings.Fields("a b c d e f"))
		}
		if len(path) > 0 && cmd.HasSubCommands() {
			wrong = append(wrong, nil, []string{"nonsense"})
		}
		for _, rest := range wrong {
			code, said := told(t, slices.Concat(path, rest)...)
			if code != exitUsage || !strings.Contains(said, cmd.CommandPath()+" --help\n") {
				t.Errorf("%s %v ends with %d and says:\n%s", cmd.CommandPath(), rest, code, said)
			}
		}
	})
}

func TestWrongUsageKeepsItsOwnRemedy(t *testing.T) {
	t.Parallel()
	who := strings.Fields("--actor subject:web --purpose service --grounds ua.11.1.3 --service account")
	for line, want := range map[string]string{
		"subject delete " + subjectExample:      "  remedy: give --field, or --all\n  help: litopys subject delete --help\n",
		"subject register --subject x":          "  help: litopys subject register --help\n",
		"obligation list --due-in 3d --overdue": "  remedy: see: litopys obligation list --help\n",
		"policy notice --pending --outbox out":  "  remedy: see: litopys policy notice --help\n",
		"statistic show May":                    "  help: litopys statistic show --help\n",
	} {
		args := strings.Fields(line)
		if strings.HasPrefix(line, "subject delete") || strings.HasPrefix(line, "subject register") {
			args = append(args, who...)
		}
		code, said := told(t, args...)
		if code != exitUsage || !strings.HasSuffix(said, want) {
			t.Errorf("%s ends with %d and says:\n%s", line, code, said)
		}
		_, said = told(t, append(args, "--json")...)
		var got trouble
		if err := json.Unmarshal([]byte(said), &got); err != nil || !strings.HasSuffix(got.Help, " --help") || got.Remedy == "" {
			t.Errorf("%s says in JSON, %v:\n%s", line, err, said)
		}
	}
}

// TestFlagsSayWhatTheyWant: whoever gives a word for a number is told so, and not what a parser calls it.
func TestFlagsSayWhatTheyWant(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"demo --people many":            `--people: "many" is not a whole number from 1 to 1000`,
		"demo --seed -1":                `--seed: "-1" is not a whole number from 1`,
		"bench --seconds 1s":            `--seconds: "1s" is not a number, for example 0.5`,
		"policy show --json=maybe":      `--json: "maybe" is not true or false`,
		"log copy --at-once 1.5 --to x": `--at-once: "1.5" is not a whole number from 1 to 256`,
		"log copy --at-once 257 --to x": `--at-once: "257" is not a whole number from 1 to 256`,
		"log replay --after -1":         `--after: "-1" is not a whole number from 0`,
		"bench --records 999":           `--records: "999" is not a whole number from 1000`,
		"bench --lines 0":               `--lines: "0" is not a whole number from 1`,
		"bench --seconds NaN":           `--seconds wants more than 0 and up to 600`,
	} {
		code, said := told(t, strings.Fields(line)...)
		if code != exitUsage || !strings.HasPrefix(said, "usage: "+want+"\n") {
			t.Errorf("%s ends with %d and says:\n%s", line, code, said)
		}
	}
}

// TestEveryFlagSaysWhatItWants: a flag that refuses texts says which it takes.
func TestEveryFlagSaysWhatItWants(t *testing.T) {
	t.Parallel()
	texts := []string{"string", "stringSlice", "stringArray"} // they take every text
	seen := map[string]bool{}
	walk(testProgram().root(), func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			seen[f.Value.Type()] = true
			if wanted(f.Value) == "" && !slices.Contains(texts, f.Value.Type()) {
				t.Errorf("%s --%s does not say what it wants", cmd.CommandPath(), f.Name)
			}
		})
	})
	for kind := range kinds {
		if !seen[kind] {
			t.Errorf("no flag is of the kind %s", kind)
		}
	}
}

// TestHelpFitsEightyColumns: and it loses no word by that. A word that is longer by itself may be.
func TestHelpFitsEightyColumns(t *testing.T) {
	t.Parallel()
	walk(testProgram().root(), func(cmd *cobra.Command) {
		var out bytes.Buffer
		line := strings.TrimPrefix(cmd.CommandPath()+" --help", "litopys ")
		if code, said := answered(t, &out, line); code != exitDone || said != "" {
			t.Errorf("%s ends with %d and says %s", line, code, said)
		}
		for line := range strings.Lines(out.String()) {
			if wide := utf8.RuneCountInString(strings.TrimRight(line, "\n")); wide > helpWidth && len(strings.Fields(line)) > 1 {
				t.Errorf("%s: a line of its help takes %d columns: %s", cmd.CommandPath(), wide, line)
			}
		}
		words := func(text string) string {
			return strings.Join(strings.Fields(strings.ReplaceAll(text, " \\\n", " ")), " ")
		}
		texts := []string{cmp.Or(cmd.Long, cmd.Short), cmd.Example}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { texts = append(texts, "--"+f.Name, f.Usage) })
		for _, text := range texts {
			if !strings.Contains(words(out.String()), words(text)) {
				t.Errorf("%s: its help lacks words of:\n%s", cmd.CommandPath(), text)
			}
		}
	})
}

func TestHelpIsFolded(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                               "\n",
		"one two three four":             "one two three\nfour\n",
		"  --a string  one two three":    "  --a string  one\n              two\n              three\n",
		"  litopys one --set two":        "  litopys one\n  --set two\n",
		"  a  b  one  two three":         "  a  b  one  two\n             three\n",
		"  1. one two three":             "  1. one two\n     three\n",
		"  10. one two three":            "  10. one two\n      three\n",
		"  1.5 one two three":            "  1.5 one two\n  three\n",
		"unbreakable-word-of-many x":     "unbreakable-word-of-many\nx\n",
		"  first            second here": "  first            second\n                   here\n",
	} {
		if d := gocmp.Diff(want, folded(line, 16, "")); d != "" {
			t.Errorf("%q (-want +got):\n%s", line, d)
		}
	}
	if got, want := folded("  litopys one two", 14, " \\"), "  litopys \\\n      one \\\n      two\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
