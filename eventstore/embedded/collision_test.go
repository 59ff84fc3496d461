package embedded_test

import (
	"fmt"
	"testing"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
)

// TestStreamsWithTheSameHashStayApart gives every stream of fill the same hash, in memory and in run files.
func TestStreamsWithTheSameHashStayApart(t *testing.T) {
	t.Parallel()
	s := open(t, embedded.Config{Dir: t.TempDir(), TailEvents: 20, HeadCache: 1})
	embedded.Collide(s)
	const records = 300
	fill(t, s, records)
	verify(t, s, records)
	for _, missing := range []string{"s8", "xx", "longer name"} {
		if head, err := s.StreamHead(t.Context(), missing); err != nil || head != eventstore.NoStream {
			t.Errorf("head of %s, which does not exist: %d, %v", missing, head, err)
		}
		for r, err := range s.ReadStream(t.Context(), missing, eventstore.NoStream) {
			t.Errorf("%s, which does not exist, has record %d, %v", missing, r.Position, err)
		}
	}
	// A short stream beside long ones of the same hash, read from its middle.
	if _, err := s.Append(t.Context(), "s9", eventstore.NoStream, events("s9", 5)); err != nil {
		t.Fatal(err)
	}
	fill(t, s, records)
	var got []string
	for r, err := range s.ReadStream(t.Context(), "s9", 2) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(r.Stream, r.Revision))
	}
	if fmt.Sprint(got) != "[s93 s94]" {
		t.Errorf("the end of s9 reads %v", got)
	}
}
