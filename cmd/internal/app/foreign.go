package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/sqlite"
)

// openOwn opens the file of read models. One that holds the answers of another ledger, or is something else, gets
// another name and stays as it is: like damaged ones, the answers of this ledger can be computed again.
func (a *App) openOwn(ctx context.Context, path string) (*sqlite.Backend, error) {
	backend, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err == nil {
		if err = a.own(ctx, backend); err == nil {
			return backend, nil
		}
		err = errors.Join(err, backend.Close())
	}
	if !errors.Is(err, eventstore.ErrForeign) {
		return nil, err
	}
	if err := a.giveWay(path, err); err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, sqlite.Config{Path: path})
}

// own gives a projections.ForeignError when answers that are shown were computed from another log.
func (a *App) own(ctx context.Context, backend *sqlite.Backend) error {
	log, err := a.Journal.Identity(ctx)
	if err != nil {
		return fmt.Errorf("whose log it is: %w", err)
	}
	builds, err := backend.Catalogue(ctx)
	if err != nil {
		return fmt.Errorf("whose answers they are: %w", err)
	}
	foreign := projections.ForeignError{Log: log}
	for _, b := range builds {
		if b.State == projections.Live && b.Log != log {
			foreign.Of, foreign.Projections = b.Log, append(foreign.Projections, b.Projection)
		}
	}
	if foreign.Of != uuid.Nil {
		return &foreign
	}
	_, err = backend.Builds(ctx) // opens every file: damage is to be found now, while it can be put aside
	return err
}

// giveWay renames the file, which overwrites nothing.
func (a *App) giveWay(path string, why error) error {
	to := path + ".foreign"
	for n := 2; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			break
		}
		to = fmt.Sprintf("%s.foreign-%d", path, n)
	}
	a.logger.Warn("read models of another ledger are put aside and the answers computed again", slog.String("file", to), slog.Any("error", why))
	if err := sqlite.Move(path, to); err != nil {
		return fmt.Errorf("put the foreign file aside: %w", err)
	}
	return nil
}
