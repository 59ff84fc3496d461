package esdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"imagine.ua/litopys/eventstore"
)

// link owns the client's life. The client v4.2.0 dies for good when its discovery fails and then leaves
// callers hanging whatever their context; it leaks a connection each time a server is unavailable; and it
// panics when it is closed under a hanging caller. So a client is used for one connection only: it is
// replaced as soon as anything says that the connection is of no use, no caller enters it after that, and
// it is closed when the last one has left.
type link struct {
	config *esdb.Configuration // without logger; copied for each client

	// guarded: calls run apart from their callers, who can leave them. It is needed where the client may
	// dial a leader: for that time it holds everybody who enters, whatever his context.
	guarded atomic.Bool

	mu     sync.Mutex
	cur    *generation // guarded by mu; nil when a new one is due
	closed chan struct{}
	alive  sync.WaitGroup // clients that are not closed yet
}

// generation is one client with its one connection.
type generation struct {
	client  *esdb.Client
	settled chan struct{} // closed when connected, or when err says why not
	err     error
	version esdb.ServerVersion
	shut    sync.Once
	gone    func() // tells the link, once the client is closed

	mu       sync.Mutex
	refs     int           // callers inside, open reads and subscriptions included
	entering int           // of them, those whom the client has not handed its connection yet
	retired  bool          // nobody enters any more
	calm     chan struct{} // not nil: closed when entering falls to 0
}

// settleGrace bounds how long a retirement waits for callers who are just entering. They need microseconds;
// only a client that is busy dialling a leader holds them longer.
const settleGrace = time.Second

// unsent marks an error of a call that never reached the wire.
type unsent struct{ err error }

// Error gives the cause's text.
func (u unsent) Error() string { return u.err.Error() }

// Unwrap gives the cause.
func (u unsent) Unwrap() error { return u.err }

func newLink(config *esdb.Configuration) *link {
	l := &link{config: config, closed: make(chan struct{})}
	l.guarded.Store(config.DnsDiscover || len(config.GossipSeeds) > 0)
	return l
}

// acquire waits for a connected client and enters it. The caller must release it.
func (l *link) acquire(ctx context.Context) (*generation, error) {
	for {
		g, err := l.current()
		if err != nil {
			return nil, unsent{err}
		}
		if err := l.connected(ctx, g); err != nil {
			return nil, unsent{err}
		}
		if g.err != nil {
			l.forget(g)
			return nil, unsent{fmt.Errorf("connect: %w", g.err)}
		}
		if g.enter() {
			return g, nil
		}
		l.forget(g)
	}
}

// connected waits until the client is connected or says why not.
func (l *link) connected(ctx context.Context, g *generation) error {
	select {
	case <-g.settled: // nearly always, and one channel is asked faster than three
		return nil
	default:
	}
	select {
	case <-g.settled:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("connect: %w", ctx.Err())
	case <-l.closed:
		return eventstore.ErrClosed
	}
}

// current gives the client in use, or starts to connect a new one.
func (l *link) current() (*generation, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		return nil, eventstore.ErrClosed
	default:
	}
	if l.cur != nil {
		return l.cur, nil
	}
	g := &generation{settled: make(chan struct{})}
	config := *l.config
	config.Logger = g.listen
	client, err := esdb.NewClient(&config)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	g.client = client
	g.refs = 1 // the one that connects
	l.alive.Add(1)
	g.gone = l.alive.Done
	l.cur = g
	go g.connect()
	return g, nil
}

func (l *link) forget(g *generation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cur == g {
		l.cur = nil
	}
}

// close lets nobody in any more and waits until every client is closed. Whoever is inside has a context that
// has ended or is about to finish; only a client that is discovering, alone, may take longer, and is left to
// end by itself.
func (l *link) close() {
	l.mu.Lock()
	close(l.closed)
	if l.cur != nil {
		l.cur.retire(0)
		l.cur = nil
	}
	l.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.alive.Wait()
	}()
	timer := time.NewTimer(settleGrace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// connect makes the client discover and dial while nobody else is inside. Discovery knows no context; alone
// in there, it ends by the client's own limits and disturbs no caller.
func (g *generation) connect() {
	version, err := g.client.GetServerVersion()
	if err != nil {
		g.err = err
		g.retire(0)
	} else {
		g.version = *version
	}
	close(g.settled)
	g.release()
}

func (g *generation) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.retired {
		return false
	}
	g.refs++
	g.entering++
	return true
}

// entered tells that the client has handed its connection to one caller.
func (g *generation) entered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.entering--
	if g.entering == 0 && g.calm != nil {
		close(g.calm)
		g.calm = nil
	}
}

// release lets a caller out; the last one out of a retired client closes it, and its connection.
func (g *generation) release() {
	g.mu.Lock()
	g.refs--
	last := g.retired && g.refs == 0
	g.mu.Unlock()
	if last {
		g.close()
	}
}

func (g *generation) close() {
	g.shut.Do(func() {
		_ = g.client.Close() // never fails
		g.gone()
	})
}

// retire lets nobody in any more and waits, up to grace, until those who were entering are through.
func (g *generation) retire(grace time.Duration) {
	g.mu.Lock()
	g.retired = true
	idle := g.refs == 0
	if g.entering > 0 && g.calm == nil && grace > 0 {
		g.calm = make(chan struct{})
	}
	calm := g.calm
	g.mu.Unlock()
	if idle {
		g.close()
	}
	if calm == nil || grace == 0 {
		return
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-calm:
	case <-timer.C:
	}
}

// listen is the client's log. The client says "unexpected exception" on the failed caller's goroutine just
// before it orders a new discovery, which would leak the old connection and could kill the client with the
// callers inside. At that moment the door is shut: whoever is entering gets through, nobody else comes, and
// so no discovery ever starts.
func (g *generation) listen(level esdb.LogLevel, format string, args ...any) {
	if level != esdb.LogError || !strings.HasPrefix(format, "unexpected exception") || len(args) == 0 {
		return
	}
	err, ok := args[0].(error)
	if ok && status.Code(err) == codes.Unavailable {
		g.retire(settleGrace)
	}
}

// demandLeader holds what goes with every call. The client v4.2.0 means to send it and does not.
var demandLeader = metadata.NewOutgoingContext(context.Background(), metadata.Pairs("requires-leader", "true"))

// passage is the context given to the client. The client first takes its connection, heedless of any
// context, and then derives a context from this one, for which it asks the deadline: that first question is
// the sign that the caller is through.
type passage struct {
	context.Context
	once sync.Once
	gen  *generation
	in   chan struct{} // closed when through, if not nil
}

// Deadline gives the deadline of the caller's context.
func (p *passage) Deadline() (time.Time, bool) {
	p.through()
	return p.Context.Deadline()
}

// Value gives the demand for the leader, then what the caller's context holds. Metadata that the caller meant
// for another server does not go along.
func (p *passage) Value(key any) any {
	if v := demandLeader.Value(key); v != nil {
		return v
	}
	return p.Context.Value(key)
}

func (p *passage) through() {
	p.once.Do(func() {
		p.gen.entered()
		if p.in != nil {
			close(p.in)
		}
	})
}

// bookkeeping bounds how long an ended call is waited for. The wire lets go of an ended context at once; the
// client may then still be telling itself about the failure.
const bookkeeping = 250 * time.Millisecond

// result is what a call of the client came to.
type result[T any] struct {
	value T
	err   error
}

// do runs one call of the client, which does not outlive the caller's context. When it gives no error the
// caller holds the client and must release it.
func do[T any](ctx context.Context, l *link, call func(context.Context, *esdb.Client) (T, error)) (T, *generation, error) {
	var none T
	g, err := l.acquire(ctx)
	if err != nil {
		return none, nil, err
	}
	p := &passage{Context: ctx, gen: g}
	var r result[T]
	if l.guarded.Load() {
		r = apart(ctx, p, func() result[T] { return enter(p, l, call) })
	} else {
		r = enter(p, l, call)
	}
	if r.err == nil {
		return r.value, g, nil
	}
	if !errors.Is(r.err, errLeft) {
		g.release()
	}
	return none, nil, r.err
}

// enter makes the call and acts on what its error says of the connection.
func enter[T any](p *passage, l *link, call func(context.Context, *esdb.Client) (T, error)) result[T] {
	value, err := call(p, p.gen.client)
	p.through()
	if err != nil && useless(err) {
		if judge(err) == fateNotLeader {
			l.guarded.Store(true)
		}
		l.forget(p.gen)
		p.gen.retire(settleGrace)
	}
	return result[T]{value, err}
}

// errLeft says that the caller has left a call that goes on; it lets go of the client when it ends.
var errLeft = errors.New("left")

// apart runs a call that its caller can leave. He leaves a call that has not got its connection, at once:
// whenever it gets one, its context has ended. One that has ends with its context by itself.
func apart[T any](ctx context.Context, p *passage, call func() result[T]) result[T] {
	p.in = make(chan struct{})
	done := make(chan result[T], 1)
	go func() { done <- call() }()
	select {
	case r := <-done:
		return r
	case <-ctx.Done():
	}
	left := result[T]{err: fmt.Errorf("%w: %w", errLeft, ctx.Err())}
	select {
	case <-p.in:
		timer := time.NewTimer(bookkeeping)
		defer timer.Stop()
		select {
		case r := <-done:
			return r
		case <-timer.C:
		}
	default:
		left.err = unsent{left.err}
	}
	go func() {
		<-done
		p.gen.release()
	}()
	return left
}

// useless tells that the connection behind an error should not be used any more.
func useless(err error) bool {
	switch judge(err) {
	case fateUnavailable, fateNotLeader, fateClosed:
		return true
	}
	return false
}

// broken lets go of a client whose connection failed under an open subscription, which the client itself
// does not notice.
func (l *link) broken(g *generation, err error) {
	if errors.Is(err, context.Canceled) || !useless(err) {
		return
	}
	l.forget(g)
	g.retire(settleGrace)
}
