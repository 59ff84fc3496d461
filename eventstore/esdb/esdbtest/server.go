package esdbtest

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// maxReceive is the largest message the server takes: one record of its log.
const maxReceive = 16<<20 - 10_000

// Server is one node. It is safe for concurrent use.
type Server struct {
	cfg    Config
	log    *Log
	id     uuid.UUID
	faults faults
	trace  trace

	mu      sync.Mutex // guards the fields below
	address string     // host:port, fixed by the first start
	grpc    *grpc.Server
	done    chan struct{}            // closed when the serving goroutine has ended
	conns   map[net.Conn]struct{}    // open connections
	subs    map[*subscriber]struct{} // open subscriptions
	version version
	text    string // version as the client sees it
	forward *forwarder
}

// Start makes a node and starts it. Stop it in the end.
func Start(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("esdbtest: %w", err)
	}
	v, _ := parseVersion(cfg.Version) // validated above
	s := &Server{
		cfg: cfg, log: cfg.Log, id: uuid.New(), address: cfg.Address,
		conns: make(map[net.Conn]struct{}), subs: make(map[*subscriber]struct{}),
		version: v, text: cfg.Version,
	}
	if cfg.Cluster != nil {
		cfg.Cluster.join(s)
	}
	return s, s.Start()
}

// Start listens again on the address of the first start, with the same database. A server that runs is left
// alone.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grpc != nil {
		return nil
	}
	lis, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("esdbtest: %w", err)
	}
	s.address = lis.Addr().String()
	if s.cfg.Forward != "" {
		if s.forward, err = newForwarder(s.cfg.Forward); err != nil {
			_ = lis.Close()
			return fmt.Errorf("esdbtest: %w", err)
		}
	}
	s.grpc = s.newGRPC()
	s.done = make(chan struct{})
	go func(srv *grpc.Server, done chan struct{}) {
		defer close(done)
		_ = srv.Serve(&countingListener{Listener: lis, server: s}) // ends by Stop, which is no error
	}(s.grpc, s.done)
	return nil
}

func (s *Server) newGRPC() *grpc.Server {
	opts := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxReceive),
		grpc.MaxConcurrentStreams(s.cfg.MaxConcurrentStreams),
		// The client pings every 10 s even when idle; without this policy it is thrown out after 31 s.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}
	if s.cfg.TLS != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(s.cfg.TLS)))
	}
	srv := grpc.NewServer(opts...)
	serverfeatures.RegisterServerFeaturesServer(srv, featureService{server: s})
	gossip.RegisterGossipServer(srv, gossipService{server: s})
	persistent.RegisterPersistentSubscriptionsServer(srv, persistentService{server: s})
	if s.forward != nil {
		streams.RegisterStreamsServer(srv, s.forward)
		return srv
	}
	streams.RegisterStreamsServer(srv, streamService{server: s})
	return srv
}

// Stop closes the listener and every connection at once and returns when all calls have ended. The database
// stays; Start serves it again.
func (s *Server) Stop() {
	s.mu.Lock()
	srv, done, fwd := s.grpc, s.done, s.forward
	s.grpc, s.forward = nil, nil
	s.mu.Unlock()
	if srv == nil {
		return
	}
	srv.Stop()
	<-done
	if fwd != nil {
		fwd.close()
	}
}

// Running reports whether the node serves.
func (s *Server) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grpc != nil
}

// Address gives host:port.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// URL gives a connection string for this node alone, without credentials.
func (s *Server) URL() string {
	return "esdb://" + s.Address() + "?tls=" + strconv.FormatBool(s.cfg.TLS != nil)
}

// Log gives the database.
func (s *Server) Log() *Log { return s.log }

// SetVersion changes the version pretended to, for connections and subscriptions from now on.
func (s *Server) SetVersion(text string) error {
	v, err := parseVersion(text)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version, s.text = v, text
	return nil
}

func (s *Server) currentVersion() (version, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, s.text
}

// endpoint gives the host and port that gossip advertises.
func (s *Server) endpoint() (string, int) {
	host, port, _ := net.SplitHostPort(s.Address())
	if s.cfg.Advertise != "" {
		host = s.cfg.Advertise
	}
	n, _ := strconv.Atoi(port)
	return host, n
}

// Connections counts the open connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Subscriptions counts the open subscriptions.
func (s *Server) Subscriptions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.subs)
}

// CutConnections closes every open connection, as a broken network does, and gives their number.
func (s *Server) CutConnections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
	return len(s.conns)
}

// cut closes the connection that a call came by.
func (s *Server) cut(ctx context.Context) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.RemoteAddr().String() == p.Addr.String() {
			_ = c.Close()
		}
	}
}

// countingListener tells the server of its open connections.
type countingListener struct {
	net.Listener
	server *Server
}

// Accept waits for the next connection and counts it.
func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &countedConn{Conn: conn, server: l.server}
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	l.server.conns[c] = struct{}{}
	return c, nil
}

type countedConn struct {
	net.Conn
	server *Server
	once   sync.Once
}

// Close closes the connection and counts it out. The count is given up in its own goroutine, because
// CutConnections closes while it holds the lock.
func (c *countedConn) Close() error {
	c.once.Do(func() {
		go func() {
			c.server.mu.Lock()
			defer c.server.mu.Unlock()
			delete(c.server.conns, c)
		}()
	})
	return c.Conn.Close()
}

// isSystem tells the streams that belong to the server.
func isSystem(name string) bool { return strings.HasPrefix(name, systemPrefix) }
