package keys

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"imagine.ua/litopys/domain"
)

// EpochKind tells the two ways of counting epochs apart; see domain.Epoch.
type EpochKind string

// The kinds of epochs.
const (
	AttributeEpochs EpochKind = "attribute" // edits: "1", "2", ... "10"
	TraceEpochs     EpochKind = "trace"     // months and their generations: "2015-05", "2015-05.1"
)

// epoch is an epoch in the form in which it is compared.
type epoch struct {
	kind       EpochKind
	major      int // number of the edit, or months since year 0
	generation int
}

// KindOf tells how the epoch is counted; it gives false for what is no epoch.
func KindOf(e domain.Epoch) (EpochKind, bool) {
	parsed, ok := parseEpoch(e)
	return parsed.kind, ok
}

// Earlier reports whether a comes before b. Attributes compare as numbers, traces by month and then
// generation. Epochs of different kinds, and what is no epoch, are never earlier.
func Earlier(a, b domain.Epoch) bool {
	x, okX := parseEpoch(a)
	y, okY := parseEpoch(b)
	return okX && okY && x.kind == y.kind && cmp.Or(cmp.Compare(x.major, y.major), cmp.Compare(x.generation, y.generation)) < 0
}

func parseEpoch(e domain.Epoch) (epoch, bool) {
	if n, ok := count(string(e)); ok {
		return epoch{kind: AttributeEpochs, major: n}, true
	}
	month, rest, generations := strings.Cut(string(e), ".")
	t, err := time.Parse("2006-01", month)
	if err != nil {
		return epoch{}, false
	}
	parsed := epoch{kind: TraceEpochs, major: t.Year()*12 + int(t.Month())}
	if !generations {
		return parsed, true
	}
	n, ok := count(rest)
	parsed.generation = n
	return parsed, ok
}

// count reads a number from 1, in its one spelling: "01" would be a second name of the same epoch.
func count(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0 && strconv.Itoa(n) == s
}
