package export_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/schema"
	"imagine.ua/litopys/eventstore/seal"
	"imagine.ua/litopys/projections/export"
	"imagine.ua/litopys/projections/projtest"
)

// records is a log in memory.
type records []eventstore.Record

func (l records) Head(context.Context) (eventstore.Position, error) { return l[len(l)-1].Position, nil }

func (l records) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for _, r := range l {
			if ctx.Err() != nil {
				yield(eventstore.Record{}, ctx.Err())
				return
			}
			if r.Position > after && !yield(r, nil) {
				return
			}
		}
	}
}

// stored is a log of plausible people, as events and as records.
func stored(t testing.TB, seed uint64, n int) ([]domain.Recorded, records, *projtest.Crowd) {
	t.Helper()
	c := projtest.NewCrowd(rand.New(rand.NewPCG(seed, 9)).IntN)
	log := projtest.NewLog(uuid.New())
	log.Append(c.Recipients()...)
	log.Append(c.Some(n)...)
	var out records
	for _, e := range log.Events() {
		name, data, err := schema.Encode(e.Event)
		if err != nil {
			t.Fatal(err)
		}
		meta, err := schema.EncodeMeta(e.Meta)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, eventstore.Record{Event: eventstore.Event{ID: e.ID, Type: name, Data: data, Meta: meta},
			Stream: string(e.Stream), Revision: e.Revision, Position: eventstore.Position(e.Position)})
	}
	return log.Events(), out, c
}

// fates is a key store in which a third of the keys are live, a third retained, a third destroyed.
type fates struct{}

func (fates) of(id uuid.UUID) keys.Key {
	k := keys.Key{ID: id, State: keys.Live}
	switch id[15] % 3 {
	case 1:
		k.State, k.Rule, k.Until = keys.Retained, "limitation", time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)
	case 2:
		k.State = keys.Destroyed
	}
	return k
}

func (f fates) Open(_ context.Context, ids []uuid.UUID) ([]keys.Key, error) {
	out := make([]keys.Key, len(ids))
	for i, id := range ids {
		out[i] = f.of(id)
	}
	return out, nil
}

// told is a line as a program reads it.
type told struct {
	Position uint64          `json:"position"`
	Event    uuid.UUID       `json:"event"`
	Stream   string          `json:"stream"`
	Revision int64           `json:"revision"`
	Type     string          `json:"type"`
	Occurred time.Time       `json:"occurred"`
	Recorded time.Time       `json:"recorded"`
	Actor    string          `json:"actor"`
	Purpose  string          `json:"purpose"`
	Data     json.RawMessage `json:"data"`
}

func lines(t testing.TB, b []byte) (out []told) {
	t.Helper()
	for line := range bytes.Lines(b) {
		var x told
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, x)
	}
	return out
}

// states lists field, epoch and state of all values of a document, and fails on anything else beside them.
func states(t testing.TB, data []byte) (out [][3]string) {
	t.Helper()
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			if state, ok := v["state"].(string); ok {
				out = append(out, [3]string{v["field"].(string), v["epoch"].(string), state})
				if _, term := v["until"]; term != (state == "retained") || v["sealed"] != nil {
					t.Errorf("a value is told as %v", v)
				}
				return
			}
			for _, key := range []string{"reference", "items", "basis", "statement"} {
				walk(v[key])
			}
		}
	}
	var document any
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	walk(document)
	return out
}

// Every event is told once, in order, with all that stands in clear and the state of every value, and with
// not a byte of any sealed one.
func TestLogTellsEverythingButValues(t *testing.T) {
	t.Parallel()
	events, log, _ := stored(t, 1, 1200)
	var b bytes.Buffer
	done, err := export.Log(t.Context(), &b, export.LogSource{Log: log, Keys: fates{}}, export.LogFilter{}, nil)
	if err != nil || done.Written != int64(len(log)) || done.Read != done.Written || done.Position != events[len(events)-1].Position {
		t.Fatalf("%+v, %v", done, err)
	}
	names := map[keys.State]string{keys.Live: "sealed", keys.Retained: "retained", keys.Destroyed: "erased"}
	for i, x := range lines(t, b.Bytes()) {
		e := events[i]
		if x.Position != e.Position || x.Event != e.ID || x.Stream != string(e.Stream) || x.Revision != e.Revision || x.Type != log[i].Type ||
			!x.Occurred.Equal(e.Meta.OccurredAt) || !x.Recorded.Equal(e.Meta.RecordedAt) || x.Actor != string(e.Meta.Actor.ID) || x.Purpose != string(e.Meta.Purpose) {
			t.Fatalf("line %d tells %+v of %+v", i, x, e)
		}
		var want [][3]string
		for _, item := range e.Event.Personal() {
			sealed, _ := item.Value.SealedBytes()
			id, err := seal.KeyID(sealed)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, [3]string{string(item.Field), string(item.Epoch), names[fates{}.of(id).State]})
			if bytes.Contains(b.Bytes(), []byte(base64.StdEncoding.EncodeToString(sealed)[30:60])) {
				t.Fatalf("line %d holds sealed bytes", i)
			}
		}
		if got := states(t, x.Data); !slices.Equal(got, want) {
			t.Fatalf("line %d tells values %v, want %v", i, got, want)
		}
	}
}

// What the filter lets through is what a reader picks who decodes everything.
func TestLogFilters(t *testing.T) {
	t.Parallel()
	events, log, c := stored(t, 2, 300)
	var recipients []domain.RecipientID
	for _, e := range c.Recipients() {
		id, _ := e.Stream.Owner()
		recipients = append(recipients, domain.RecipientID{UUID: id})
	}
	rapid.Check(t, func(r *rapid.T) {
		var f export.LogFilter
		maybe := func(name string) bool { return rapid.IntRange(0, 3).Draw(r, name) == 0 }
		when := func(name string) time.Time {
			return events[rapid.IntRange(0, len(events)-1).Draw(r, name)].Meta.RecordedAt
		}
		if maybe("type") {
			f.Types = []string{rapid.SampledFrom([]string{"DataCollected", "DataTransferred.v1"}).Draw(r, "name"), "DataViewed"}
		}
		if maybe("purpose") {
			f.Purpose = "contact"
		}
		if maybe("actor") {
			f.Actor, f.ActorKind = "E-2", rapid.SampledFrom([]domain.ActorKind{"", domain.ActorEmployee, domain.ActorSystem}).Draw(r, "kind")
		}
		if maybe("subject") {
			f.Subject = rapid.SampledFrom(c.Subjects()).Draw(r, "who")
		}
		if maybe("recipient") {
			f.Recipient = rapid.SampledFrom(recipients).Draw(r, "to whom")
		}
		if maybe("from") {
			f.From = when("since")
		}
		if maybe("to") {
			f.To = when("until")
		}
		if maybe("known") {
			f.KnownFrom, f.KnownTo = when("known from"), when("known to")
		}
		if maybe("after") {
			f.After = events[rapid.IntRange(0, len(events)-1).Draw(r, "place")].Position
		}
		var want []uint64
		for i, e := range events {
			if picked(f, e, log[i]) {
				want = append(want, e.Position)
			}
		}
		if maybe("limit") {
			f.Limit = rapid.Int64Range(1, 40).Draw(r, "most")
			want = want[:min(len(want), int(f.Limit))]
		}
		var b bytes.Buffer
		done, err := export.Log(t.Context(), &b, export.LogSource{Log: log}, f, nil)
		if err != nil {
			r.Fatal(err)
		}
		var got []uint64
		for line := range strings.Lines(b.String()) {
			number, _, _ := strings.Cut(strings.TrimPrefix(line, `{"position":`), ",")
			position, err := strconv.ParseUint(number, 10, 64)
			if err != nil {
				r.Fatal(err)
			}
			got = append(got, position)
		}
		if !slices.Equal(got, want) || done.Written != int64(len(want)) {
			r.Fatalf("%+v lets through %v, want %v", f, got, want)
		}
		if n := len(want); f.Limit > 0 && n == int(f.Limit) && done.Position != want[n-1] {
			r.Fatalf("to position %d, the last line has %d", done.Position, want[n-1])
		}
	})
}

func picked(f export.LogFilter, e domain.Recorded, r eventstore.Record) bool {
	bare, _, _ := strings.Cut(r.Type, ".")
	m := e.Meta
	named := func(id uuid.UUID) bool { return id == uuid.Nil || strings.Contains(string(r.Data), id.String()) }
	return e.Position > f.After && (len(f.Types) == 0 || slices.Contains(f.Types, bare) || slices.Contains(f.Types, r.Type)) &&
		(f.Purpose == "" || m.Purpose == f.Purpose) && (f.Actor == "" || m.Actor.ID == f.Actor) && (f.ActorKind == "" || m.Actor.Kind == f.ActorKind) &&
		(f.From.IsZero() || !m.OccurredAt.Before(f.From)) && (f.To.IsZero() || m.OccurredAt.Before(f.To)) &&
		(f.KnownFrom.IsZero() || !m.RecordedAt.Before(f.KnownFrom)) && (f.KnownTo.IsZero() || !m.RecordedAt.After(f.KnownTo)) &&
		named(f.Subject.UUID) && named(f.Recipient.UUID)
}

// A replay stops at what it cannot read, having told what stands before; what a filter excludes by its type
// it does not look into.
func TestLogStops(t *testing.T) {
	t.Parallel()
	_, log, _ := stored(t, 3, 900)
	at := slices.IndexFunc(log[700:], func(r eventstore.Record) bool { return r.Type == "DataCollected.v1" }) + 700
	for name, c := range map[string]struct {
		damage func(*eventstore.Record)
		want   error
	}{
		"unknown type":     {func(r *eventstore.Record) { r.Type = "DataCollected.v9" }, schema.ErrUnknownEvent},
		"no document":      {func(r *eventstore.Record) { r.Data = r.Data[:len(r.Data)-1] }, eventstore.ErrCorrupt},
		"no metadata":      {func(r *eventstore.Record) { r.Meta = []byte("{}") }, eventstore.ErrCorrupt},
		"no sealed values": {func(r *eventstore.Record) { r.Data = blunt(r.Data) }, eventstore.ErrCorrupt},
	} {
		bad := slices.Clone(log)
		c.damage(&bad[at])
		var b bytes.Buffer
		done, err := export.Log(t.Context(), &b, export.LogSource{Log: bad, Keys: fates{}}, export.LogFilter{}, nil)
		if !errors.Is(err, c.want) || len(lines(t, b.Bytes())) != at || done.Written != int64(at) {
			t.Errorf("%s: %d lines before %v, want %d", name, done.Written, err, at)
		}
		if _, err := export.Log(t.Context(), io.Discard, export.LogSource{Log: bad}, export.LogFilter{Types: []string{"DataTransferred"}}, nil); err != nil {
			t.Errorf("%s: a replay of another type gives %v", name, err)
		}
	}
}

// blunt leaves of a sealed value what is valid base64 and no sealed value.
func blunt(data []byte) []byte {
	before, rest, _ := bytes.Cut(data, []byte(`"sealed":"`))
	_, after, _ := bytes.Cut(rest, []byte{'"'})
	return slices.Concat(before, []byte(`"sealed":"AbCd"`), after)
}

type closed struct{ after int }

func (c *closed) Write(b []byte) (int, error) {
	if c.after--; c.after < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}

var errKeys = errors.New("the keys are away")

type away struct{}

func (away) Open(context.Context, []uuid.UUID) ([]keys.Key, error) { return nil, errKeys }

// A reader who leaves, a context that ends and keys that cannot be asked end it; nothing hangs, and what was
// written are whole lines.
func TestLogEndsEarly(t *testing.T) {
	t.Parallel()
	_, log, _ := stored(t, 4, 3000)
	for _, after := range []int{0, 1, 3} {
		if _, err := export.Log(t.Context(), &closed{after}, export.LogSource{Log: log}, export.LogFilter{}, nil); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a reader who left gives %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var b bytes.Buffer
	calls := 0
	done, err := export.Log(ctx, &b, export.LogSource{Log: log, Keys: fates{}}, export.LogFilter{}, func(p export.LogProgress) {
		if calls++; calls == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || done.Written == 0 || int64(len(lines(t, b.Bytes()))) != done.Written {
		t.Errorf("an ended context gives %+v, %v", done, err)
	}
	if _, err := export.Log(t.Context(), &b, export.LogSource{Log: log, Keys: away{}}, export.LogFilter{}, nil); !errors.Is(err, errKeys) {
		t.Errorf("keys that are away give %v", err)
	}
}

// FuzzLogText: whatever a document's texts hold, a line is one valid line, and shows no sealed value.
func FuzzLogText(f *testing.F) {
	for _, s := range []string{"a", `"sealed":"x"`, `\"sealed\":\"`, "\u2028\n", `{"state":"sealed"}`, "\x00", "\xff"} {
		f.Add(s, []byte("value"))
	}
	f.Fuzz(func(t *testing.T, text string, value []byte) {
		id := domain.SubjectID{UUID: uuid.UUID{1}}
		sealed := append(append([]byte{1}, bytes.Repeat([]byte{7}, 28)...), append(bytes.Repeat([]byte{0xa5}, 32), bytes.Repeat([]byte{9}, 16)...)...)
		copy(sealed[29:61], value)
		event := subject.Collected{Subject: id, Source: subject.Source(text), Items: []domain.Item{
			{Subject: id, Field: domain.Field(text), Epoch: "1", Value: domain.SealedValue(sealed)}}}
		name, data, err := schema.Encode(event)
		if err != nil {
			return // it is no text that can be stored
		}
		meta, err := schema.EncodeMeta(domain.Meta{Actor: domain.Actor{Kind: "system", ID: "x"}, OccurredAt: time.Unix(1, 0), RecordedAt: time.Unix(2, 0),
			Purpose: domain.Purpose(text), Grounds: "g", Service: "s", Policy: text})
		if err != nil {
			t.Fatal(err)
		}
		log := records{{Event: eventstore.Event{ID: uuid.New(), Type: name, Data: data, Meta: meta}, Stream: "s", Position: 1}}
		var b bytes.Buffer
		if _, err := export.Log(t.Context(), &b, export.LogSource{Log: log, Keys: fates{}}, export.LogFilter{}, nil); err != nil {
			t.Fatal(err)
		}
		all := lines(t, b.Bytes())
		if len(all) != 1 || all[0].Purpose != text || bytes.Contains(b.Bytes(), []byte(base64.StdEncoding.EncodeToString(sealed)[4:])) {
			t.Fatalf("%q is told as %s", text, b.Bytes())
		}
		if got := states(t, all[0].Data); len(got) != 1 || got[0][0] != text || got[0][2] == "" {
			t.Fatalf("%q: values %v", text, got)
		}
	})
}
