package embedded

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"imagine.ua/litopys/eventstore"
)

// request is one Append on its way through the writer.
type request struct {
	stream   string
	expected int64
	events   []eventstore.Event
	bodies   []byte  // of the events, one after the other
	laid     []laid  // where they stand in bodies
	single   [1]laid // room for laid of most requests
	sum      summer
	known    headHint
	after    *request      // not written unless this one was; nil for most
	taken    atomic.Bool   // by the writer, or by the caller who gives up before the writer came
	outcome  outcome       // the writer's answer, set before it sends done
	done     chan struct{} // holds one
}

// laid is a body that is made.
type laid struct {
	end int    // in bodies; it begins where the one before ends
	sum uint32 // as summer.body gives it
}

// maxSpare is the largest buffer of bodies that is kept for the next request.
const maxSpare = 1 << 20

// requests keeps requests with their buffers for those that come.
type requests struct{ pool sync.Pool }

// get gives a request with the bodies made: what can be done before the place is known is not left to the
// one writer.
func (p *requests) get(stream string, expected int64, events []eventstore.Event) *request {
	r, ok := p.pool.Get().(*request)
	if !ok {
		r = &request{done: make(chan struct{}, 1)}
	}
	r.stream, r.expected, r.events = stream, expected, events
	size := 0
	for i := range events {
		size += bodySize(stream, &events[i])
	}
	r.bodies = slices.Grow(r.bodies[:0], size)
	r.laid = slices.Grow(r.single[:0], len(events))
	for i := range events {
		begin := len(r.bodies)
		r.bodies = appendBody(r.bodies, stream, &events[i])
		r.laid = append(r.laid, laid{end: len(r.bodies), sum: r.sum.body(r.bodies[begin:], expected+1+int64(i))})
	}
	return r
}

// put takes back a request that the writer has answered and nobody uses any more.
func (p *requests) put(r *request) {
	spare := r.bodies[:0]
	if cap(spare) > maxSpare {
		spare = nil
	}
	r.stream, r.events, r.laid, r.bodies = "", nil, nil, spare
	r.known, r.after, r.outcome = headHint{}, nil, outcome{}
	r.taken.Store(false)
	p.pool.Put(r)
}

// headHint is the head of the request's stream as the caller has looked it up, so that the writer need not
// wait for the disk. It holds all that was committed up to asOf.
type headHint struct {
	rev   int64
	asOf  uint64
	given bool
}

// outcome is the writer's answer.
type outcome struct {
	appended eventstore.Appended
	head     int64 // of the stream, when behind
	behind   bool  // expected is not the head: a repeat or a conflict, the caller finds out
	err      error
}

// written tells that the request's events are in the log, or are about to be with the group under way.
func (o outcome) written() bool { return o.err == nil && !o.behind }

// queue hands requests to the writer in groups.
type queue struct {
	mu      sync.Mutex
	some    sync.Cond  // signalled when something is waiting, or at the end
	waiting []*request // guarded by mu
	closed  bool       // guarded by mu
}

func newQueue() *queue {
	q := &queue{}
	q.some.L = &q.mu
	return q
}

// put accepts requests, side by side, or refuses them after close.
func (q *queue) put(rs ...*request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return eventstore.ErrClosed
	}
	idle := len(q.waiting) == 0
	q.waiting = append(q.waiting, rs...)
	if idle {
		q.some.Signal()
	}
	return nil
}

// take waits for requests and appends to group what one commit may carry: at least one, and no more bytes
// than limit beyond it. With many, others may join. It gives nothing when the queue is closed and empty.
func (q *queue) take(group []*request, limit int, many bool) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.closed {
		q.some.Wait()
	}
	if many {
		q.gatherLocked()
	}
	n := 0
	for size := 0; n < len(q.waiting) && size < limit; n++ {
		size += len(q.waiting[n].bodies)
	}
	group = append(group, q.waiting[:n]...)
	rest := copy(q.waiting, q.waiting[n:])
	clear(q.waiting[rest:])
	q.waiting = q.waiting[:rest]
	return group
}

// gatherTurns bounds how often a group lets others join it, for where requests never cease.
const gatherTurns = 8

// gatherLocked lets those run who are about to put a request: what a commit costs, they share. It ends as
// soon as a turn brings nothing more, so nobody waits for a request that may not come.
func (q *queue) gatherLocked() {
	before := 0
	for turn := 0; turn < gatherTurns && before < len(q.waiting); turn++ {
		before = len(q.waiting)
		q.mu.Unlock()
		runtime.Gosched()
		q.mu.Lock()
	}
}

// close refuses what comes from now on. What was accepted is still taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.some.Broadcast()
}
