package keydb_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

func TestTurn(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	keytest.RunTurn(t, s.opener, func(ledger uuid.UUID, from, to uint64) error {
		return keydb.Turn(t.Context(), s.cfg.Path, ledger, from, to)
	})
}

// TestTurnMakesNoFile: a key store that is not there is not made.
func TestTurnMakesNoFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	if err := keydb.Turn(t.Context(), path, uuid.New(), 1, 2); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the file was made")
	}
}
