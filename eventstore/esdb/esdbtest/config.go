package esdbtest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Config sets up a Server. The zero value is a plain single node of version 24.10.14 on a free port.
type Config struct {
	// Log is the database; default a new one.
	Log *Log
	// Address to listen on, host:port; default 127.0.0.1:0. After the first start the port stays.
	Address string
	// Advertise is the host text that gossip gives out; default the host of Address. The client dials again
	// when it differs from the text it used itself.
	Advertise string
	// Version pretended to; default 24.10.14. Below 23.10 subscriptions get no caught_up message.
	Version string
	// Cluster is the membership this node belongs to; nil for a single node, which always leads.
	Cluster *Cluster
	// Forward, host:port, makes this a node without a database that hands every call to the leader there,
	// as a follower does; calls that demand the leader are answered with its address.
	Forward string
	// TLS serves over TLS when set.
	TLS *tls.Config
	// Users who may call; empty switches authentication off, as --insecure does.
	Users []User
	// LiveBuffer is how many records wait for a slow live subscription; default 32.
	LiveBuffer int
	// MaxAppendSize in bytes, counting data, metadata and twice the type's name; default 1 MiB.
	MaxAppendSize int
	// MaxAppendEventSize bounds one event; 0 does not.
	MaxAppendEventSize int
	// MaxConcurrentStreams per connection; default 100.
	MaxConcurrentStreams uint32
	// Trace keeps a record of every call; see Server.Calls.
	Trace bool
}

// User may call the server over TLS by basic authentication. Only administrators read $all and the streams
// whose names begin with "$".
type User struct {
	Name, Password string
	Admin          bool
}

func (c Config) withDefaults() Config {
	if c.Log == nil && c.Forward == "" {
		c.Log = NewLog(LogConfig{})
	}
	if c.Address == "" {
		c.Address = "127.0.0.1:0"
	}
	if c.Version == "" {
		c.Version = "24.10.14"
	}
	if c.LiveBuffer <= 0 {
		c.LiveBuffer = 32
	}
	if c.MaxAppendSize <= 0 {
		c.MaxAppendSize = 1 << 20
	}
	if c.MaxConcurrentStreams == 0 {
		c.MaxConcurrentStreams = 100
	}
	return c
}

func (c Config) validate() error {
	var problems []error
	if _, err := parseVersion(c.Version); err != nil {
		problems = append(problems, err)
	}
	if len(c.Users) > 0 && c.TLS == nil {
		problems = append(problems, errors.New("users need TLS: the client sends no credentials without"))
	}
	if c.Log != nil && c.Forward != "" {
		problems = append(problems, errors.New("a forwarding node has no database"))
	}
	return errors.Join(problems...)
}

// version is major and minor; the client wants the first three parts to be numbers.
type version struct{ major, minor int }

func parseVersion(text string) (version, error) {
	parts := strings.SplitN(text, ".", 4)
	if len(parts) < 3 {
		return version{}, fmt.Errorf("version %q: want three numbers", text)
	}
	var n [3]int
	for i := range n {
		v, err := strconv.Atoi(parts[i])
		if err != nil {
			return version{}, fmt.Errorf("version %q: want three numbers", text)
		}
		n[i] = v
	}
	return version{n[0], n[1]}, nil
}

// sendsCaughtUp tells whether this version ends a catch-up with a message.
func (v version) sendsCaughtUp() bool {
	return v.major > 23 || (v.major == 23 && v.minor >= 10)
}
