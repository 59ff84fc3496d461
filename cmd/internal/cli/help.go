package cli

import (
	"cmp"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// helpNarrowest is where help stops to give way to a terminal that is narrower than helpWidth.
const helpNarrowest = 40

// help prints what a command does and how it is called.
func (p *program) help(cmd *cobra.Command, _ []string) {
	out := cmd.OutOrStdout()
	wide := helpWidth
	if c := columns(out); c > 0 {
		wide = max(helpNarrowest, min(c, wide))
	}
	var b strings.Builder
	b.WriteString(reflow(strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short)), wide) + "\n\n")
	examples := false
	for line := range strings.Lines(cmd.UsageString()) {
		line = strings.TrimRight(line, " \n")
		examples = examples && line != "" || line == "Examples:"
		if examples {
			b.WriteString(folded(line, wide, " \\")) // it can still be pasted into a shell
		} else {
			b.WriteString(folded(line, wide, ""))
		}
	}
	fmt.Fprint(out, b.String())
}

// folded breaks a line between words where it is too long; more marks a line that goes on. What goes on stands
// under the second column of a list, or further in than the line began.
func folded(line string, wide int, more string) string {
	indent := hang(line)
	if more != "" {
		indent += 4
	}
	var b strings.Builder
	at := 0 // columns of the present line
	for word := range pieces(line, more != "") {
		size := utf8.RuneCountInString(word)
		blank := size - utf8.RuneCountInString(strings.TrimLeft(word, " \t"))
		if at > indent && at+size > wide-len(more) {
			b.WriteString(more + "\n" + strings.Repeat(" ", indent))
			word, at, size = word[blank:], indent, size-blank
		}
		b.WriteString(word)
		at += size
	}
	return b.String() + "\n"
}

// pieces yields words, each with the space before it; of an example a flag with its value.
func pieces(line string, example bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line != "" {
			begins := len(line) - len(strings.TrimLeft(line, " \t"))
			ends := nextWord(line)
			if flag := strings.HasPrefix(line[begins:], "--"); example && flag && !strings.HasPrefix(line[ends:], " -") {
				ends += nextWord(line[ends:])
			}
			if !yield(line[:ends]) {
				return
			}
			line = line[ends:]
		}
	}
}

// nextWord gives where the first word of the text ends.
func nextWord(text string) int {
	begins := len(text) - len(strings.TrimLeft(text, " \t"))
	if i := strings.IndexAny(text[begins:], " \t"); i >= 0 {
		return begins + i
	}
	return len(text)
}

// hang gives how far in the rest of a broken line stands: under its last column, or under the text of a numbered
// step, but not so far in that little room is left.
func hang(line string) int {
	const widest = 36
	begins := len(line) - len(strings.TrimLeft(line, " \t"))
	column := begins
	if number := strings.TrimLeft(line[begins:], "0123456789"); begins > 0 && len(number) < len(line)-begins && strings.HasPrefix(number, ". ") {
		column = len(line) - len(number) + 2
	}
	for i := begins; i < min(len(line)-2, widest); i++ {
		if begins > 0 && line[i:i+2] == "  " && line[i+2] != ' ' {
			column = i + 2
		}
	}
	return column
}
