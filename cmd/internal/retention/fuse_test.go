package retention_test

import (
	"context"
	"math"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/faulty"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/sqlite"
)

// fuse kills this very process at a step, counted from 1 once it is lit.
type fuse struct {
	at int

	mu   sync.Mutex
	lit  bool      // guarded by mu
	n    int       // guarded by mu
	last faulty.Op // guarded by mu
}

func (f *fuse) light() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lit = true
}

// burn is called before each step. The lock is not given back by who is killed: nobody else comes further.
func (f *fuse) burn() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count()
}

func (f *fuse) count() {
	if !f.lit {
		return
	}
	if f.n++; f.n == f.at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// disk counts what changes a file; a sync changes nothing for who comes after a killed process. A run of the
// same operation on one file is one step: what a transaction has written in part is nothing yet, and the
// stores' own suites cut there.
func (f *fuse) disk() *faulty.Injector {
	return faulty.New(faulty.Plan{At: math.MaxInt, Only: func(op faulty.Op) bool {
		switch op.Kind {
		case "write", "truncate", "delete", "rename":
			f.mu.Lock()
			defer f.mu.Unlock()
			if op != f.last {
				f.count()
			}
			f.last = op
		}
		return false
	}})
}

// on opens a ledger and its answers, each of whose steps burns the fuse.
func (f *fuse) on(t testing.TB, p place) *house {
	t.Helper()
	h := &house{place: p, calendar: calendar{at: noon}, policy: policy.Imagine()}
	open := f.onFiles
	if p.keys != "" {
		open = f.onServer
	}
	if err := open(t, h); err != nil {
		t.Fatal(err)
	}
	h.ledger = ledger.New(h.journal, ledger.Config{Policy: h.policy, Clock: h.now})
	var err error
	if h.engine, err = projections.New(projections.Config{Source: h.journal, Backend: h.answers, Projections: storySet(), Now: h.now}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (f *fuse) onFiles(t testing.TB, h *house) (err error) {
	t.Helper()
	in := f.disk()
	vfs := faulty.VFS(t, in)
	h.journal, err = journal.Open(t.Context(), journal.Config{Dir: h.dir, Policy: h.policy, Clock: h.now, VFS: vfs,
		FS: faulty.NewFS[embedded.File](embedded.OS{}, in)})
	if err != nil {
		return err
	}
	h.answers, err = sqlite.Open(t.Context(), sqlite.Config{Path: h.readFile(), VFS: vfs})
	return err
}

func (f *fuse) onServer(t testing.TB, h *house) error {
	t.Helper()
	parts, kms, err := h.parts(t.Context(), &h.calendar)
	if err != nil {
		return err
	}
	h.release = append(h.release, kms.Close)
	parts.Policy, parts.Store, parts.Keys = h.policy, fusedLog{parts.Store, f}, fusedKeys{parts.Keys, f}
	if h.journal, err = journal.New(t.Context(), parts); err != nil {
		return err
	}
	backend, err := h.backend(t.Context())
	h.answers = fusedAnswers{backend, f}
	return err
}

// On a server each call is one transaction. What follows a call is what comes before the next, but for Follow,
// which the goroutine that has asked for it need not wait for.

// fusedLog burns before a fact or a certificate is written.
type fusedLog struct {
	eventstore.Store
	fuse *fuse
}

func (l fusedLog) Append(ctx context.Context, stream string, expected int64, batch []eventstore.Event) (eventstore.Appended, error) {
	l.fuse.burn()
	return l.Store.Append(ctx, stream, expected, batch)
}

// fusedKeys burns before and after keys follow the facts, and before it is noted that certificates stand.
type fusedKeys struct {
	keys.Store
	fuse *fuse
}

func (k fusedKeys) Follow(ctx context.Context, position uint64, fates []domain.Fate) error {
	k.fuse.burn()
	defer k.fuse.burn()
	return k.Store.Follow(ctx, position, fates)
}

func (k fusedKeys) Certified(ctx context.Context, ids []uuid.UUID) error {
	k.fuse.burn()
	return k.Store.Certified(ctx, ids)
}

// fusedAnswers burns before each projection's rows are written; they come one after the other.
type fusedAnswers struct {
	projections.Backend
	fuse *fuse
}

func (b fusedAnswers) Commit(ctx context.Context, c projections.Commit) error {
	b.fuse.burn()
	return b.Backend.Commit(ctx, c)
}
