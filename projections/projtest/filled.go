package projtest

import (
	"context"
	"testing"

	"imagine.ua/litopys/projections"
)

// Filled brings a backend level with a log, for tests that ask it questions.
func Filled(t testing.TB, b projections.Backend, log projections.Source, set ...*projections.Projection) {
	t.Helper()
	must(t, engine(t, log, b, use(set...)).CatchUp(context.Background()))
}

// Look asks within one snapshot.
func Look(t testing.TB, b projections.Viewer, do func(projections.Snapshot)) {
	t.Helper()
	must(t, b.View(context.Background(), func(s projections.Snapshot) error {
		do(s)
		return nil
	}))
}
