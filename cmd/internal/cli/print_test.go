package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestTablesFitTheTerminal: where there is no terminal a table is as it always was, and in a narrow one the
// widest columns give way, but ids and times stay whole.
func TestTablesFitTheTerminal(t *testing.T) {
	t.Parallel()
	id := "0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c01"
	g := grid{head: []string{"request", "why", "address"}, wide: []int{36, 30, 22}}
	g.add(id, "the act that the hold names and what follows from it", "olena.example.of.some.length@example.org")
	for columns, want := range map[int][]int{
		0: {36, 30, 22}, 200: {36, 30, 22}, 94: {36, 30, 22}, 93: {36, 29, 22}, 80: {36, 18, 20}, 60: {36, 7, 20}, 10: {36, 7, 20},
	} {
		if d := cmp.Diff(want, g.fit(columns)); d != "" {
			t.Errorf("in %d columns (-want +got):\n%s", columns, d)
		}
	}
	if d := cmp.Diff([]int{1, 0}, (&grid{head: []string{"a", ""}, rows: [][]string{{"b", ""}}}).fit(80)); d != "" {
		t.Errorf("empty column (-want +got):\n%s", d)
	}
}

// TestTablesFitEightyColumns: the tables whose columns are all too wide together, with rows of the longest words that
// they have. Ids stay whole, and nothing of a row is lost.
func TestTablesFitEightyColumns(t *testing.T) {
	t.Parallel()
	const id, moment, day = "0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c01", "2026-01-31T10:00:00Z", "2026-01-31"
	for name, g := range map[string]*grid{
		"request list": {head: []string{"request", "kind", "subject", "received", "last day", "state"}, wide: []int{36, 11, 8, 10, 10, 15},
			rows: [][]string{{id, "third-party", id[:8], day, day, "answered: withdrawn"}}},
		"obligation list": {head: []string{"matter", "duty", "to", "last day", "state"}, wide: []int{36, 18, 18, 10, 10},
			rows: [][]string{{id, "request.third-party.study ua.16.5", "third-party", day, "exempt: told-at-collection"}}},
		"subject show": {head: []string{"field", "value", "status", "since", "grounds", "purpose"}, wide: []int{17, 22, 11, 20, 9, 11},
			rows: [][]string{{"defence_statement", "[kept until 2029-01-02 by tax-documents]", "identified, public", moment, "ua.11.1.3", "identification"}}},
		"subject history": {head: []string{"when", "what", "by", "why", "about"}, wide: []int{21, 20, 14, 14, 23},
			rows: [][]string{{moment + lateMark, "PublicationWithdrawn", "employee:e-17", "identification ua.11.1.3", "defence_statement, document 757/1-k"}}},
		"subject plan": {head: []string{"field", "which", "what happens", "why"}, wide: []int{18, 20, 24, 32},
			rows: [][]string{{"defence_statement", "all through 2026-01", "kept, sealed, until 2029-01-02", "limitation: Civil Code of Ukraine, art. 257; read by officer"}}},
		"retained list": {head: []string{"field", "which", "value", "until", "why"}, wide: []int{14, 19, 20, 12, 30},
			rows: [][]string{{"defence_statement", "2025-01.1 to 2026-01", "olena.example.of.some.length@example.org", "not known yet", "tax-documents: Tax Code of Ukraine, art. 44.3"}}},
		"retention run": {head: []string{"why", "keys", "what"}, wide: []int{48, 10, 36},
			rows: [][]string{{"hold " + id, "1234567", "kept beyond the term (clause 4.3)"}}},
		"consent list": {head: []string{"consent", "state", "purposes", "fields", "granted"}, wide: []int{36, 9, 14, 16, 20},
			rows: [][]string{{id, "withdrawn", "identification", "defence_statement", moment}}},
	} {
		small := g.stacked(80)
		total := gap * len(small.head)
		for _, wide := range small.fit(80) {
			total += wide
		}
		if total > 80 {
			t.Errorf("%s is %d columns wide: %q", name, total, small.head)
		}
		if was, is := strings.Join(g.rows[0], stack), strings.Join(small.rows[0], stack); was != is {
			t.Errorf("%s shows %q, want %q", name, is, was)
		}
		if wide := g.stacked(0); wide != g {
			t.Errorf("%s is changed where there is no terminal", name)
		}
	}
}

// TestTablesFitOrKeepTheirWords: in every width, what is shown is no wider than the terminal unless two columns
// whose words can't be broken already are.
func TestTablesFitOrKeepTheirWords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(40, 120).Draw(t, "columns")
		n := rapid.IntRange(1, 7).Draw(t, "cells")
		g := &grid{head: rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,8}`), n, n).Draw(t, "head")}
		for range rapid.IntRange(1, 4).Draw(t, "rows") {
			g.add(rapid.SliceOfN(rapid.StringMatching(`([a-z]{1,16} ?){0,3}`), n, n).Draw(t, "row")...)
		}
		g = g.stacked(columns)
		_, words := g.bounds()
		total, least := gap*len(words), 0
		for i, wide := range g.fit(columns) {
			total, least = total+wide, least+words[i]+gap
		}
		if total > max(columns, least) || len(words) > 2 && least > columns {
			t.Fatalf("%d columns of %v in %d", len(words), words, columns)
		}
	})
}

// A cell that is stacked is printed in lines of its own, and a value can't pretend to be one.
func TestStackedCellsArePrintedInLines(t *testing.T) {
	t.Parallel()
	g := &grid{head: []string{"id", "a", "b"}}
	g.add("x", "one", "two\x00three")
	var out bytes.Buffer
	g.joined(1).print(&out, "")
	want := "id  a\n    b\n--------------------\nx   one\n    two\\u0000three\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
