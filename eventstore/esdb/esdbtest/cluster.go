package esdbtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
)

// Cluster is a membership: who is there and who leads. It is safe for concurrent use.
type Cluster struct {
	mu      sync.Mutex
	nodes   []*Server
	leader  *Server
	members []Member // fixed list, for nodes in other processes
}

// Member is one node as gossip tells of it.
type Member struct {
	Host  string
	Port  int
	State gossip.MemberInfo_VNodeState
	Alive bool
}

// NewMembership is a cluster whose gossip is the given list, whoever joins; the one in state Leader leads.
func NewMembership(members []Member) *Cluster { return &Cluster{members: members} }

// StartCluster starts n nodes in this process that share one log; the first leads. Each further field of
// cfg counts for every node; Address must be empty or have port 0.
func StartCluster(n int, cfg Config) (*Cluster, error) {
	cfg = cfg.withDefaults()
	c := &Cluster{}
	cfg.Cluster = c
	for range n {
		if _, err := Start(cfg); err != nil {
			c.Stop()
			return nil, fmt.Errorf("node of cluster: %w", err)
		}
	}
	return c, nil
}

// Stop stops every node of this process.
func (c *Cluster) Stop() {
	for _, s := range c.Nodes() {
		s.Stop()
	}
}

// Nodes gives the nodes of this process in the order they joined.
func (c *Cluster) Nodes() []*Server {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Server(nil), c.nodes...)
}

// Elect makes the i-th node of this process the leader.
func (c *Cluster) Elect(i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leader = c.nodes[i]
}

// URL gives a connection string with every node of this process as a seed of gossip.
func (c *Cluster) URL() string {
	hosts, secure := "", false
	for _, s := range c.Nodes() {
		if hosts != "" {
			hosts += ","
		}
		hosts += s.Address()
		secure = s.cfg.TLS != nil
	}
	return fmt.Sprintf("esdb://%s?tls=%t", hosts, secure)
}

func (c *Cluster) join(s *Server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes = append(c.nodes, s)
	if c.leader == nil {
		c.leader = s
	}
}

// leaderFor gives the leader when it is another node than s, nil when s leads or stands alone.
func (c *Cluster) leaderFor(s *Server) *Server {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.members != nil || c.leader == s {
		return nil
	}
	return c.leader
}

// view gives the membership as s sees it.
func (c *Cluster) view(s *Server) []Member {
	if c == nil {
		host, port := s.endpoint()
		return []Member{{Host: host, Port: port, State: gossip.MemberInfo_Leader, Alive: true}}
	}
	c.mu.Lock()
	nodes, leader, fixed := c.nodes, c.leader, c.members
	c.mu.Unlock()
	if fixed != nil {
		return fixed
	}
	members := make([]Member, 0, len(nodes))
	for _, node := range nodes {
		m := Member{State: gossip.MemberInfo_Follower, Alive: node.Running()}
		m.Host, m.Port = node.endpoint()
		if node == leader {
			m.State = gossip.MemberInfo_Leader
		}
		members = append(members, m)
	}
	return members
}

// gossipService tells clients of the members.
type gossipService struct {
	gossip.UnimplementedGossipServer
	server *Server
}

// Read gives the members as this node sees them.
func (g gossipService) Read(ctx context.Context, _ *shared.Empty) (*gossip.ClusterInfo, error) {
	s := g.server
	s.note(ctx, Call{Method: MethodGossip})
	if err := s.strikeUnary(ctx, s.faults.hit(MethodGossip, "")); err != nil {
		return nil, err
	}
	info := &gossip.ClusterInfo{}
	for _, m := range s.cfg.Cluster.view(s) {
		info.Members = append(info.Members, &gossip.MemberInfo{
			InstanceId:   wireID(s.id),
			TimeStamp:    time.Now().UnixNano() / 100,
			State:        m.State,
			IsAlive:      m.Alive,
			HttpEndPoint: &gossip.EndPoint{Address: m.Host, Port: uint32(m.Port)},
		})
	}
	return info, nil
}
