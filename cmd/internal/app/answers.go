package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"imagine.ua/litopys/config"
	"imagine.ua/litopys/eventstore"
	store "imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/postgres"
	"imagine.ua/litopys/projections/sqlite"
)

// readFile holds the answers.
const readFile = "read.db"

func (a *App) openAnswers(ctx context.Context, cfg config.Config) (err error) {
	if cfg.Answers.URL != "" {
		a.Backend, err = postgres.Open(ctx, postgres.Config{URL: cfg.Answers.URL, Logger: a.logger})
	} else {
		a.Backend, err = a.openAnswersFile(ctx, filepath.Join(cfg.Dir, readFile))
	}
	if err != nil {
		return fmt.Errorf("read models: %w", err)
	}
	return a.startEngine()
}

// startEngine makes the engine of the backend, which Close closes from now on.
func (a *App) startEngine() (err error) {
	a.close = append(a.close, a.Backend.Close)
	a.Engine, err = projections.New(projections.Config{Source: source{a.Journal}, Backend: a.Backend,
		Projections: ProjectionsUnder(a.Policy.Pack()), Logger: a.logger})
	return err
}

func (a *App) openAnswersFile(ctx context.Context, path string) (*sqlite.Backend, error) {
	backend, err := a.openOwn(ctx, path)
	// Answers can be computed again from the log, so that damage to them is put aside, not fatal, and so are files
	// laid out by another version of the program.
	aside := ""
	switch {
	case errors.Is(err, eventstore.ErrCorrupt):
		aside = ".damaged"
	case errors.Is(err, projections.ErrVersion):
		aside = ".earlier"
	}
	if aside != "" {
		if err = a.setAside(path, path+aside, err); err == nil {
			backend, err = sqlite.Open(ctx, sqlite.Config{Path: path})
		}
	}
	if errors.Is(err, eventstore.ErrFull) {
		return a.inMemory(ctx, err)
	}
	return backend, err
}

// inMemory opens a place for answers that takes no disk, for as long as this program runs.
func (a *App) inMemory(ctx context.Context, full error) (*sqlite.Backend, error) {
	a.logger.WarnContext(ctx, "no space left for the read models: answers are computed in memory", slog.Any("error", full))
	a.full = full
	return sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(os.TempDir(), "litopys-answers-"+uuid.NewString()), VFS: store.Memory})
}

// setAside gives read models another name, in the place of those that were put aside there before.
func (a *App) setAside(path, to string, why error) error {
	a.logger.Warn("read models are of no use; they are put aside and computed again", slog.String("file", to), slog.Any("error", why))
	if err := errors.Join(sqlite.Remove(to), sqlite.Move(path, to)); err != nil {
		return fmt.Errorf("put read models aside: %w", err)
	}
	return nil
}

// Level brings the answers up to the end of the log. Rows that belong to another version of the program, or
// to a log that was longer, are computed again.
func (a *App) Level(ctx context.Context) error {
	_, engine, _ := a.now()
	err := engine.CatchUp(ctx)
	// A server that knows no record at a checkpoint's position says ErrForeign; the log itself is of this
	// ledger, or it would not be open.
	elsewhere := errors.Is(err, eventstore.ErrForeign) && !errors.Is(err, projections.ErrForeign)
	if errors.Is(err, projections.ErrVersion) || errors.Is(err, projections.ErrDiverged) || elsewhere {
		a.logger.Warn("answers are computed again", slog.Any("reason", err))
		if err = engine.Rebuild(ctx, nil, nil); err == nil {
			err = engine.CatchUp(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("bring the answers up to date: %w", err)
	}
	return nil
}

// View gives the step one moment of all answers, up to the end of the log. When a full disk does not take the
// rows that are missing, all of them are computed in memory: what is recorded stays readable.
func (a *App) View(ctx context.Context, step func(projections.Snapshot) error) error {
	err := a.Level(ctx)
	if errors.Is(err, eventstore.ErrFull) {
		if err = a.leaveFile(ctx, err); err == nil {
			err = a.Level(ctx)
		}
	}
	if err != nil {
		return err
	}
	backend, _, _ := a.now()
	return backend.View(ctx, step)
}

// now tells where the answers are, and why in memory if they are there.
func (a *App) now() (projections.Backend, *projections.Engine, error) {
	a.answers.Lock()
	defer a.answers.Unlock()
	return a.Backend, a.Engine, a.full
}

// leaveFile puts answers in memory in the place of those in the file, which stays as it is.
func (a *App) leaveFile(ctx context.Context, full error) error {
	a.answers.Lock()
	defer a.answers.Unlock()
	if a.full != nil {
		return full // in memory already: it is the log that is full
	}
	backend, err := a.inMemory(ctx, full)
	if err != nil {
		return errors.Join(full, err)
	}
	a.Backend = backend
	return a.startEngine()
}
