package esdbtest

import (
	"math"

	"google.golang.org/grpc/status"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// reader sends the answers of one Read call and carries out the fault armed for it.
type reader struct {
	server  *Server
	call    streams.Streams_ReadServer
	opts    *streams.ReadReq_Options
	name    string
	fault   *Fault
	sent    int
	textIDs bool
}

// Read serves reads and subscriptions, of one stream and of $all.
func (v streamService) Read(req *streams.ReadReq, call streams.Streams_ReadServer) error {
	s := v.server
	opts := req.GetOptions()
	r := &reader{server: s, call: call, opts: opts, name: AllStream}
	if opts.GetStream() != nil {
		r.name = string(opts.GetStream().GetStreamIdentifier().GetStreamName())
	}
	r.textIDs = opts.GetUuidOption().GetString_() != nil
	method := MethodRead
	if opts.GetSubscription() != nil {
		method = MethodSubscribe
	}
	s.note(call.Context(), r.asked(method))
	if reply := s.admit(call.Context(), method, r.name); reply != nil {
		return reply.send(call.SetTrailer)
	}
	r.fault = s.faults.hit(method, r.name)
	if r.fault != nil && !r.fault.After {
		if err := s.strike(call.Context(), r.fault, call.SetTrailer); err != nil {
			return err
		}
	}
	spec, err := parseFilter(opts.GetFilter())
	if err != nil {
		return badRequest(err.Error()).send(call.SetTrailer)
	}
	switch {
	case method == MethodSubscribe && opts.GetStream() != nil:
		return r.subscribeStream()
	case method == MethodSubscribe:
		return r.subscribeAll(spec)
	case opts.GetCount() == 0:
		return handlerException().send(call.SetTrailer) // the server insists on a positive count
	case opts.GetStream() != nil:
		return r.stream()
	}
	return r.all(spec)
}

// asked is the call for the trace.
func (r *reader) asked(method string) Call {
	return Call{
		Method: method, Stream: r.name,
		From:   r.opts.GetAll().GetPosition().GetCommitPosition() + r.opts.GetStream().GetRevision(),
		Filter: append(r.opts.GetFilter().GetStreamIdentifier().GetPrefix(), r.opts.GetFilter().GetEventType().GetPrefix()...),
	}
}

func (r *reader) backwards() bool {
	return r.opts.GetReadDirection() == streams.ReadReq_Options_Backwards
}

// event sends one record, or fails when the armed fault says so.
func (r *reader) event(e *entry) error {
	if r.fault != nil && r.fault.After && r.sent >= r.fault.AfterEvents {
		if err := r.server.strike(r.call.Context(), r.fault, r.call.SetTrailer); err != nil {
			return err
		}
	}
	r.sent++
	return r.call.Send(r.server.log.readEvent(e, r.opts.GetResolveLinks(), r.textIDs))
}

// finish is the end of a read: a fault that waits for more events than there are strikes here.
func (r *reader) finish() error {
	if r.fault != nil && r.fault.After {
		return r.server.strike(r.call.Context(), r.fault, r.call.SetTrailer)
	}
	return nil
}

func (r *reader) gone() error {
	if err := r.call.Context().Err(); err != nil {
		return status.FromContextError(err).Err()
	}
	return nil
}

// from gives the revision where a stream read begins; forwards from the end is an error on the server.
func (r *reader) from() (int64, bool) {
	switch v := r.opts.GetStream().GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		return int64(min(v.Revision, math.MaxInt64)), true
	case *streams.ReadReq_Options_StreamOptions_End:
		return math.MaxInt64, r.backwards()
	}
	return 0, true
}

// stream reads one stream in pages; the first page decides whether the stream is there.
func (r *reader) stream() error {
	from, ok := r.from()
	if !ok || r.name == "" {
		return handlerException().send(r.call.SetTrailer)
	}
	for left := r.opts.GetCount(); left > 0; {
		page := r.server.log.readStream(r.name, from, r.backwards(), int(min(left, pageSize)))
		switch page.state {
		case streamTombstoned:
			return StreamDeleted(r.name).send(r.call.SetTrailer)
		case streamMissing:
			return r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
				StreamNotFound: &streams.ReadResp_StreamNotFound{StreamIdentifier: streamID(r.name)}}})
		}
		for _, e := range page.entries {
			if err := r.event(e); err != nil {
				return err
			}
		}
		left -= uint64(len(page.entries))
		from = page.next
		if page.end {
			break
		}
		if err := r.gone(); err != nil {
			return err
		}
	}
	return r.finish()
}

// start finds the index of the log where a read of $all begins. Forwards a position is inclusive, backwards
// exclusive. A position inside a record, or backwards from beyond the log, is invalid.
func (r *reader) start() (index int, ok bool) {
	entries, tail := r.server.log.snapshot()
	switch v := r.opts.GetAll().GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		commit := v.Position.GetCommitPosition()
		i, exact := place(entries, commit)
		if exact || commit == tail {
			return i, true
		}
		return len(entries), commit > tail && !r.backwards()
	case *streams.ReadReq_Options_AllOptions_End:
		return len(entries), true
	}
	return 0, true
}

// badPosition is the refusal of a position that can't be meant: commit below prepare throws in the server.
func (r *reader) badPosition() *Reply {
	p := r.opts.GetAll().GetPosition()
	if p != nil && (p.GetCommitPosition() < p.GetPreparePosition() || p.GetCommitPosition() > math.MaxInt64) {
		reply := handlerException()
		return &reply
	}
	return nil
}

func invalidPosition() Reply { return badRequest("Trying to read from an invalid position.") }

// all reads $all in pages.
func (r *reader) all(spec filterSpec) error {
	if reply := r.badPosition(); reply != nil {
		return reply.send(r.call.SetTrailer)
	}
	at, ok := r.start()
	if !ok {
		return invalidPosition().send(r.call.SetTrailer)
	}
	for left := r.opts.GetCount(); left > 0; {
		var page allPage
		limit := int(min(left, pageSize))
		if r.backwards() {
			page, at = r.server.log.readAllBackwards(at, spec.keep, limit)
		} else {
			page, at = r.server.log.readAllForwards(at, spec.keep, limit, math.MaxInt)
		}
		for _, e := range page.entries {
			if err := r.event(e); err != nil {
				return err
			}
		}
		left -= uint64(len(page.entries))
		if page.end {
			break
		}
		if err := r.gone(); err != nil {
			return err
		}
	}
	return r.finish()
}
