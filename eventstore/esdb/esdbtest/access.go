package esdbtest

import (
	"context"
	"encoding/base64"
	"strings"

	"google.golang.org/grpc/metadata"
)

// admit checks credentials, rights and leadership before a call is served. It gives nil when the call may
// go on.
func (s *Server) admit(ctx context.Context, method, stream string) *Reply {
	if reply := s.authorize(ctx, stream); reply != nil {
		return reply
	}
	if !demandsLeader(ctx) {
		return nil // a follower forwards appends and answers reads itself
	}
	if leader := s.cfg.Cluster.leaderFor(s); leader != nil {
		reply := NotLeader(leader.endpoint())
		return &reply
	}
	return nil
}

func demandsLeader(ctx context.Context) bool {
	values := metadata.ValueFromIncomingContext(ctx, "requires-leader")
	return len(values) > 0 && strings.EqualFold(values[0], "true")
}

func (s *Server) authorize(ctx context.Context, stream string) *Reply {
	if len(s.cfg.Users) == 0 {
		return nil
	}
	user, given, ok := s.user(ctx)
	switch {
	case given && !ok:
		reply := Unauthenticated()
		return &reply
	case !given, isSystem(stream) && !user.Admin:
		reply := AccessDenied()
		return &reply
	}
	return nil
}

// user finds who calls by the authorization header.
func (s *Server) user(ctx context.Context) (user User, given, ok bool) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 0 {
		return User{}, false, false
	}
	encoded, found := strings.CutPrefix(values[0], "Basic ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil {
		return User{}, true, false
	}
	name, password, _ := strings.Cut(string(raw), ":")
	for _, u := range s.cfg.Users {
		if u.Name == name && u.Password == password {
			return u, true, true
		}
	}
	return User{}, true, false
}
