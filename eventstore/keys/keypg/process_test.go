package keypg_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

// The environment of a child process: the folder of its local key, its database, the ledger, whether it
// follows the log.
const (
	childDir     = "LITOPYS_KEYPG_CHILD_DIR"
	childURL     = "LITOPYS_KEYPG_CHILD_URL"
	childLedger  = "LITOPYS_KEYPG_CHILD_LEDGER"
	childFollows = "LITOPYS_KEYPG_CHILD_FOLLOWS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir))
		os.Exit(1)
	}
	// Each step of a history is some round trips to a server: a tenth of what rapid does, unless asked.
	if err := flag.Set("rapid.checks", "10"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(m.Run())
}

func child(dir string) error {
	kms, err := keys.OpenLocal(filepath.Join(dir, "local.key"))
	if err != nil {
		return err
	}
	s, err := keypg.Open(context.Background(), keypg.Config{URL: os.Getenv(childURL),
		Ledger: uuid.MustParse(os.Getenv(childLedger)), KMS: kms})
	if err != nil {
		return err
	}
	return keytest.Child(s, os.Getenv(childFollows) != "")
}

// What processes that share a store have acknowledged before kill -9 is there afterwards, again and again on
// the same store, and no two of them were given different keys for one ref.
func TestKilledProcesses(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	one := []string{childDir + "=" + s.dir, childURL + "=" + s.cfg.URL, childLedger + "=" + s.cfg.Ledger.String()}
	follower := append([]string{childFollows + "=1"}, one...)
	keytest.RunChildren(t, [][]string{follower, one, one}, s.opener)
}
