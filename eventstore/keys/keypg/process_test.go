package keypg_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

// The environment of a child process: the folder of its local key, its database, whether it follows the log.
const (
	childDir     = "LITOPYS_KEYPG_CHILD_DIR"
	childURL     = "LITOPYS_KEYPG_CHILD_URL"
	childFollows = "LITOPYS_KEYPG_CHILD_FOLLOWS"
)

var childLedger = uuid.MustParse("00000000-0000-4000-8000-00000000c4a5")

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir, os.Getenv(childURL), os.Getenv(childFollows) != ""))
		os.Exit(1)
	}
	// Each step of a history is some round trips to a server: a tenth of what rapid does, unless asked.
	if err := flag.Set("rapid.checks", "10"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(m.Run())
}

func openChildStore(ctx context.Context, dir, url string) (*keypg.Store, error) {
	kms, err := keys.OpenLocal(filepath.Join(dir, "local.key"))
	if err != nil {
		return nil, err
	}
	return keypg.Open(ctx, keypg.Config{URL: url, Ledger: childLedger, KMS: kms})
}

// common is the n-th of the refs that all processes want, in the same order.
func common(n int) keys.Ref {
	subject := uuid.NewSHA1(childLedger, fmt.Append(nil, n))
	return keytest.Ref(domain.SubjectID{UUID: subject}, "name", "1")
}

// child makes keys without end, half of them its own and half of them wanted by the other processes as well,
// and says what was acknowledged, one line for each: "live ID TOKEN" (the token proves the secret without
// showing it). The one that follows destroys some of its own and says "dead ID".
func child(dir, url string, follows bool) error {
	ctx := context.Background()
	s, err := openChildStore(ctx, dir, url)
	if err != nil {
		return err
	}
	position, err := s.Followed(ctx)
	for n := 0; err == nil; n += 10 {
		wants := make([]keys.Want, 20)
		for i := range wants {
			tag := s.Tag("email", uuid.NewString())
			wants[i] = keys.Want{Ref: keytest.Ref(keytest.Subject(), "email", "1"), Tag: &tag}
			if i >= 10 {
				wants[i] = keys.Want{Ref: common(n + i - 10)}
			}
		}
		var got []keys.Key
		if got, err = s.Ensure(ctx, wants); err != nil {
			break
		}
		for _, k := range got {
			fmt.Println("live", k.ID, k.Token(nil))
		}
		if !follows {
			continue
		}
		position++
		if err = s.Follow(ctx, position, []domain.Fate{keytest.Destroy(got[0].Ref), keytest.Destroy(got[7].Ref)}); err == nil {
			fmt.Println("dead", got[0].ID)
			fmt.Println("dead", got[7].ID)
		}
	}
	return err
}

// said is what the children have acknowledged.
type said struct {
	mu   sync.Mutex
	live map[uuid.UUID]uuid.UUID // id to token
	dead map[uuid.UUID]bool
}

// What processes that share a store have acknowledged before kill -9 is there afterwards, again and again on
// the same store, and no two of them were given different keys for one ref.
func TestKilledProcesses(t *testing.T) {
	t.Parallel()
	storage := newStorage(t)
	all := &said{live: map[uuid.UUID]uuid.UUID{}, dead: map[uuid.UUID]bool{}}
	for _, lines := range []int{1, 23, 150, 400, 777} {
		var children sync.WaitGroup
		for _, follows := range []string{"1", "", ""} {
			children.Go(func() { all.runAndKill(t, storage, lines, follows) })
		}
		children.Wait()
		all.requireKept(t, storage)
	}
	if len(all.live) < 1000 || len(all.dead) < 50 {
		t.Errorf("only %d keys and %d destructions were acknowledged", len(all.live), len(all.dead))
	}
}

// runAndKill kills the child after so many lines of its answer, and takes what it had said until then.
func (a *said) runAndKill(t *testing.T, s storage, lines int, follows string) {
	cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test's own binary
	cmd.Env = append(os.Environ(), childDir+"="+s.dir, childURL+"="+s.cfg.URL, childFollows+"="+follows)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Error(err)
		return
	}
	answer := bufio.NewScanner(out)
	for n := 0; answer.Scan(); n++ {
		if n == lines {
			_ = cmd.Process.Kill() // its end shows below
		}
		a.take(t, answer.Text())
	}
	_ = cmd.Wait() // killed
	if complaints.Len() > 0 {
		t.Errorf("the child failed: %s", complaints.String())
	}
}

func (a *said) take(t *testing.T, line string) {
	var word, id, token string
	if _, err := fmt.Sscan(line, &word, &id, &token); err != nil && word != "dead" {
		return // the line that the kill cut short
	}
	key, err := uuid.Parse(id)
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if word == "dead" {
		a.dead[key] = true
		return
	}
	proof, err := uuid.Parse(token)
	if err != nil {
		return
	}
	if before, ok := a.live[key]; ok && before != proof {
		t.Errorf("key %s was given out with two secrets", key)
	}
	a.live[key] = proof
}

func (a *said) requireKept(t *testing.T, s storage) {
	t.Helper()
	store, err := openChildStore(t.Context(), s.dir, s.cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if err := store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	var ids []uuid.UUID
	for id := range a.live {
		ids = append(ids, id)
	}
	got, err := store.Open(t.Context(), ids)
	if err != nil {
		t.Fatalf("an acknowledged key: %v", err)
	}
	for _, k := range got {
		if a.dead[k.ID] && k.State != keys.Destroyed {
			t.Errorf("an acknowledged destruction is lost: %s", k)
		}
		// A destruction that was carried out but not yet acknowledged is legal as well.
		if k.State == keys.Live && k.Token(nil) != a.live[k.ID] {
			t.Errorf("%s has another secret", k)
		}
	}
}
