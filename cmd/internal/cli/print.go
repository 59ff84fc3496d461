package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"imagine.ua/litopys/domain"
)

// width is what tables keep to, so that they fit a terminal and a printed page.
const width = 100

// visible makes control characters harmless: a value from outside must not steer the terminal.
func visible(s string) string {
	if !strings.ContainsFunc(s, unsafeRune) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(" | ")
		case unsafeRune(r):
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unsafeRune holds for control characters and for those that change the direction or place of text.
func unsafeRune(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// when writes a time as people and programs both read it; nothing for none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// show gives a value as it may be seen: in clear only when it was opened.
func show(v domain.Value) string {
	if s, ok := v.Reveal(); ok {
		return s
	}
	if v.Condition() == domain.Absent {
		return ""
	}
	return v.String()
}

// grid is a table of the answer.
type grid struct {
	head []string
	rows [][]string
	wide []int // widest column texts, 0 for as wide as it is; longer text is wrapped
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// print writes the table, or a line that says there is nothing.
func (g *grid) print(w io.Writer, none string) {
	if len(g.rows) == 0 {
		fmt.Fprintln(w, none)
		return
	}
	t := table.NewWriter()
	t.SetStyle(plainStyle())
	t.AppendHeader(cells(g.head))
	for _, row := range g.rows {
		t.AppendRow(cells(row))
	}
	var configs []table.ColumnConfig
	for i, most := range g.wide {
		if most > 0 {
			configs = append(configs, table.ColumnConfig{Number: i + 1, WidthMax: most, WidthMaxEnforcer: text.WrapSoft})
		}
	}
	t.SetColumnConfigs(configs)
	for line := range strings.Lines(t.Render()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}

func plainStyle() table.Style {
	style := table.StyleDefault
	style.Options = table.Options{SeparateHeader: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Box.MiddleHorizontal = "-"
	style.Format.Header = text.FormatDefault
	return style
}

func cells(words []string) table.Row {
	row := make(table.Row, len(words))
	for i, w := range words {
		row[i] = visible(w)
	}
	return row
}

// pairs prints names and values in two columns, leaving out what is empty.
func pairs(w io.Writer, list ...[2]string) {
	longest := 0
	for _, pair := range list {
		if pair[1] != "" {
			longest = max(longest, len(pair[0]))
		}
	}
	for _, pair := range list {
		if pair[1] == "" {
			continue
		}
		indent := strings.Repeat(" ", longest+2)
		wrapped := strings.ReplaceAll(text.WrapSoft(visible(pair[1]), width-longest-2), "\n", "\n"+indent)
		fmt.Fprintf(w, "%-*s  %s\n", longest, pair[0], wrapped)
	}
}

// answer writes one JSON object on a line.
func (p *program) answer(v any) error {
	if err := json.MarshalWrite(p.Out, v, json.Deterministic(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	_, err := fmt.Fprintln(p.Out)
	return err
}

// say writes talk to standard error.
func (p *program) say(format string, args ...any) {
	if !p.quiet {
		fmt.Fprintf(p.Err, format+"\n", args...)
	}
}

// heading separates parts of an answer.
func (p *program) heading(title string) { fmt.Fprintf(p.Out, "\n%s\n", title) }
