package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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
