package esdb

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

// DefaultPrefixes are the beginnings of the names of the ledger's streams.
func DefaultPrefixes() []string {
	prefixes := []string{"ledger-", "export-"}
	for _, kind := range domain.StreamKinds() {
		prefixes = append(prefixes, string(kind)+"-")
	}
	return prefixes
}

// Config says where the server is and how patient to be. Only URL is required.
type Config struct {
	// URL is the connection string: esdb://[user:password@]host:port[,host:port...][?tls=false&...], or
	// esdb+discover:// for a cluster found by DNS. nodePreference must stay leader. maxDiscoverAttempts and
	// defaultDeadline are the adapter's own business and are ignored.
	URL string
	// Prefixes of the names of the ledger's streams; default DefaultPrefixes. They are ASCII, because the
	// server compares them by the rules of its language.
	Prefixes []string
	// Namespace goes before the name of each of the ledger's streams on the server, its identity included, and
	// is not seen outside. With it several ledgers live in one database; default none. At most 50 bytes of
	// ASCII, and no other ledger's namespace may begin with it.
	Namespace string
	// WholeDatabase takes every stream in the namespace whose name does not begin with "$" for the
	// ledger's, instead of Prefixes: for a database, or a namespace, that holds nothing else.
	WholeDatabase bool
	// Identity is the id that a new ledger gets; nil: a random one. When the ledger exists and has another
	// id, Open gives ErrForeign.
	Identity uuid.UUID
	// MustExist opens only what is a ledger already: a database without one gives fs.ErrNotExist and is left
	// as it is, so that a question never makes a ledger.
	MustExist bool
	// Attempts bounds how often an append or a read is tried; default 10. A subscription tries for ever.
	Attempts int
	// FirstWait and LongestWait bound the waits between attempts, which double and are jittered by half;
	// default 20 ms and 2 s.
	FirstWait, LongestWait time.Duration
	// AttemptTimeout bounds one attempt of an append or of one page of a read; default 10 s.
	AttemptTimeout time.Duration
	// Logger gets one line when a subscription breaks and one when it goes on; nil: none.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if len(c.Prefixes) == 0 {
		c.Prefixes = DefaultPrefixes()
	}
	if c.Attempts <= 0 {
		c.Attempts = 10
	}
	if c.FirstWait <= 0 {
		c.FirstWait = 20 * time.Millisecond
	}
	if c.LongestWait <= 0 {
		c.LongestWait = 2 * time.Second
	}
	if c.AttemptTimeout <= 0 {
		c.AttemptTimeout = 10 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return c
}

func (c Config) validate() error {
	var problems []error
	for _, p := range c.Prefixes {
		if p == "" || strings.HasPrefix(p, "$") || !ascii(p) {
			problems = append(problems, fmt.Errorf("prefix %q: want ASCII that does not begin with $", p))
		}
	}
	if strings.HasPrefix(c.Namespace, "$") || !ascii(c.Namespace) || len(c.Namespace) > 50 {
		problems = append(problems, fmt.Errorf("namespace %q: want up to 50 bytes of ASCII that do not begin with $", c.Namespace))
	}
	if c.LongestWait < c.FirstWait {
		problems = append(problems, errors.New("the longest wait is shorter than the first"))
	}
	return errors.Join(problems...)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// driver makes the client's configuration. It always goes through the client's parser: a literal without
// MaxDiscoverAttempts never connects.
func (c Config) driver() (*esdb.Configuration, error) {
	conf, err := esdb.ParseConnectionString(c.URL)
	var malformed *url.Error
	switch {
	case errors.As(err, &malformed): // it quotes the string, password included
		return nil, errors.New("connection string: want esdb://[user:password@]host:port[,host:port...][?tls=false]")
	case err != nil:
		return nil, fmt.Errorf("connection string: %w", err)
	case conf.NodePreference != esdb.NodePreferenceLeader:
		return nil, errors.New("connection string: nodePreference must be leader; elsewhere a reader misses what he wrote")
	case conf.DisableTLS && conf.Username != "":
		return nil, errors.New("connection string: with tls=false the client drops user and password")
	case conf.Username != "" && conf.Password == "":
		return nil, errors.New("connection string: without a password the client drops the user")
	}
	// One round: a client whose discovery fails is dead for good, and the only caller in it then is the one
	// that connects. Trying again is ours to do, and so are deadlines.
	conf.MaxDiscoverAttempts = 1
	conf.DefaultDeadline = nil
	return conf, nil
}
