package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
)

// killDir is the environment variable that makes this test's binary a child that works in the folder.
const killDir = "LITOPYS_JOURNAL_KILL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		fmt.Fprintln(os.Stderr, live(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// live records people without end: each gives two values, one of which is destroyed at once and one kept and
// destroyed later. It says which subject's story is told.
func live(dir string) error {
	ctx := context.Background()
	j, err := journal.Open(ctx, journal.Config{Dir: dir})
	if err != nil {
		return err
	}
	for {
		who := newSubject()
		keep := domain.Fate{Subject: who, Field: "name", Epoch: "1", Action: domain.Retain, Until: noon, Rule: "tax"}
		for n, e := range []domain.Event{
			collected(clearItem(who, "email", "1", "x"), clearItem(who, "name", "1", "n"), clearItem(who, "phone", "1", "p")),
			deleted(who, destroy(who, "email", "1"), keep),
			subject.RetentionEnded{Subject: who, Ended: []domain.Fate{destroy(who, "name", "1")}},
		} {
			if _, err := j.Append(ctx, domain.SubjectStream(who), int64(n-1), []ledger.Fact{fact(e)}); err != nil {
				return err
			}
		}
		fmt.Println(who)
	}
}

// A real process is killed in the middle of its work, again and again on the same folder: afterwards every fact
// has its keys' fates, no key is destroyed without a fact, and each destroyed key has exactly one certificate.
func TestAKilledProcessLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	told := 0
	for _, lines := range []int{1, 17, 60} {
		told += liveAndKill(t, dir, lines)
		j := openDir(t, dir)
		requireWhole(t, j, told)
		closeIt(t, j)
	}
}

func liveAndKill(t *testing.T, dir string, lines int) (told int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test's own binary
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	answer := bufio.NewScanner(out)
	for answer.Scan() {
		if told++; told == lines {
			_ = cmd.Process.Kill() // its end shows below
		}
	}
	_ = cmd.Wait() // killed
	return told
}

// requireWhole compares every fact in the log with the key store, and the certificates with both.
func requireWhole(t *testing.T, j *journal.Journal, told int) {
	t.Helper()
	if err := j.Certified(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, named := map[keys.Ref]keys.State{}, map[uuid.UUID]int{}
	people := map[domain.SubjectID]bool{}
	complete := 0
	for r, err := range j.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range r.Event.Personal() {
			people[item.Subject] = true
			want[keys.Ref{Subject: item.Subject, Field: item.Field, Epoch: item.Epoch}] = keys.Live
		}
		for _, f := range r.Event.Fates() {
			want[keys.RefOf(f)] = map[domain.FateAction]keys.State{domain.Retain: keys.Retained, domain.Destroy: keys.Destroyed}[f.Action]
		}
		switch e := r.Event.(type) {
		case subject.RetentionEnded:
			complete++
		case subject.KeysDestroyed:
			for _, k := range e.Keys {
				named[k.Key]++
			}
		}
	}
	if complete < told {
		t.Errorf("%d stories were acknowledged, %d stand", told, complete)
	}
	got, once := map[keys.Ref]keys.State{}, map[uuid.UUID]int{}
	for who := range people {
		list, err := j.Keys().Of(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range list {
			got[k.Ref] = k.State
			if k.State == keys.Destroyed {
				once[k.ID] = 1
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts and keys: %s", diff)
	}
	if diff := cmp.Diff(once, named); diff != "" {
		t.Errorf("destroyed keys and certificates: %s", diff)
	}
}
