package cli

import (
	"fmt"
	"io"
	"slices"
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

func (g *grid) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = strings.ReplaceAll(cell, stack, visible(stack))
	}
	g.rows = append(g.rows, cells)
}

// print writes the table, or a line that says there is nothing.
func (g *grid) print(w io.Writer, none string) {
	if len(g.rows) == 0 {
		fmt.Fprintln(w, none)
		return
	}
	g = g.stacked(columns(w))
	t := table.NewWriter()
	t.SetStyle(plainStyle())
	t.AppendHeader(cells(g.head))
	for _, row := range g.rows {
		t.AppendRow(cells(row))
	}
	var configs []table.ColumnConfig
	for i, most := range g.fit(columns(w)) {
		configs = append(configs, table.ColumnConfig{Number: i + 1, WidthMax: most, WidthMaxEnforcer: text.WrapSoft})
	}
	t.SetColumnConfigs(configs)
	for line := range strings.Lines(t.Render()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}

// gap is what stands between two columns; narrowest is how narrow a column of endless words becomes.
const (
	gap       = 2
	narrowest = 20
)

// fit gives the width of every column. Where the terminal is too narrow the widest columns become narrower, but
// no word is broken for it: an id that is cut in two can't be copied.
func (g *grid) fit(columns int) []int {
	widths, words := g.bounds()
	total := gap * len(widths) // the last column has one, too
	for _, wide := range widths {
		total += wide
	}
	for ; columns > 0 && total > columns; total-- {
		widest := -1
		for i := range widths {
			if widths[i] > words[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}

// bounds gives how wide every column is by itself, and how narrow it may become.
func (g *grid) bounds() (widths, words []int) {
	widths, words = make([]int, len(g.head)), make([]int, len(g.head))
	for _, row := range append([][]string{g.head}, g.rows...) {
		for i, cell := range row {
			for line := range strings.SplitSeq(cell, stack) {
				widths[i] = max(widths[i], text.StringWidth(visible(line)))
			}
			for _, word := range strings.Fields(visible(strings.ReplaceAll(cell, stack, " "))) {
				words[i] = max(words[i], text.StringWidth(word))
			}
		}
	}
	for i := range widths {
		if i < len(g.wide) && g.wide[i] > 0 {
			widths[i] = min(widths[i], g.wide[i])
		}
		if words[i] > widths[i] { // its longest word is broken anyway
			words[i] = min(widths[i], narrowest)
		}
	}
	return widths, words
}

// stack stands in a cell between what was in two columns. No cell comes with one.
const stack = "\x00"

// stacked gives the table with as few neighbouring columns put one above the other as it takes to fit, where even
// the narrowest columns are too wide together. The first column, by which a row is known, stays what it is.
func (g *grid) stacked(columns int) *grid {
	for columns > 0 {
		_, words := g.bounds()
		total, best, saved := gap*len(words), -1, 0
		for i, wide := range words {
			if total += wide; i > 1 && min(wide, words[i-1]) > saved {
				best, saved = i-1, min(wide, words[i-1])
			}
		}
		if total <= columns || best < 0 {
			return g
		}
		g = g.joined(best)
	}
	return g
}

// joined puts a column above the next one.
func (g *grid) joined(i int) *grid {
	join := func(row []string) []string {
		return slices.Concat(row[:i], []string{strings.TrimRight(row[i]+stack+row[i+1], stack)}, row[i+2:])
	}
	out := &grid{head: join(g.head)}
	for _, row := range g.rows {
		out.rows = append(out.rows, join(row))
	}
	wide := make([]int, len(g.head)) // 0: as wide as it is
	copy(wide, g.wide)
	both := max(wide[i], wide[i+1])
	if wide[i] == 0 || wide[i+1] == 0 {
		both = 0
	}
	out.wide = slices.Concat(wide[:i], []int{both}, wide[i+2:])
	return out
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
		lines := strings.Split(w, stack)
		for n, line := range lines {
			lines[n] = visible(line)
		}
		row[i] = strings.Join(lines, "\n")
	}
	return row
}

// pairs prints names and values in two columns, leaving out what is empty.
func pairs(w io.Writer, list ...[2]string) {
	longest, most := 0, width
	if c := columns(w); c > 0 {
		most = min(width, c)
	}
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
		wrapped := strings.ReplaceAll(text.WrapSoft(visible(pair[1]), max(20, most-longest-2)), "\n", "\n"+indent)
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
