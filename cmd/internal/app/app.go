// Package app puts the ledger together for the doors: journal, ledger, read models, and the engine that
// keeps the read models level. It opens them in this order and closes them in reverse, whatever happens.
package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/consents"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/notices"
	"imagine.ua/litopys/projections/obligations"
	"imagine.ua/litopys/projections/profile"
	processing "imagine.ua/litopys/projections/register"
	"imagine.ua/litopys/projections/requests"
	"imagine.ua/litopys/projections/retained"
	"imagine.ua/litopys/projections/statistics"
	"imagine.ua/litopys/projections/transfers"
)

// pieces are the files of a data folder that cannot be made again. One of them alone is a ledger that has
// lost the others, which is damage and not an empty folder.
var pieces = [...]string{logFile, keysFile, localFile}

// ErrNoLedger says that the data folder holds no ledger, and that the command is not one that makes one.
var ErrNoLedger = errors.New("no ledger in this folder")

// ErrNoServerLedger says the same of a server.
var ErrNoServerLedger = errors.New("no ledger on this server")

// Options says what to open.
type Options struct {
	Config config.Config
	Logger *slog.Logger
	// Create makes a new ledger when the folder holds none.
	Create bool
}

// App is an open ledger with its answers. It is safe for concurrent use.
type App struct {
	// Policy is the version in force now, whether it was configured or published.
	Policy *policy.Policy
	// Policies are all versions that the ledger decides by.
	Policies *policy.Set
	Journal  *journal.Journal
	Ledger   *ledger.Ledger
	// Backend and Engine are those of a file, or of memory after a View on a full disk.
	Backend projections.Backend
	Engine  *projections.Engine
	// Created says that the ledger was made now.
	Created bool

	logger *slog.Logger
	close  []func() error

	answers sync.Mutex // held while Backend and Engine are replaced, and while it is looked which they are
	full    error      // guarded by answers: why the answers are in memory; nil for a file
}

// With opens the ledger, runs the step and closes everything, in reverse order and whatever came of it.
func With(ctx context.Context, o Options, step func(*App) error) (err error) {
	a, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return step(a)
}

// Open opens the ledger that the configuration names. The caller closes it.
func Open(ctx context.Context, o Options) (_ *App, err error) {
	a := &App{logger: o.Logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.Policy, err = Policy(o.Config); err != nil {
		return nil, err
	}
	if err = a.openJournal(ctx, o); err != nil {
		return nil, explainMove(o.Config, err)
	}
	a.Ledger = ledger.New(a.Journal, ledger.Config{Policy: a.Policy})
	if err = a.openPolicies(ctx); err != nil {
		return nil, err
	}
	if err = a.openAnswers(ctx, o.Config); err != nil {
		return nil, err
	}
	return a, nil
}

// Exists tells whether the folder holds a ledger, or what is left of one.
func Exists(dir string) bool {
	for _, name := range append(pieces[:], headFile) {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	runs, err := os.ReadDir(filepath.Join(dir, indexDir))
	return err == nil && len(runs) > 0
}

// Close closes what was opened, the newest first. Closing twice is a no-op.
func (a *App) Close() error {
	var errs []error
	for len(a.close) > 0 {
		last := len(a.close) - 1
		errs = append(errs, a.close[last]())
		a.close = a.close[:last]
	}
	return errors.Join(errs...)
}

// openPolicies learns what was published. Before the first version begins, the configured one is shown.
func (a *App) openPolicies(ctx context.Context) (err error) {
	if a.Policies, err = a.Ledger.Policies(ctx); err != nil {
		return err
	}
	if p, ok := a.Policies.At(time.Now()); ok {
		a.Policy = p
	}
	return nil
}

// Projections lists the answers that this program computes.
func Projections() []*projections.Projection { return ProjectionsUnder(policy.Imagine().Pack()) }

// ProjectionsUnder lists the same with the deadlines of a rule pack.
func ProjectionsUnder(pack *law.Pack) []*projections.Projection {
	return []*projections.Projection{profile.New(), history.New(), consents.New(), transfers.New(), retained.New(),
		obligations.New(pack), requests.New(), notices.New(), statistics.New(), processing.New()}
}

// Find gives the subjects who are found under a value.
func (a *App) Find(ctx context.Context, field domain.Field, value domain.Value) ([]domain.SubjectID, error) {
	return a.Journal.Find(ctx, field, value)
}

// State folds one subject's file, for a dry run of a decision.
func (a *App) State(ctx context.Context, id domain.SubjectID) (subject.State, error) {
	var s subject.State
	for r, err := range a.Journal.Events(ctx, domain.SubjectStream(id), domain.NoStream) {
		if err != nil {
			return s, err
		}
		if e, ok := r.Event.(subject.Event); ok {
			s = subject.Evolve(s, subject.Fact{Event: e, At: r.Meta.OccurredAt})
		}
	}
	return s, nil
}
