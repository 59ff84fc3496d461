package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

// helpWidth is what help keeps to: the terminal that everybody has.
const helpWidth = 80

// narrow lets a command, and those below it, explain itself within helpWidth columns.
func narrow(cmd *cobra.Command) *cobra.Command {
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), "Flags.FlagUsages ", fmt.Sprintf("Flags.FlagUsagesWrapped %d ", helpWidth)))
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		long := cmd.Long
		if long == "" {
			long = cmd.Short
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n\n%s", reflow(strings.TrimSpace(long), helpWidth), cmd.UsageString())
	})
	return cmd
}

// reflow wraps text that is wider than it may be. The lines of a paragraph are joined first, unless one of them is
// set in: such lines are lists and examples, and each of them is wrapped by itself, under its second column.
func reflow(long string, columns int) string {
	paragraphs := strings.Split(long, "\n\n")
	for i, paragraph := range paragraphs {
		lines := strings.Split(strings.Trim(paragraph, "\n"), "\n")
		if strings.HasPrefix(paragraph, " ") || strings.Contains(paragraph, "\n ") {
			for n, line := range lines {
				lines[n] = strings.TrimSuffix(folded(line, columns, ""), "\n")
			}
			paragraphs[i] = strings.Join(lines, "\n")
			continue
		}
		paragraphs[i] = wrapped(strings.Join(lines, " "), columns)
	}
	return strings.Join(paragraphs, "\n\n")
}

// hung wraps one line of a list and sets what follows in, under what its second column begins with.
func hung(line string, columns int) string {
	if text.StringWidth(line) <= columns {
		return line
	}
	first := line[:len(line)-len(strings.TrimLeft(line, " "))]
	if _, rest, found := strings.Cut(line[len(first):], "  "); found {
		first = line[:len(line)-len(strings.TrimLeft(rest, " "))]
	}
	rest := wrapped(line[len(first):], columns-len(first))
	return first + strings.ReplaceAll(rest, "\n", "\n"+strings.Repeat(" ", len(first)))
}

// fitted is a line of an answer or of the talk as it fits the terminal behind the writer; as it is, where there is
// none: a program may read it.
func fitted(w io.Writer, line string) string {
	if c := columns(w); c > 0 {
		return hung(line, c)
	}
	return line
}

// wrapped breaks text between its words. A word that is wider than a line stays whole: it may be copied.
func wrapped(words string, columns int) string {
	var b strings.Builder
	at := 0
	for word := range strings.FieldsSeq(words) {
		wide := text.StringWidth(word)
		switch {
		case at == 0:
		case at+1+wide > columns:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += wide
	}
	return b.String()
}
