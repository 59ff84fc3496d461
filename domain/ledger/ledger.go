package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/statistics"
)

// Skew is how far a command's time may lie ahead of the ledger's clock: clocks of two machines differ.
const Skew = 5 * time.Second

// Config says how a Ledger works. The zero Config works.
type Config struct {
	// Policy tells which policy was in force when: one *policy.Policy, or a *policy.Set of versions. Versions
	// that were published in the log are added to it. Default: policy.Imagine().
	Policy policy.InForce
	// Statistics is the plan that published statistics may be stricter than, never looser. Default:
	// statistics.Builtin().
	Statistics *statistics.Plan
	// Clock tells when commands are recorded. Default: time.Now.
	Clock Clock
	// CacheBytes bounds the memory for states of streams. Default: 64 MiB.
	CacheBytes uint64
	// Attempts is how often a command is decided anew when other processes change its stream meanwhile.
	// Default: 64.
	Attempts int
	// Parallel is how many streams HandleAll writes at a time. Default: 64, so that the log can commit
	// many of them together.
	Parallel int
}

func (c Config) withDefaults() Config {
	if c.Policy == nil {
		c.Policy = policy.Imagine()
	}
	if c.Statistics == nil {
		c.Statistics = statistics.Builtin()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = 64 << 20
	}
	if c.Attempts <= 0 {
		c.Attempts = 64
	}
	if c.Parallel <= 0 {
		c.Parallel = 64
	}
	return c
}

// Ledger records commands. It is safe for concurrent use. It owns no resource: closing the journal is all
// that is needed at the end.
type Ledger struct {
	journal Journal
	cfg     Config
	cache   *cache
	streams *locks    // one command at a time decides on a stream
	marks   *locks    // one registration at a time claims a reference
	buffers sync.Pool // of *[]byte, for digests of commands; they never hold personal values

	known   atomic.Pointer[policies] // nil: the published versions are to be read
	reading sync.Mutex               // one reads them at a time
}

// New gives a ledger over a journal.
func New(j Journal, cfg Config) *Ledger {
	cfg = cfg.withDefaults()
	l := &Ledger{journal: j, cfg: cfg, cache: newCache(cfg.CacheBytes), streams: newLocks(), marks: newLocks()}
	l.buffers.New = func() any { return new([]byte) }
	return l
}

// Command is a command of domain/subject, domain/recipient or domain/request, policy.Publish or statistics.Publish.
type Command interface {
	Name() string
	By() domain.Operation
}

// Receipt says what a command recorded and where.
type Receipt struct {
	// Events are the ids of the recorded events; none when the command changed nothing.
	Events []uuid.UUID
	Stream domain.Stream
	// Revision is that of the command's last event, or of the stream when there is none.
	Revision domain.Revision
	// Position is a place in the log: a reader who has come to it has seen the command's events. It is 0
	// when the command changed nothing. Commands that were appended together share it.
	Position uint64
	// Repeated: the same command was recorded before under this key; this is the receipt of that time.
	Repeated bool
}

// Outcome is the answer to one of several commands: a receipt or an error.
type Outcome struct {
	Receipt Receipt
	Err     error
}

// Errors joins the errors of the outcomes; nil when every command was recorded.
func Errors(outcomes []Outcome) error {
	var all []error
	for i, o := range outcomes {
		if o.Err != nil {
			all = append(all, fmt.Errorf("command %d: %w", i, o.Err))
		}
	}
	return errors.Join(all...)
}

// Handle records one command and returns when it is durable.
//
// The same idempotency key with the same content gives the first receipt again, after a restart too; with
// other content it is refused as idempotency.reused. A command that changed nothing left no trace of its
// key and is decided anew. Keys are told apart within a stream, and the stream of traces, uses and viewings
// is chosen by the month of the operation: a retry must carry the same time.
//
// Errors: *domain.Refusal; ErrConflict when other processes kept changing the stream; the journal's own,
// and the context's. After an error other than a refusal the outcome may be unknown: repeat the command
// with the same key.
func (l *Ledger) Handle(ctx context.Context, cmd Command) (Receipt, error) {
	var out Outcome
	t := &task{cmd: cmd, out: &out}
	if out.Err = l.prepare(ctx, t); out.Err == nil {
		l.process(ctx, t.stream, []*task{t})
	}
	return out.Receipt, out.Err
}

// HandleAll records many commands and gives their outcomes in the same order. Each is answered as Handle
// would answer it, and the commands of one subject or recipient are decided in the given order, each on
// what the earlier ones recorded; but what goes to one stream is appended together, and different
// subjects at the same time. Commands on recipients go first, so that transfers find their cards, and those on
// requests last, so that they find the files. A version of the policy holds for later calls only.
func (l *Ledger) HandleAll(ctx context.Context, cmds []Command) []Outcome {
	outs := make([]Outcome, len(cmds))
	tasks := make([]*task, 0, len(cmds))
	for i, cmd := range cmds {
		t := &task{cmd: cmd, out: &outs[i]}
		if outs[i].Err = l.prepare(ctx, t); outs[i].Err == nil {
			tasks = append(tasks, t)
		}
	}
	cards, files, requests := groups(tasks)
	l.runAll(ctx, cards)
	l.runAll(ctx, files)
	l.runAll(ctx, requests)
	return outs
}
