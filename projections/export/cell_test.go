package export

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// FuzzCell: a cell is written as encoding/csv writes it, byte for byte, after it was made harmless.
func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "a", "=1", "a,b", `a"b`, " a", "a b", "\u00a0x", "\r", "a\nb", `\.`, "\u4e2d", "-1", "a=1", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.Write([]string{"x", Neutral(cell), "y"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		got := string(appendCell([]byte("x,"), []byte(cell))) + ",y\n"
		if got != b.String() {
			t.Fatalf("%q is written as %q, want %q", cell, got, b.String())
		}
	})
}

func TestTextIsThatOfTheLibraries(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Date(2026, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("x", 3600)),
		time.Date(999, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(10_000, 1, 2, 3, 4, 5, 6_000, time.UTC), time.Date(1000, 10, 20, 10, 20, 30, 40_050_000, time.UTC)} {
		if got, want := string(appendStamp(nil, at)), at.UTC().Format("2006-01-02T15:04:05.000000Z"); got != want {
			t.Errorf("%s is written as %s", want, got)
		}
	}
	for range 100 {
		id := uuid.New()
		if got := string(appendID(nil, id)); got != `"`+id.String()+`"` {
			t.Errorf("%s is written as %s", id, got)
		}
	}
	if strings.Contains(string(beginnings()), "=") {
		t.Error("a cell may begin with a formula")
	}
}

// beginnings lists the bytes with which a cell stands as it is.
func beginnings() (out []byte) {
	for b, ok := range begins {
		if ok {
			out = append(out, byte(b)) // #nosec G115 -- an index of 256
		}
	}
	return out
}
