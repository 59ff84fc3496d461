package esdbtest_test

import (
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

// The stream holds events 0, 1, 2 at revisions 0, 1, 2 when a rule is tried.
func TestAppendRules(t *testing.T) {
	t.Parallel()
	const written, refused = esdb.ErrorCode(-2), esdb.ErrorCodeWrongExpectedVersion
	for _, rule := range []struct {
		name   string
		stream string // default: the stream with three events
		want   esdb.ExpectedRevision
		ids    []int
		code   esdb.ErrorCode // written: accepted
		last   uint64         // revision answered
		len    int            // of the stream afterwards
	}{
		{"at the head", "", esdb.Revision(2), []int{3, 4}, written, 4, 5},
		{"at the head, ids already written: written again", "", esdb.Revision(2), []int{0, 1}, written, 4, 5},
		{"beyond the head", "", esdb.Revision(3), []int{3}, refused, 0, 3},
		{"behind the head, new id", "", esdb.Revision(1), []int{3}, refused, 0, 3},
		{"repeat from the start", "", esdb.NoStream{}, []int{0, 1, 2}, written, 2, 3},
		{"repeat of a prefix", "", esdb.NoStream{}, []int{0, 1}, written, 1, 3},
		{"repeat in the middle", "", esdb.Revision(0), []int{1}, written, 1, 3},
		{"repeat and something new", "", esdb.NoStream{}, []int{0, 1, 2, 3}, refused, 0, 3},
		{"repeat in another order", "", esdb.NoStream{}, []int{0, 2, 1}, refused, 0, 3},
		{"no stream, but there is one", "", esdb.NoStream{}, []int{3}, refused, 0, 3},
		{"any, new", "", esdb.Any{}, []int{3}, written, 3, 4},
		{"any, all known: revision of the last id given", "", esdb.Any{}, []int{2, 0}, written, 0, 3},
		{"any, first known, later unknown", "", esdb.Any{}, []int{0, 3}, refused, 0, 3},
		{"any, first unknown, later known: all written", "", esdb.Any{}, []int{3, 0}, written, 4, 5},
		{"exists, new", "", esdb.StreamExists{}, []int{3}, written, 3, 4},
		{"exists, all known", "", esdb.StreamExists{}, []int{0, 1}, written, 1, 3},
		{"exists, but it does not", "missing", esdb.StreamExists{}, []int{3}, refused, 0, 0},
		{"exists, no events but metadata", "described", esdb.StreamExists{}, []int{3}, written, 0, 1},
		{"revision of a missing stream", "missing", esdb.Revision(0), []int{3}, refused, 0, 0},
		{"any in another stream, ids of the first: written", "missing", esdb.Any{}, []int{0, 1}, written, 1, 2},
		{"tombstoned", "dead", esdb.Any{}, []int{3}, esdb.ErrorCodeStreamDeleted, 0, 0},
		{"tombstoned, no stream", "dead", esdb.NoStream{}, []int{3}, esdb.ErrorCodeStreamDeleted, 0, 0},
		{"metadata of a tombstoned stream", "$$dead", esdb.Any{}, []int{3}, esdb.ErrorCodeStreamDeleted, 0, 0},
		{"soft-deleted, exists", "gone", esdb.StreamExists{}, []int{3}, esdb.ErrorCodeStreamDeleted, 0, 1},
		{"soft-deleted, no stream", "gone", esdb.NoStream{}, []int{3}, written, 1, 2},
		{"soft-deleted, any", "gone", esdb.Any{}, []int{3}, written, 1, 2},
		{"nothing at the right revision", "", esdb.Revision(2), nil, written, 2, 3},
		{"nothing at the wrong revision", "", esdb.Revision(1), nil, refused, 0, 3},
	} {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			c, s := start(t, esdbtest.Config{})
			prepare(t, c)
			stream := rule.stream
			if stream == "" {
				stream = "s"
			}
			tail := s.Log().Tail()
			r, err := appendTo(t, c, stream, rule.want, rule.ids...)
			if rule.code != written {
				if got := code(err); got != rule.code {
					t.Errorf("code %d, want %d (%v)", got, rule.code, err)
				}
				if s.Log().Tail() != tail {
					t.Error("a refused append moved the log")
				}
			} else if err != nil {
				t.Fatal(err)
			} else if r.NextExpectedVersion != rule.last {
				t.Errorf("revision %d, want %d", r.NextExpectedVersion, rule.last)
			}
			if n := len(s.Log().Records(stream)); n != rule.len {
				t.Errorf("%d events, want %d", n, rule.len)
			}
		})
	}
}

// prepare makes "s" with three events, "dead" tombstoned, "gone" soft-deleted with one event, and
// "described" with metadata only.
func prepare(t *testing.T, c *esdb.Client) {
	t.Helper()
	mustAppend(t, c, "s", esdb.NoStream{}, 0, 1, 2)
	mustAppend(t, c, "gone", esdb.NoStream{}, 10)
	var described esdb.StreamMetadata
	described.SetMaxCount(1000)
	if _, err := c.SetStreamMetadata(testserver.Bounded(t), "described", esdb.AppendToStreamOptions{}, described); err != nil {
		t.Fatal(err)
	}
	if _, err := c.TombstoneStream(testserver.Bounded(t), "dead", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteStream(testserver.Bounded(t), "gone", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(0)}); err != nil {
		t.Fatal(err)
	}
}

func TestAnyIsIdempotentByMemoryOnly(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{})
	mustAppend(t, c, "s", esdb.Any{}, 0, 1)
	mustAppend(t, c, "s", esdb.Any{}, 0, 1)
	if n := len(s.Log().Records("s")); n != 2 {
		t.Fatalf("%d events after a repeat, want 2", n)
	}
	s.Log().ForgetRecentIDs()
	mustAppend(t, c, "s", esdb.NoStream{}, 0, 1)
	if n := len(s.Log().Records("s")); n != 2 {
		t.Fatalf("%d events: an explicit revision must not need the memory", n)
	}
	mustAppend(t, c, "s", esdb.Any{}, 0, 1)
	if n := len(s.Log().Records("s")); n != 4 {
		t.Fatalf("%d events after the memory was lost, want 4", n)
	}
}

func TestRecentIDsAreBounded(t *testing.T) {
	t.Parallel()
	log := esdbtest.NewLog(esdbtest.LogConfig{RecentBytes: 10 * 29, Bare: true}) // ten ids in stream "s"
	c, s := start(t, esdbtest.Config{Log: log})
	mustAppend(t, c, "s", esdb.Any{}, upTo(11)...)
	mustAppend(t, c, "s", esdb.Any{}, 5)
	if n := len(s.Log().Records("s")); n != 11 {
		t.Fatalf("%d events: the tenth last id is still known", n)
	}
	mustAppend(t, c, "s", esdb.Any{}, 0)
	if n := len(s.Log().Records("s")); n != 12 {
		t.Fatalf("%d events: the oldest id is forgotten", n)
	}
}

// The first stream to use an id keeps it in the cache: in the second one a repeat is written again.
func TestRecentIDBelongsToItsFirstStream(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{})
	for _, stream := range []string{"a", "b", "a", "b"} {
		mustAppend(t, c, stream, esdb.Any{}, 0)
	}
	if a, b := len(s.Log().Records("a")), len(s.Log().Records("b")); a != 1 || b != 2 {
		t.Fatalf("%d and %d events, want 1 and 2", a, b)
	}
}

func TestPositionsAreBytesAndEachEventHasItsOwn(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{})
	r := mustAppend(t, c, "s", esdb.NoStream{}, 0, 1, 2)
	records := s.Log().Records("s")
	if last := records[2].Position; r.CommitPosition != last || r.PreparePosition != last {
		t.Errorf("answered %d/%d, the last event stands at %d", r.CommitPosition, r.PreparePosition, last)
	}
	size := uint64(88 + 1 + len("s") + 1 + len("T") + len(`{"n":0}`))
	for i := 1; i < 3; i++ {
		if step := records[i].Position - records[i-1].Position; step != size {
			t.Errorf("event %d stands %d bytes on, want %d", i, step, size)
		}
	}
	before := s.Log().Tail()
	mustAppend(t, c, "s", esdb.Revision(2))
	if s.Log().Tail() == before {
		t.Error("an empty append takes its place in the log")
	}
}

func TestConflictIsToldInWords(t *testing.T) {
	t.Parallel()
	c, _ := start(t, esdbtest.Config{})
	mustAppend(t, c, "s", esdb.NoStream{}, 0, 1)
	for _, x := range []struct {
		stream string
		want   esdb.ExpectedRevision
		text   string
	}{
		{"s", esdb.NoStream{}, "expecting 'no_stream' but got '1'"},
		{"s", esdb.Revision(7), "expecting '7' but got '1'"},
		{"none", esdb.Revision(7), "expecting '7' but got 'no_stream'"},
		{"none", esdb.StreamExists{}, "expecting 'stream_exists' but got 'no_stream'"},
	} {
		_, err := appendTo(t, c, x.stream, x.want, 5)
		got := ""
		if err != nil {
			got = err.Error()
		}
		want := "[ErrorCodeWrongExpectedVersion] wrong expected version: wrong expected version: " + x.text
		if len(got) < len(x.text) || got[len(got)-len(x.text):] != x.text {
			t.Error(cmp.Diff(want, got))
		}
	}
}
