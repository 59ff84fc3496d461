package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"imagine.ua/litopys/eventstore"
)

// What decodes encodes to the same bytes, so no second spelling of an identity exists.
func FuzzIdentity(f *testing.F) {
	f.Add([]byte(`{"ledger":"7b0d9d2e-4c5a-4f0e-8a1b-2c3d4e5f6071"}`))
	f.Add([]byte(`{"ledger":"7B0D9D2E-4C5A-4F0E-8A1B-2C3D4E5F6071"}`))
	f.Add([]byte(`{"ledger":"urn:uuid:7b0d9d2e-4c5a-4f0e-8a1b-2c3d4e5f6071"}`))
	f.Add([]byte(`{"ledger":"00000000-0000-0000-0000-000000000000"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, ok := decodeIdentity(data)
		if !ok {
			return
		}
		again, err := encodeIdentity(id)
		if err != nil || string(again) != string(data) || id == uuid.Nil {
			t.Errorf("%q decodes to %s, which encodes to %q (%v)", data, id, again, err)
		}
	})
}

// A record that the server sends is taken whole, with its numbers, or is damage; never a panic, and never a
// revision or a position that the contract does not know.
func FuzzRecord(f *testing.F) {
	f.Add("one/subject-a", "DataCollected.v1", []byte(`{}`), []byte(nil), uint64(0), uint64(0), uint64(0))
	f.Add("subject-a", "", []byte(nil), []byte(nil), uint64(1<<63), uint64(5), uint64(5))
	f.Add("one/subject-a", "T", []byte(nil), []byte(nil), uint64(math.MaxInt64-1), uint64(math.MaxInt64-1), uint64(math.MaxInt64-1))
	f.Add("$x", "$>", []byte("0@s"), []byte(nil), uint64(7), uint64(9), uint64(8))
	s := &Store{cfg: Config{Namespace: "one/"}, place: "esdb://test"}
	f.Fuzz(func(t *testing.T, stream, kind string, data, meta []byte, number, commit, prepare uint64) {
		event, err := s.original(&esdb.ResolvedEvent{Event: &esdb.RecordedEvent{StreamID: stream, EventType: kind, Data: data,
			UserMetadata: meta, EventNumber: number, Position: esdb.Position{Commit: commit, Prepare: prepare}}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.record(event)
		if sound := commit == prepare && commit < math.MaxInt64 && number < math.MaxInt64; sound != (err == nil) {
			t.Fatalf("%d at %d/%d: %v", number, commit, prepare, err)
		}
		if err != nil {
			if !errors.Is(err, eventstore.ErrCorrupt) {
				t.Errorf("%v, want damage", err)
			}
			return
		}
		if uint64(r.Revision) != number || r.Revision < 0 || wire(r.Position) != event.Position || r.Position == eventstore.Start ||
			r.Type != kind || string(r.Data) != string(data) || string(r.Meta) != string(meta) {
			t.Errorf("%+v became %+v", event, r)
		}
		if in := strings.HasPrefix(stream, "one/"); in != (s.cfg.Namespace+r.Stream == stream) && in {
			t.Errorf("stream %q became %q", stream, r.Stream)
		}
	})
}

func TestRecordWithoutContentIsDamage(t *testing.T) {
	t.Parallel()
	_, err := (&Store{}).original(&esdb.ResolvedEvent{})
	if !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("%v", err)
	}
}

// FuzzConflictWords: a revision that is read from the client's words is the one that they end with.
func FuzzConflictWords(f *testing.F) {
	for _, text := range []string{
		"[ErrorCodeWrongExpectedVersion] wrong expected version: wrong expected version: expecting 'no_stream' but got '3'",
		"wrong expected version: expecting '7' but got 'no_stream'",
		"but got '-3'", "but got '9223372036854775808'", "but got '00'", "but got '3' ", "got '3'", "but got 'any'",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		revision, ok := foundIn(text)
		if !ok {
			return
		}
		word := strconv.FormatInt(revision, 10)
		if revision == eventstore.NoStream {
			word = "no_stream"
		}
		tail := text[strings.LastIndex(text, "but got '")+len("but got '"):]
		if tail = strings.TrimLeft(tail, "0"); revision < eventstore.NoStream || tail != word+"'" && (revision != 0 || tail != "'") {
			t.Errorf("%q is read as %d", text, revision)
		}
	})
}

// closedError is what a client that was closed, or is dead, gives: an error of its own type.
func closedError(t *testing.T) error {
	t.Helper()
	conf, err := esdb.ParseConnectionString("esdb://127.0.0.1:1?tls=false")
	if err != nil {
		t.Fatal(err)
	}
	c, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = c.AppendToStream(t.Context(), "s", esdb.AppendToStreamOptions{})
	return err
}

// TestJudgeLooksInsideWrappedErrors: esdb.FromError does not, so a status wrapped by the client would be
// taken for an unknown error by who asks it.
func TestJudgeLooksInsideWrappedErrors(t *testing.T) {
	t.Parallel()
	wrap := func(err error) error {
		return fmt.Errorf("could not send append request. Reason: %w", fmt.Errorf("inner: %w", err))
	}
	for _, x := range []struct {
		err  error
		want fate
	}{
		{status.Error(codes.Unavailable, "Server Is Not Ready"), fateUnavailable},
		{status.Error(codes.PermissionDenied, "Access Denied"), fateDenied},
		{status.Error(codes.Unauthenticated, "Bad credentials"), fateDenied},
		{status.Error(codes.Unimplemented, ""), fateDenied},
		{status.Error(codes.InvalidArgument, "Maximum Append Size of 1 Exceeded."), fateTooLarge},
		{status.Error(codes.InvalidArgument, "Trying to read from an invalid position"), fateInvalid},
		{status.Error(codes.NotFound, "No leader info available"), fateUnknown},
		{status.Error(codes.Aborted, "Operation timed out: Commit timeout"), fateUnknown},
		{status.Error(codes.DeadlineExceeded, ""), fateUnknown},
		{status.Error(codes.Canceled, ""), fateUnknown},
		{status.Error(codes.Unknown, "Exception was thrown by handler."), fateUnknown},
		{io.EOF, fateLost},
		{unsent{io.EOF}, fateUnsent},
		{unsent{status.Error(codes.Unavailable, "")}, fateUnsent},
		{context.Canceled, fateUnknown},
		{closedError(t), fateClosed},
	} {
		for _, err := range []error{x.err, wrap(x.err)} {
			if got := judge(err); got != x.want {
				t.Errorf("%v: fate %d, want %d", err, got, x.want)
			}
		}
	}
	if e, _ := esdb.FromError(wrap(closedError(t))); e == nil || e.Code() != esdb.ErrorCodeUnknown {
		t.Error("the client looks inside wrapped errors now")
	}
	for _, f := range []fate{fateConflict, fateMissing, fateDeleted, fateDenied, fateTooLarge, fateInvalid} {
		if !f.final() || f.written() {
			t.Errorf("fate %d is not taken for final", f)
		}
	}
	for _, f := range []fate{fateUnknown, fateUnavailable, fateLost} {
		if f.final() || !f.written() {
			t.Errorf("what fate %d met may stand in the log", f)
		}
	}
}
