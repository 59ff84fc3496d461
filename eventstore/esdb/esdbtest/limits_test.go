package esdbtest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

func proposedMessage(typ string, size int) *streams.AppendReq_ProposedMessage {
	return &streams.AppendReq_ProposedMessage{
		Id:       &shared.UUID{Value: &shared.UUID_String_{String_: id(0).String()}},
		Metadata: map[string]string{"type": typ, "content-type": "application/octet-stream"},
		Data:     []byte(strings.Repeat("x", size)),
	}
}

// appendRaw sends one event and gives the status and the trailers.
func appendRaw(t *testing.T, s *esdbtest.Server, m *streams.AppendReq_ProposedMessage) (*streams.AppendResp, codes.Code, metadata.MD) {
	t.Helper()
	var trailer metadata.MD
	call, err := raw(t, s).Append(testserver.Bounded(t), grpc.Trailer(&trailer))
	if err != nil {
		t.Fatal(err)
	}
	for _, req := range []*streams.AppendReq{
		{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
			StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte("s")},
			ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}}}}},
		{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: m}},
	} {
		if call.Send(req) != nil {
			break
		}
	}
	resp, err := call.CloseAndRecv()
	return resp, status.Code(err), trailer
}

func TestAppendLimits(t *testing.T) {
	t.Parallel()
	const limit = 1000
	nameless := proposedMessage("T", 1)
	delete(nameless.Metadata, "type")
	nilID := proposedMessage("T", 1)
	nilID.Id = &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{}}}
	for name, x := range map[string]struct {
		message *streams.AppendReq_ProposedMessage
		event   int // limit of one event
		code    codes.Code
		trailer map[string]string
	}{
		"the largest append":         {proposedMessage("T", limit-2), 0, codes.OK, nil},
		"the type counts twice":      {proposedMessage("TT", limit-3), 0, codes.InvalidArgument, map[string]string{"exception": "maximum-append-size-exceeded", "maximum-append-size": "1000"}},
		"the largest event":          {proposedMessage("T", 98), 100, codes.OK, nil},
		"an event above its limit":   {proposedMessage("T", 99), 100, codes.InvalidArgument, map[string]string{"exception": "maximum-append-event-size-exceeded", "maximum-append-event-size": "100"}},
		"no type":                    {nameless, 0, codes.InvalidArgument, map[string]string{"exception": "missing-required-metadata-property", "required-metadata-properties": "type,content-type"}},
		"empty type":                 {proposedMessage("", 1), 0, codes.Unknown, nil},
		"nil id":                     {nilID, 0, codes.Unknown, nil},
		"beyond one message (16 MB)": {proposedMessage("T", 16<<20), 0, codes.ResourceExhausted, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testserver.New(t, esdbtest.Config{MaxAppendSize: limit, MaxAppendEventSize: x.event})
			_, got, trailer := appendRaw(t, s, x.message)
			if got != x.code {
				t.Errorf("status %v, want %v", got, x.code)
			}
			for k, want := range x.trailer {
				if diff := cmp.Diff([]string{want}, trailer.Get(k)); diff != "" {
					t.Errorf("trailer %s (-want +got):\n%s", k, diff)
				}
			}
			wantEvents := 0
			if x.code == codes.OK {
				wantEvents = 1
			}
			if n := len(s.Log().Records("s")); n != wantEvents {
				t.Errorf("%d events, want %d", n, wantEvents)
			}
		})
	}
}

func TestDefaultLimitIsOneMebibyte(t *testing.T) {
	t.Parallel()
	s := testserver.New(t, esdbtest.Config{})
	for size, want := range map[int]codes.Code{1<<20 - 2: codes.OK, 1<<20 - 1: codes.InvalidArgument} {
		if _, got, _ := appendRaw(t, s, proposedMessage("T", size)); got != want {
			t.Errorf("%d bytes and a type of one letter: %v, want %v", size, got, want)
		}
	}
}

func TestContentTypeIsOnlyJSONOrNot(t *testing.T) {
	t.Parallel()
	s := testserver.New(t, esdbtest.Config{})
	for i, content := range []string{"application/json", "application/octet-stream", "text/plain"} {
		m := proposedMessage("T", 1) // not JSON: nobody looks
		m.Metadata["content-type"] = content
		m.Id = &shared.UUID{Value: &shared.UUID_String_{String_: id(i).String()}}
		if _, c, _ := appendRaw(t, s, m); c != codes.OK {
			t.Fatalf("%s: %v", content, c)
		}
	}
	var kept []bool
	for _, r := range s.Log().Records("s") {
		kept = append(kept, r.JSON)
	}
	if diff := cmp.Diff([]bool{true, false, false}, kept); diff != "" {
		t.Error(diff)
	}
}
