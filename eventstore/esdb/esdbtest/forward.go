package esdbtest

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// forwarder serves the Streams service by handing every call to the leader, as a follower does with
// appends. What demands the leader is answered with its address.
type forwarder struct {
	streams.UnimplementedStreamsServer
	conn   *grpc.ClientConn
	leader streams.StreamsClient
	host   string
	port   int
}

func newForwarder(leader string) (*forwarder, error) {
	host, port, err := net.SplitHostPort(leader)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(leader, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReceive+1<<20)))
	if err != nil {
		return nil, err
	}
	return &forwarder{conn: conn, leader: streams.NewStreamsClient(conn), host: host, port: n}, nil
}

func (f *forwarder) close() { _ = f.conn.Close() }

func (f *forwarder) refuse(ctx context.Context, trailer func(metadata.MD)) error {
	if demandsLeader(ctx) {
		return NotLeader(f.host, f.port).send(trailer)
	}
	return nil
}

// Append hands the messages on one by one.
func (f *forwarder) Append(call streams.Streams_AppendServer) error {
	if err := f.refuse(call.Context(), call.SetTrailer); err != nil {
		return err
	}
	out, err := f.leader.Append(call.Context())
	if err != nil {
		return err
	}
	for {
		req, err := call.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if out.Send(req) != nil {
			break // the leader has answered already
		}
	}
	resp, err := out.CloseAndRecv()
	if err != nil {
		call.SetTrailer(out.Trailer())
		return err
	}
	return call.SendAndClose(resp)
}

// Read hands the answers on one by one.
func (f *forwarder) Read(req *streams.ReadReq, call streams.Streams_ReadServer) error {
	if err := f.refuse(call.Context(), call.SetTrailer); err != nil {
		return err
	}
	in, err := f.leader.Read(call.Context(), req)
	if err != nil {
		return err
	}
	for {
		resp, err := in.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			call.SetTrailer(in.Trailer())
			return err
		}
		if err := call.Send(resp); err != nil {
			return err
		}
	}
}

// Delete hands the call on.
func (f *forwarder) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	return forwardUnary(ctx, f, req, f.leader.Delete)
}

// Tombstone hands the call on.
func (f *forwarder) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	return forwardUnary(ctx, f, req, f.leader.Tombstone)
}

func forwardUnary[Q, A any](ctx context.Context, f *forwarder, req Q, do func(context.Context, Q, ...grpc.CallOption) (A, error)) (A, error) {
	var none A
	if err := f.refuse(ctx, unaryTrailer(ctx)); err != nil {
		return none, err
	}
	var trailer metadata.MD
	answer, err := do(ctx, req, grpc.Trailer(&trailer))
	if err != nil {
		unaryTrailer(ctx)(trailer)
		return none, err
	}
	return answer, nil
}
