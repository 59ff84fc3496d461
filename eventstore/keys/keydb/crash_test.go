package keydb_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

// crashDir names the folder in which the child process of TestKilledProcess works.
const crashDir = "LITOPYS_KEYDB_CRASH_DIR"

var crashLedger = uuid.MustParse("00000000-0000-4000-8000-00000000c4a5")

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func openCrashStore(ctx context.Context, dir string) (*keydb.Store, error) {
	kms, err := keys.OpenLocal(filepath.Join(dir, "local.key"))
	if err != nil {
		return nil, err
	}
	return keydb.Open(ctx, keydb.Config{Path: filepath.Join(dir, "keys.db"), Ledger: crashLedger, KMS: kms})
}

// child makes and destroys keys without end and says what was acknowledged, one line for each: "live ID
// TOKEN" (the token proves the secret without showing it) and "dead ID".
func child(dir string) error {
	ctx := context.Background()
	s, err := openCrashStore(ctx, dir)
	if err != nil {
		return err
	}
	position, err := s.Followed(ctx)
	for err == nil {
		wants := make([]keys.Want, 20)
		for i := range wants {
			tag := s.Tag("email", uuid.NewString())
			wants[i] = keys.Want{Ref: keytest.Ref(keytest.Subject(), "email", "1"), Tag: &tag}
		}
		var got []keys.Key
		if got, err = s.Ensure(ctx, wants); err != nil {
			break
		}
		for _, k := range got {
			fmt.Println("live", k.ID, k.Token(nil))
		}
		position++
		if err = s.Follow(ctx, position, []domain.Fate{keytest.Destroy(got[0].Ref), keytest.Destroy(got[7].Ref)}); err == nil {
			fmt.Println("dead", got[0].ID)
			fmt.Println("dead", got[7].ID)
		}
	}
	return err
}

// What was acknowledged before kill -9 is there afterwards, again and again on the same store.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := keys.CreateLocal(filepath.Join(dir, "local.key")); err != nil {
		t.Fatal(err)
	}
	live, dead := map[uuid.UUID]uuid.UUID{}, map[uuid.UUID]bool{}
	for _, lines := range []int{1, 23, 150, 400, 777} {
		runAndKill(t, dir, lines, live, dead)
		requireAcknowledged(t, dir, live, dead)
	}
	if len(live) < 1000 || len(dead) < 50 {
		t.Errorf("only %d keys and %d destructions were acknowledged", len(live), len(dead))
	}
}

// runAndKill kills the child after so many lines of its answer, and takes what it had said until then.
func runAndKill(t testing.TB, dir string, lines int, live map[uuid.UUID]uuid.UUID, dead map[uuid.UUID]bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test's own binary
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for n := 0; said.Scan(); n++ {
		if n == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		var word, id, token string
		if _, err := fmt.Sscan(said.Text(), &word, &id, &token); err != nil && word != "dead" {
			continue // the line that the kill cut short
		}
		switch parsed, err := uuid.Parse(id); {
		case err != nil:
		case word == "dead":
			dead[parsed] = true
		default:
			live[parsed], _ = uuid.Parse(token)
		}
	}
	_ = cmd.Wait() // killed
	if complaints.Len() > 0 {
		t.Fatalf("the child failed: %s", complaints.String())
	}
}

func requireAcknowledged(t testing.TB, dir string, live map[uuid.UUID]uuid.UUID, dead map[uuid.UUID]bool) {
	t.Helper()
	s, err := openCrashStore(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	for id, token := range live {
		got, err := s.Open(t.Context(), []uuid.UUID{id})
		if err != nil {
			t.Fatalf("an acknowledged key: %v", err)
		}
		if dead[id] && got[0].State != keys.Destroyed {
			t.Errorf("an acknowledged destruction is lost: %s", got[0])
		}
		// A destruction that was carried out but not yet acknowledged is legal as well.
		if got[0].State == keys.Live && got[0].Token(nil) != token {
			t.Errorf("%s has another secret", got[0])
		}
	}
}
