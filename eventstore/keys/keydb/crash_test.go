package keydb_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

// The environment of a child process: the folder in which it works, and the ledger.
const (
	crashDir    = "LITOPYS_KEYDB_CRASH_DIR"
	crashLedger = "LITOPYS_KEYDB_CRASH_LEDGER"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func child(dir string) error {
	kms, err := keys.OpenLocal(filepath.Join(dir, "local.key"))
	if err != nil {
		return err
	}
	s, err := keydb.Open(context.Background(), keydb.Config{Path: filepath.Join(dir, "keys.db"),
		Ledger: uuid.MustParse(os.Getenv(crashLedger)), KMS: kms})
	if err != nil {
		return err
	}
	return keytest.Child(s, true)
}

// What was acknowledged before kill -9 is there afterwards, again and again on the same store.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	keytest.RunChildren(t, [][]string{{crashDir + "=" + s.dir, crashLedger + "=" + s.cfg.Ledger.String()}}, s.opener)
}
