package esdbtest

import (
	"context"
	"errors"
	"io"
	"math"
	"strconv"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// streamService serves the Streams service from the node's database.
type streamService struct {
	streams.UnimplementedStreamsServer
	server *Server
}

// Append takes the options, then one message an event, and answers once. It answers at once when it has
// seen enough to refuse, while the client may still be sending.
func (v streamService) Append(call streams.Streams_AppendServer) error {
	s := v.server
	ctx := call.Context()
	head, err := call.Recv()
	if err != nil {
		return err
	}
	opts := head.GetOptions()
	name := string(opts.GetStreamIdentifier().GetStreamName())
	if opts == nil || name == "" {
		return handlerException().send(call.SetTrailer)
	}
	if reply := s.admit(ctx, MethodAppend, name); reply != nil {
		return reply.send(call.SetTrailer)
	}
	fault := s.faults.hit(MethodAppend, name)
	if fault != nil && !fault.After && fault.AfterEvents == 0 {
		if err := s.strike(ctx, fault, call.SetTrailer); err != nil {
			return err
		}
	}
	events, err := s.receive(call, fault)
	if err != nil {
		return err
	}
	s.note(ctx, Call{Method: MethodAppend, Stream: name, Events: len(events)})
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	want := expectedOf(opts)
	out := s.log.append(name, want, events)
	if fault != nil && fault.After {
		if err := s.strike(ctx, fault, call.SetTrailer); err != nil {
			return err
		}
	}
	if out.verdict == deleted {
		return StreamDeleted(name).send(call.SetTrailer)
	}
	return call.SendAndClose(appendAnswer(out, want))
}

// receive takes the events of an append until the client has sent all, and checks each as it comes.
func (s *Server) receive(call streams.Streams_AppendServer, fault *Fault) ([]proposed, error) {
	var events []proposed
	size := 0
	for {
		if fault != nil && !fault.After && fault.AfterEvents > 0 && len(events) == fault.AfterEvents {
			if err := s.strike(call.Context(), fault, call.SetTrailer); err != nil {
				return nil, err
			}
		}
		req, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return nil, err
		}
		p, refusal := s.propose(req.GetProposedMessage())
		if refusal != nil {
			return nil, refusal.send(call.SetTrailer)
		}
		if size += p.size(); size > s.cfg.MaxAppendSize {
			return nil, tooLarge("maximum-append-size", "Maximum Append Size", s.cfg.MaxAppendSize).send(call.SetTrailer)
		}
		events = append(events, p)
	}
}

// propose checks one event as the server's handler does.
func (s *Server) propose(m *streams.AppendReq_ProposedMessage) (proposed, *Reply) {
	fail := func(r Reply) (proposed, *Reply) { return proposed{}, &r }
	typ, hasType := m.GetMetadata()["type"]
	content, hasContent := m.GetMetadata()["content-type"]
	id, err := parseID(m.GetId())
	switch {
	case !hasType || !hasContent:
		return fail(Reply{Code: codes.InvalidArgument, Message: "Required Metadata Property Missing", Trailer: map[string]string{
			"exception": "missing-required-metadata-property", "required-metadata-properties": "type,content-type"}})
	case typ == "", err != nil, id == uuid.Nil:
		return fail(handlerException())
	}
	p := proposed{id: id, typ: typ, json: content == contentJSON, data: m.GetData(), meta: m.GetCustomMetadata()}
	if limit := s.cfg.MaxAppendEventSize; limit > 0 && p.size() > limit {
		return fail(tooLarge("maximum-append-event-size", "Maximum Append Event Size", limit))
	}
	return p, nil
}

func tooLarge(key, what string, limit int) Reply {
	n := strconv.Itoa(limit)
	return Reply{Code: codes.InvalidArgument, Message: what + " of " + n + " Exceeded.",
		Trailer: map[string]string{"exception": key + "-exceeded", key: n}}
}

// expectedOf reads what the append says of its stream; nothing said counts as Any.
func expectedOf(opts *streams.AppendReq_Options) expectation {
	var e expectation
	switch v := opts.GetExpectedStreamRevision().(type) {
	case *streams.AppendReq_Options_Revision:
		e.revision = clampRevision(v.Revision)
	case *streams.AppendReq_Options_NoStream:
		e.revision = noRevision
	case *streams.AppendReq_Options_StreamExists:
		e.kind = expectExists
	default:
		e.kind = expectAny
	}
	return e
}

func clampRevision(r uint64) int64 { return int64(min(r, math.MaxInt64-1)) }

func appendAnswer(out outcome, want expectation) *streams.AppendResp {
	if out.verdict == wrong {
		return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: wrongAnswer(out, want)}}
	}
	ok := &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(out.revision)},
		PositionOption: &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{
			CommitPosition: out.position, PreparePosition: out.position}},
	}
	if out.revision == noRevision {
		ok.CurrentRevisionOption = &streams.AppendResp_Success_NoStream{NoStream: &shared.Empty{}}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: ok}}
}

func wrongAnswer(out outcome, want expectation) *streams.AppendResp_WrongExpectedVersion {
	w := &streams.AppendResp_WrongExpectedVersion{}
	if out.current == noRevision {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}}
	} else {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(out.current)}
	}
	switch {
	case want.kind == expectAny:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: &shared.Empty{}}
	case want.kind == expectExists:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &shared.Empty{}}
	case want.revision == noRevision:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
	default:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: uint64(want.revision)}
	}
	return w
}

// Delete soft-deletes a stream.
func (v streamService) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	opts := req.GetOptions()
	want := expectation{kind: expectAny}
	switch e := opts.GetExpectedStreamRevision().(type) {
	case *streams.DeleteReq_Options_Revision:
		want = expectation{revision: clampRevision(e.Revision)}
	case *streams.DeleteReq_Options_NoStream:
		want = expectation{revision: noRevision}
	case *streams.DeleteReq_Options_StreamExists:
		want = expectation{kind: expectExists}
	}
	out, err := v.remove(ctx, MethodDelete, string(opts.GetStreamIdentifier().GetStreamName()), want, v.server.log.delete)
	if err != nil {
		return nil, err
	}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{Position: &streams.DeleteResp_Position{
		CommitPosition: out.position, PreparePosition: out.position}}}, nil
}

// Tombstone ends a stream for good.
func (v streamService) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	opts := req.GetOptions()
	want := expectation{kind: expectAny}
	switch e := opts.GetExpectedStreamRevision().(type) {
	case *streams.TombstoneReq_Options_Revision:
		want = expectation{revision: clampRevision(e.Revision)}
	case *streams.TombstoneReq_Options_NoStream:
		want = expectation{revision: noRevision}
	case *streams.TombstoneReq_Options_StreamExists:
		want = expectation{kind: expectExists}
	}
	out, err := v.remove(ctx, MethodTombstone, string(opts.GetStreamIdentifier().GetStreamName()), want, v.server.log.tombstone)
	if err != nil {
		return nil, err
	}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{Position: &streams.TombstoneResp_Position{
		CommitPosition: out.position, PreparePosition: out.position}}}, nil
}

// remove is what both kinds of deletion share. A wrong revision is a status here, not an answer.
func (v streamService) remove(ctx context.Context, method, name string, want expectation, do func(string, expectation) outcome) (outcome, error) {
	s := v.server
	s.note(ctx, Call{Method: method, Stream: name})
	trailer := unaryTrailer(ctx)
	if name == "" {
		return outcome{}, handlerException().send(trailer)
	}
	if reply := s.admit(ctx, method, name); reply != nil {
		return outcome{}, reply.send(trailer)
	}
	fault := s.faults.hit(method, name)
	if fault != nil && !fault.After {
		if err := s.strike(ctx, fault, trailer); err != nil {
			return outcome{}, err
		}
	}
	out := do(name, want)
	if fault != nil && fault.After {
		if err := s.strike(ctx, fault, trailer); err != nil {
			return outcome{}, err
		}
	}
	return out, removeRefusal(out, name, want, trailer)
}

func removeRefusal(out outcome, name string, want expectation, trailer func(metadata.MD)) error {
	switch out.verdict {
	case deleted:
		return StreamDeleted(name).send(trailer)
	case wrong:
		return Reply{Code: codes.FailedPrecondition, Message: "Append failed due to WrongExpectedVersion.", Trailer: map[string]string{
			"exception": "wrong-expected-version", "stream-name": name,
			"expected-version": strconv.FormatInt(want.revision, 10), "actual-version": strconv.FormatInt(out.current, 10),
		}}.send(trailer)
	}
	return nil
}
