package faulty

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

// ErrInjected marks each injected failure; compare with errors.Is. SQLite hands on only its code.
var ErrInjected = errors.New("injected failure")

// Op is one counted operation.
type Op struct {
	Kind string // "open", "read", "write", "sync", "truncate", "delete", "rename", ...; the method of a Store
	Name string // file path, or the stream
}

// Flavour says how an operation fails.
type Flavour uint8

// The flavours.
const (
	Before Flavour = iota // not done, and reported as failed
	After                 // done, but reported as failed
	Short                 // a write that puts down half of its bytes, a read that ends early; else as Before
	Full                  // as Short, and reported as a full disk; what takes no space is not counted
)

// String names the flavour.
func (f Flavour) String() string {
	return [...]string{"before", "after", "short", "full"}[f]
}

// Flavours are all of them, for tests that go through each.
func Flavours() []Flavour { return []Flavour{Before, After, Short, Full} }

// Plan says what fails.
type Plan struct {
	// At is the number, from 1, of the operation that fails; 0 means none.
	At int
	// Flavour of the failure.
	Flavour Flavour
	// Sticky fails all later operations too, as Before: the process has crashed, or the disk is gone (for
	// Full: stays full, so only what takes space fails). Closing and unlocking still release what they hold.
	Sticky bool
	// Only selects what is counted; nil counts everything.
	Only func(Op) bool
	// Err is what a Store reports instead of eventstore.ErrUnknownOutcome; VFS and FS ignore it.
	Err error
}

// Injector counts operations and fails the one that its plan names. It is safe for concurrent use. The zero
// value fails nothing.
type Injector struct {
	mu    sync.Mutex
	plan  Plan // guarded by mu
	count int  // guarded by mu
	hit   *Op  // guarded by mu; nil until the plan's operation came
}

// New makes an injector with a plan.
func New(p Plan) *Injector { return &Injector{plan: p} }

// Arm replaces the plan and counts from the beginning.
func (in *Injector) Arm(p Plan) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.plan, in.count, in.hit = p, 0, nil
}

// Disarm lets everything pass from now on; Hit and Count keep their answers.
func (in *Injector) Disarm() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.plan = Plan{}
}

// Count is how many operations were counted.
func (in *Injector) Count() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.count
}

// Hit gives the operation that was failed, if it came to that.
func (in *Injector) Hit() (Op, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.hit == nil {
		return Op{}, false
	}
	return *in.hit, true
}

// verdict is what happens to one operation.
type verdict struct {
	fail    bool
	flavour Flavour
	err     error // a Store's
}

// next counts an operation and decides about it. space says that it may need room on the disk.
func (in *Injector) next(op Op, space bool) verdict {
	in.mu.Lock()
	defer in.mu.Unlock()
	p := in.plan
	if p.At == 0 || p.Only != nil && !p.Only(op) || p.Flavour == Full && !space {
		return verdict{}
	}
	in.count++
	v := verdict{flavour: p.Flavour, err: p.Err}
	switch {
	case in.count == p.At:
		in.hit, v.fail = &op, true
	case in.count > p.At && p.Sticky:
		v.fail = true
		if p.Flavour != Full {
			v.flavour = Before
		}
	}
	return v
}

// around runs an operation as the verdict has it; code turns the failure into what the layer reports.
func (v verdict) around(do func() error, code func(Flavour) error) error {
	if !v.fail {
		return do()
	}
	if v.flavour == After {
		if err := do(); err != nil {
			return err
		}
	}
	return code(v.flavour)
}

// loopLimit ends a Loop that never runs clean: a plan that counts what the story repeats until it succeeds.
const loopLimit = 100_000

// Loop runs a story with i = 1, 2, 3 ... as the number of the operation to fail, each as a subtest, until one
// reports that its failure was not reached, and gives the number of that clean run.
func Loop(t *testing.T, run func(t *testing.T, i int) (hit bool)) int {
	t.Helper()
	for i := 1; i <= loopLimit; i++ {
		hit := false
		if !t.Run(fmt.Sprint(i), func(t *testing.T) { hit = run(t, i) }) {
			t.Fatalf("stopped at operation %d", i)
		}
		if !hit {
			return i
		}
	}
	t.Fatalf("no clean run in %d", loopLimit)
	return 0
}
