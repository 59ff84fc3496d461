package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
)

func TestBackend(t *testing.T) {
	t.Parallel()
	projtest.Run(t, func(t testing.TB, place string) projections.Backend {
		if err := os.MkdirAll(place, 0o700); err != nil {
			t.Fatal(err)
		}
		b, err := Open(context.Background(), Config{Path: filepath.Join(place, "read.db")})
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}
