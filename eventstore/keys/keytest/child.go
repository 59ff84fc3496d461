package keytest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// NewKMS makes a local key in the folder.
func NewKMS(t testing.TB, dir, name string) keys.KMS {
	t.Helper()
	kms, err := keys.CreateLocal(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return kms
}

// childLedger is whose keys the children of one test make.
var childLedger = uuid.MustParse("00000000-0000-4000-8000-00000000c4a5")

// common is the n-th of the refs that all processes want, in the same order.
func common(n int) keys.Ref {
	subject := uuid.NewSHA1(childLedger, fmt.Append(nil, n))
	return Ref(domain.SubjectID{UUID: subject}, "name", "1")
}

// Child is a process that makes and destroys keys without end until it is killed, and says what was
// acknowledged, one line for each: "live ID TOKEN" (the token proves the secret without showing it) and "dead
// ID". Half of the keys are its own, half are wanted by the other children as well. Only one follows.
func Child(s keys.Store, follows bool) error {
	ctx := context.Background()
	position, err := s.Followed(ctx)
	for n := 0; err == nil; n += 10 {
		wants := make([]keys.Want, 20)
		for i := range wants {
			tag := s.Tag("email", uuid.NewString())
			wants[i] = keys.Want{Ref: Ref(Subject(), "email", "1"), Tag: &tag}
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
		if err = s.Follow(ctx, position, []domain.Fate{Destroy(got[0].Ref), Destroy(got[7].Ref)}); err == nil {
			fmt.Println("dead", got[0].ID)
			fmt.Println("dead", got[7].ID)
		}
	}
	return err
}

// Said is what children have acknowledged.
type Said struct {
	mu   sync.Mutex
	live map[uuid.UUID]uuid.UUID // id to token
	dead map[uuid.UUID]bool
}

// RunChildren starts this test's binary again, several times over, and kills it in the middle; after each
// round every promise must be kept, and in the end there must be many. Environment gives what makes each
// binary one of the children of a round.
func RunChildren(t *testing.T, environment [][]string, open Opener) {
	t.Helper()
	all := &Said{live: map[uuid.UUID]uuid.UUID{}, dead: map[uuid.UUID]bool{}}
	for _, lines := range []int{1, 23, 150, 400, 777} {
		var children sync.WaitGroup
		for _, env := range environment {
			children.Go(func() { all.runAndKill(t, env, lines) })
		}
		children.Wait()
		all.requireKept(t, open(t))
	}
	// Of 1351 lines a few tell of deaths, and up to a quarter of keys that an earlier child had told of.
	if len(all.live) < 900 || len(all.dead) < 50 {
		t.Errorf("only %d keys and %d destructions were acknowledged", len(all.live), len(all.dead))
	}
}

// runAndKill kills the child after so many lines of its answer, and takes what it had said until then.
func (a *Said) runAndKill(t *testing.T, env []string, lines int) {
	cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test's own binary
	cmd.Env = append(os.Environ(), env...)
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

func (a *Said) take(t *testing.T, line string) {
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

func (a *Said) requireKept(t *testing.T, s keys.Store) {
	t.Helper()
	defer func() { _ = s.Close() }()
	if v, ok := s.(interface{ Verify(context.Context) error }); ok {
		if err := v.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	}
	var ids []uuid.UUID
	for id := range a.live {
		ids = append(ids, id)
	}
	got, err := s.Open(t.Context(), ids)
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
