package esdbtest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

func TestReadStreamBoundaries(t *testing.T) {
	t.Parallel()
	c, _ := start(t, esdbtest.Config{})
	mustAppend(t, c, "s", esdb.NoStream{}, upTo(100)...)
	for name, x := range map[string]struct {
		dir   esdb.Direction
		from  esdb.StreamPosition
		count uint64
		want  []int
	}{
		"forwards, inclusive":                       {esdb.Forwards, esdb.Revision(98), 9, []int{98, 99}},
		"forwards from past the end is empty":       {esdb.Forwards, esdb.Revision(100), 9, nil},
		"forwards over several pages":               {esdb.Forwards, esdb.Start{}, 70, upTo(70)},
		"backwards, inclusive":                      {esdb.Backwards, esdb.Revision(1), 9, []int{1, 0}},
		"backwards from the end is the last":        {esdb.Backwards, esdb.End{}, 2, []int{99, 98}},
		"backwards from beyond the end is the last": {esdb.Backwards, esdb.Revision(5000), 2, []int{99, 98}},
		"backwards from the start":                  {esdb.Backwards, esdb.Start{}, 9, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := drain(c.ReadStream(testserver.Bounded(t), "s", esdb.ReadStreamOptions{Direction: x.dir, From: x.from}, x.count))
			if diff := cmp.Diff(x.want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestReadRefusals(t *testing.T) {
	t.Parallel()
	c, _ := start(t, esdbtest.Config{})
	mustAppend(t, c, "s", esdb.NoStream{}, 0)
	ctx := testserver.Bounded(t)
	for name, x := range map[string]struct {
		read func() (*esdb.ReadStream, error)
		code codes.Code
	}{
		"count 0 of a stream": {func() (*esdb.ReadStream, error) {
			return c.ReadStream(ctx, "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 0)
		}, codes.Unknown},
		"count 0 of $all": {func() (*esdb.ReadStream, error) { return c.ReadAll(ctx, esdb.ReadAllOptions{From: esdb.Start{}}, 0) }, codes.Unknown},
		"a stream forwards from its end": {func() (*esdb.ReadStream, error) {
			return c.ReadStream(ctx, "s", esdb.ReadStreamOptions{From: esdb.End{}}, 1)
		}, codes.Unknown},
		"commit below prepare": {func() (*esdb.ReadStream, error) {
			return c.ReadAll(ctx, esdb.ReadAllOptions{From: esdb.Position{Commit: 1, Prepare: 2}}, 1)
		}, codes.Unknown},
		"beyond any position": {func() (*esdb.ReadStream, error) {
			return c.ReadAll(ctx, esdb.ReadAllOptions{From: esdb.Position{Commit: 1 << 63, Prepare: 1 << 63}}, 1)
		}, codes.Unknown},
		"inside a record": {func() (*esdb.ReadStream, error) {
			return c.ReadAll(ctx, esdb.ReadAllOptions{From: esdb.Position{Commit: 1, Prepare: 1}}, 1)
		}, codes.InvalidArgument},
		"backwards from beyond the log": {func() (*esdb.ReadStream, error) {
			return c.ReadAll(ctx, esdb.ReadAllOptions{Direction: esdb.Backwards, From: esdb.Position{Commit: 1 << 40, Prepare: 1 << 40}}, 1)
		}, codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := drain(x.read())
			if e, ok := esdb.FromError(err); ok || status.Code(e.Err()) != x.code {
				t.Errorf("%v, want %v", err, x.code)
			}
		})
	}
}

func TestReadAllBoundaries(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{Log: esdbtest.NewLog(esdbtest.LogConfig{Bare: true})})
	mustAppend(t, c, "s", esdb.NoStream{}, upTo(5)...)
	at := func(i int) esdb.Position {
		p := s.Log().Records("s")[i].Position
		return esdb.Position{Commit: p, Prepare: p}
	}
	beyond := esdb.Position{Commit: 1 << 40, Prepare: 1 << 40}
	for name, x := range map[string]struct {
		dir  esdb.Direction
		from esdb.AllPosition
		want []int
	}{
		"forwards, inclusive":             {esdb.Forwards, at(3), []int{3, 4}},
		"forwards from the start":         {esdb.Forwards, esdb.Start{}, upTo(5)},
		"forwards from the end is empty":  {esdb.Forwards, esdb.End{}, nil},
		"forwards from beyond is empty":   {esdb.Forwards, beyond, nil},
		"backwards, exclusive":            {esdb.Backwards, at(2), []int{1, 0}},
		"backwards from the end":          {esdb.Backwards, esdb.End{}, []int{4, 3, 2, 1, 0}},
		"backwards from the start: empty": {esdb.Backwards, esdb.Start{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := drain(c.ReadAll(testserver.Bounded(t), esdb.ReadAllOptions{Direction: x.dir, From: x.from}, 100))
			if diff := cmp.Diff(x.want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestAllHidesTheServersOwnBookkeeping(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{})
	for _, stream := range []string{"$persistentsubscription-$all::g-checkpoint", "$persistentsubscription-$all::g-parked", "$persistentsubscription-x::g-checkpoint"} {
		if err := s.Log().Seed(esdbtest.Seed{Stream: stream, Type: "T"}); err != nil {
			t.Fatal(err)
		}
	}
	read, err := c.ReadAll(testserver.Bounded(t), esdb.ReadAllOptions{From: esdb.Start{}}, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	var seen []string
	for e, err := read.Recv(); err == nil; e, err = read.Recv() {
		seen = append(seen, e.Event.StreamID)
	}
	want := []string{"$user-admin", "$users", "$persistentsubscription-x::g-checkpoint"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMissingSoftDeletedAndTombstonedStreams(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{})
	prepare(t, c)
	read := func(stream string) ([]int, error) {
		return drain(c.ReadStream(testserver.Bounded(t), stream, esdb.ReadStreamOptions{From: esdb.Start{}}, 100))
	}
	for stream, want := range map[string]esdb.ErrorCode{
		"missing": esdb.ErrorCodeResourceNotFound, "gone": esdb.ErrorCodeResourceNotFound, "dead": esdb.ErrorCodeStreamDeleted,
	} {
		if _, err := read(stream); code(err) != want {
			t.Errorf("%s: %v, want code %d", stream, err, want)
		}
	}
	mustAppend(t, c, "gone", esdb.NoStream{}, 11)
	if got, err := read("gone"); err != nil || !slices.Equal(got, []int{11}) {
		t.Errorf("a stream that came back shows %v (%v), want only what is new", got, err)
	}
	if last := s.Log().Records("gone"); last[1].Revision != 1 {
		t.Errorf("it goes on at %d, want 1", last[1].Revision)
	}
	if _, err := c.DeleteStream(testserver.Bounded(t), "s", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(0)}); code(err) != esdb.ErrorCodeUnknown {
		t.Errorf("a deletion at the wrong revision is a status, got %v", err)
	}
}

func TestTruncationAppliesToStreamsAndNotToAll(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	log := esdbtest.NewLog(esdbtest.LogConfig{Bare: true, Now: func() time.Time { return now }})
	for i := range 4 {
		seed := esdbtest.Seed{ID: id(i), Stream: "aged", Type: "T", Data: fmt.Appendf(nil, `{"n":%d}`, i), Created: now.Add(time.Duration(i-3) * time.Hour)}
		if err := log.Seed(seed); err != nil {
			t.Fatal(err)
		}
	}
	c, _ := start(t, esdbtest.Config{Log: log})
	mustAppend(t, c, "counted", esdb.NoStream{}, upTo(4)...)
	mustAppend(t, c, "cut", esdb.NoStream{}, upTo(4)...)
	set := func(stream string, change func(*esdb.StreamMetadata)) {
		var m esdb.StreamMetadata
		change(&m)
		if _, err := c.SetStreamMetadata(testserver.Bounded(t), stream, esdb.AppendToStreamOptions{}, m); err != nil {
			t.Fatal(err)
		}
	}
	set("aged", func(m *esdb.StreamMetadata) { m.SetMaxAge(90 * time.Minute) })
	set("counted", func(m *esdb.StreamMetadata) { m.SetMaxCount(1) })
	set("counted", func(m *esdb.StreamMetadata) { m.SetMaxCount(3) })
	set("cut", func(m *esdb.StreamMetadata) { m.SetTruncateBefore(2) })
	for stream, want := range map[string][]int{"aged": {2, 3}, "counted": {1, 2, 3}, "cut": {2, 3}} {
		for dir, want := range map[esdb.Direction][]int{esdb.Forwards: want, esdb.Backwards: reversed(want)} {
			var from esdb.StreamPosition = esdb.Start{}
			if dir == esdb.Backwards {
				from = esdb.End{}
			}
			got, err := drain(c.ReadStream(testserver.Bounded(t), stream, esdb.ReadStreamOptions{Direction: dir, From: from}, 100))
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", stream, err, diff)
			}
		}
	}
	if next := mustAppend(t, c, "cut", esdb.Revision(3)); next.NextExpectedVersion != 3 {
		t.Errorf("the stream ends at %d, want 3: truncation never renumbers", next.NextExpectedVersion)
	}
	all, err := drain(c.ReadAll(testserver.Bounded(t), esdb.ReadAllOptions{From: esdb.Start{}}, 100))
	if err != nil || len(all) != 4+4+4+4 {
		t.Errorf("$all shows %d records (%v), want all 16", len(all), err)
	}
	meta, err := c.GetStreamMetadata(testserver.Bounded(t), "counted", esdb.ReadStreamOptions{From: esdb.Start{}})
	if err != nil || *meta.MaxCount() != 3 {
		t.Errorf("a metadata stream keeps its last record only, forwards too: %+v (%v)", meta, err)
	}
}

func reversed(ns []int) []int {
	out := slices.Clone(ns)
	slices.Reverse(out)
	return out
}

func TestLinks(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{})
	mustAppend(t, c, "s", esdb.NoStream{}, 0, 1)
	err := s.Log().Seed(
		esdbtest.Seed{Stream: "l", Type: "$>", Data: []byte("1@s")},
		esdbtest.Seed{Stream: "l", Type: "$>", Data: []byte("9@s")},
		esdbtest.Seed{Stream: "l", Type: "$>", Data: []byte("nonsense")},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, resolve := range []bool{false, true} {
		read, err := c.ReadStream(testserver.Bounded(t), "l", esdb.ReadStreamOptions{From: esdb.Start{}, ResolveLinkTos: resolve}, 10)
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		for i := range 3 {
			e, err := read.Recv()
			if err != nil {
				t.Fatal(err)
			}
			switch target := resolve && i == 0; {
			case target && (e.Event == nil || e.Event.StreamID != "s" || e.Event.EventNumber != 1 || e.Link == nil):
				t.Errorf("resolved: %+v", e)
			case resolve && !target && (e.Event != nil || e.Link == nil):
				t.Errorf("a link to nothing comes alone: %+v", e)
			case !resolve && (e.Link != nil || e.Event.StreamID != "l"):
				t.Errorf("not resolved: %+v", e)
			}
			if e.OriginalEvent().StreamID != "l" || e.OriginalEvent().EventNumber != uint64(i) {
				t.Errorf("the original is %+v", e.OriginalEvent())
			}
		}
	}
}

// A filter looks at the link itself: neither the target's type nor its stream counts.
func TestFilterSeesTheLinkNotItsTarget(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{Log: bareLog()})
	mustAppend(t, c, "target", esdb.NoStream{}, 0)
	if err := s.Log().Seed(esdbtest.Seed{Stream: "links", Type: "$>", Data: []byte("0@target")}); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		filter esdb.SubscriptionFilter
		want   []string // streams of the records that stand in the log
	}{
		"stream of the target": {esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"target"}}, []string{"target"}},
		"stream of the link":   {esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"links"}}, []string{"links"}},
		"type of the target":   {esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"T"}}, []string{"target"}},
		"type of the link":     {esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"$>"}}, []string{"links"}},
	} {
		sub := subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.Start{}, ResolveLinkTos: true, Filter: &x.filter})
		var seen []string
		for m := sub.Recv(); m.CaughtUp == nil; m = sub.Recv() {
			if m.SubscriptionDropped != nil {
				t.Fatal(m.SubscriptionDropped.Error)
			}
			if m.EventAppeared != nil {
				seen = append(seen, m.EventAppeared.OriginalEvent().StreamID)
			}
		}
		if diff := cmp.Diff(x.want, seen); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The wire can read $all through a filter and name ids as text; the official client asks for neither.
func TestFilteredReadOnTheWire(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{})
	for i := range 100 {
		mustAppend(t, c, fmt.Sprintf("%c-%d", "ab"[i%2], i), esdb.NoStream{}, i)
	}
	call, err := raw(t, s).Read(testserver.Bounded(t), &streams.ReadReq{Options: &streams.ReadReq_Options{
		StreamOption:  &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}}}},
		ReadDirection: streams.ReadReq_Options_Backwards,
		CountOption:   &streams.ReadReq_Options_Count{Count: 40},
		FilterOption: &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
			Filter: &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{"b-"}}},
			Window: &streams.ReadReq_Options_FilterOptions_Count{Count: &shared.Empty{}},
		}},
		UuidOption: &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{String_: &shared.Empty{}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for resp, err := call.Recv(); err == nil; resp, err = call.Recv() {
		want := 99 - 2*n
		e := resp.GetEvent().GetEvent()
		if e.GetId().GetString_() != id(want).String() || e.GetPreparePosition() != e.GetCommitPosition() {
			t.Fatalf("record %d: %v, want event %d", n, e, want)
		}
		n++
	}
	if n != 40 {
		t.Errorf("%d records, want 40", n)
	}
}

func TestFilterNeedsExactlyOneExpression(t *testing.T) {
	t.Parallel()
	s := testserver.New(t, esdbtest.Config{})
	for name, expr := range map[string]*streams.ReadReq_Options_FilterOptions_Expression{
		"none": {}, "both": {Regex: "a", Prefix: []string{"a"}}, "broken": {Regex: "("},
	} {
		call, err := raw(t, s).Read(testserver.Bounded(t), &streams.ReadReq{Options: &streams.ReadReq_Options{
			StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{}},
			CountOption:  &streams.ReadReq_Options_Count{Count: 1},
			FilterOption: &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
				Filter: &streams.ReadReq_Options_FilterOptions_EventType{EventType: expr}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call.Recv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}
