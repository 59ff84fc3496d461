package esdbtest

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
)

const (
	streamsName    = "event_store.client.streams.streams"
	persistentName = "event_store.client.persistent_subscriptions.persistentsubscriptions"
)

// featureService tells clients the version and what is served. It asks for no credentials.
type featureService struct {
	serverfeatures.UnimplementedServerFeaturesServer
	server *Server
}

// GetSupportedMethods lists the methods by their lower-case names, as the server does.
func (f featureService) GetSupportedMethods(ctx context.Context, _ *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	s := f.server
	s.note(ctx, Call{Method: MethodFeatures})
	if err := s.strikeUnary(ctx, s.faults.hit(MethodFeatures, "")); err != nil {
		return nil, err
	}
	_, text := s.currentVersion()
	method := func(service, name string, features ...string) *serverfeatures.SupportedMethod {
		return &serverfeatures.SupportedMethod{ServiceName: service, MethodName: name, Features: features}
	}
	return &serverfeatures.SupportedMethods{
		EventStoreServerVersion: text,
		Methods: []*serverfeatures.SupportedMethod{
			method(streamsName, "read", "position", "events"),
			method(streamsName, "append"),
			method(streamsName, "delete"),
			method(streamsName, "tombstone"),
			method(persistentName, "create", "stream", "all"),
			method("event_store.client.gossip.gossip", "read"),
			method("event_store.client.server_features.serverfeatures", "getsupportedmethods"),
		},
	}, nil
}

// strikeUnary carries a fault out on a unary call.
func (s *Server) strikeUnary(ctx context.Context, f *Fault) error {
	return s.strike(ctx, f, unaryTrailer(ctx))
}

func unaryTrailer(ctx context.Context) func(metadata.MD) {
	return func(md metadata.MD) { _ = grpc.SetTrailer(ctx, md) } // fails only outside of a call
}

// persistentService answers Create and nothing else: the client's own suite calls it at each start.
type persistentService struct {
	persistent.UnimplementedPersistentSubscriptionsServer
	server *Server
}

// Create checks rights and leadership, which these calls always demand, and forgets the group.
func (p persistentService) Create(ctx context.Context, req *persistent.CreateReq) (*persistent.CreateResp, error) {
	stream := AllStream
	if id := req.GetOptions().GetStream().GetStreamIdentifier(); id != nil {
		stream = string(id.GetStreamName())
	}
	if reply := p.server.authorize(ctx, stream); reply != nil {
		return nil, reply.send(unaryTrailer(ctx))
	}
	if leader := p.server.cfg.Cluster.leaderFor(p.server); leader != nil {
		return nil, NotLeader(leader.endpoint()).send(unaryTrailer(ctx))
	}
	if req.GetOptions().GetGroupName() == "" {
		return nil, status.Error(codes.InvalidArgument, "group name is missing")
	}
	return &persistent.CreateResp{}, nil
}
