// Package both asks every backend the same questions: a fold is tested on SQLite and on PostgreSQL alike.
package both

import (
	"context"
	"path/filepath"
	"testing"

	"imagine.ua/litopys/eventstore/pgtest"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/postgres"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/sqlite"
)

// viewer shows one after the other.
type viewer []projections.Backend

// Filled gives backends that are level with the log. Its View runs the questions on each of them in turn, so
// they must be such as can be asked again. Where no PostgreSQL is installed it says so and leaves it out.
func Filled(t testing.TB, log projections.Source, set ...*projections.Projection) projections.Viewer {
	t.Helper()
	file, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "read.db")})
	if err != nil {
		t.Fatal(err)
	}
	all := viewer{file}
	if pgtest.Available() {
		server, err := postgres.Open(t.Context(), postgres.Config{URL: pgtest.Shared(t).Database(t)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, server)
	} else {
		t.Log("no PostgreSQL here: asked on SQLite only")
	}
	for _, b := range all {
		t.Cleanup(func() {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
		projtest.Filled(t, b, log, set...)
	}
	return all
}

// View gives do a snapshot of each backend.
func (v viewer) View(ctx context.Context, do func(projections.Snapshot) error) error {
	for _, b := range v {
		if err := b.View(ctx, do); err != nil {
			return err
		}
	}
	return nil
}
