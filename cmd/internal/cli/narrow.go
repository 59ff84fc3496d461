package cli

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// helpWidth is what help keeps to: the terminal that everybody has.
const helpWidth = 80

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

// fitted is a line of an answer or of the talk as it fits the terminal behind the writer; as it is, where there is
// none: a program may read it.
func fitted(w io.Writer, line string) string {
	if c := columns(w); c > 0 {
		return strings.TrimSuffix(folded(line, c, ""), "\n")
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
