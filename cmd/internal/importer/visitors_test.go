package importer

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRejectedLineOpensNoFile: of whom only bad lines tell, the ledger holds nothing; and a bad line does not
// keep out the good ones that share its batch.
func TestRejectedLineOpensNoFile(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("x", 5000)
	future := strings.Replace(logLine("192.0.2.3", "/a"), "2015", "2999", 1)
	text := logLine("192.0.2.1", long) + logLine("192.0.2.1", long+"y") + // only bad ones
		logLine("192.0.2.2", long) + logLine("192.0.2.2", "/a") + logLine("192.0.2.2", long) +
		future + future + logLine("192.0.2.3", "/a") + strings.ReplaceAll(future, ".3", ".4") // refused by the ledger
	want := []string{"192.0.2.2\nA", "192.0.2.3\nA"}
	for batch := range 10 {
		f := newFake(t)
		for range 2 {
			got, rejects, err := run(t, f, text, batch+1)
			if err != nil || got.Rejected != 7 || got.Imported+got.Already != 2 {
				t.Fatalf("batches of %d: %+v, %v", batch+1, got, err)
			}
			var codes []string
			for _, r := range rejects {
				codes = append(codes, r.Code)
			}
			const tooLong, early = "value.too-long", "operation.future"
			if d := cmp.Diff([]string{tooLong, tooLong, tooLong, tooLong, early, early, early}, codes); d != "" {
				t.Errorf("batches of %d: reasons (-want +got):\n%s", batch+1, d)
			}
			var visitors []string
			for mark := range f.found {
				visitors = append(visitors, mark)
			}
			slices.Sort(visitors)
			if d := cmp.Diff(want, visitors); d != "" {
				t.Errorf("batches of %d: files are open for (-want +got):\n%s", batch+1, d)
			}
		}
		if len(f.taken) != 4 {
			t.Errorf("batches of %d: the ledger took %d commands, want 2 visitors and 2 visits", batch+1, len(f.taken))
		}
	}
}
