package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"pgregory.net/rapid"
)

// TestExitCodesAreTold: a script that asks, imports or rebuilds branches on them.
func TestExitCodesAreTold(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"subject history", "log replay", "projection", "import"} {
		found, _, err := testProgram().root().Find(strings.Fields(path))
		if err != nil {
			t.Fatal(err)
		}
		walk(found, func(cmd *cobra.Command) {
			if !cmd.HasSubCommands() && !strings.Contains(strings.ToLower(cmd.Long), "exit code") {
				t.Errorf("%s does not tell its exit codes", cmd.CommandPath())
			}
			examplesParse(t, cmd)
		})
	}
}

// examplesParse runs the flags of examples that stand on more than one line through their command.
func examplesParse(t testing.TB, cmd *cobra.Command) {
	t.Helper()
	for _, line := range strings.Split(strings.ReplaceAll(cmd.Example, "\\\n", ""), "\n") {
		_, after, ok := strings.Cut(line, "litopys ")
		if !ok {
			continue
		}
		found, rest, err := testProgram().root().Find(strings.Fields(after))
		if err == nil {
			err = found.ParseFlags(rest)
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestReflow(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                 "",
		"one two three":                    "one two\nthree",
		"one\ntwo\nthree":                  "one two\nthree",
		"one\n\ntwo":                       "one\n\ntwo",
		"overmuchlongword and":             "overmuchlongword\nand",
		"a list\n  a  one two\n  b  three": "a list\n  a  one\n     two\n  b  three",
		"\n  set in again":                 "  set in\n  again",
	} {
		if d := cmp.Diff(want, reflow(in, 10)); d != "" {
			t.Errorf("%q (-want +got):\n%s", in, d)
		}
	}
}

// TestWrappedKeepsItsWords: nothing is lost, and a line is only too wide when it is one word.
func TestWrappedKeepsItsWords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[a-z0-9-]{1,20}`)).Draw(t, "words")
		columns := rapid.IntRange(1, 30).Draw(t, "columns")
		got := wrapped(strings.Join(words, " "), columns)
		if strings.Join(strings.Fields(got), " ") != strings.Join(words, " ") {
			t.Fatalf("%q became %q", words, got)
		}
		for line := range strings.SplitSeq(got, "\n") {
			if len(line) > columns && strings.Contains(line, " ") || strings.TrimSpace(line) != line {
				t.Fatalf("a line of %q is %q", got, line)
			}
		}
	})
}

func TestFittedLeavesAnswersToPrograms(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 60)
	if got := fitted(&bytes.Buffer{}, long); got != long {
		t.Errorf("what no terminal shows is wrapped: %q", got)
	}
}
