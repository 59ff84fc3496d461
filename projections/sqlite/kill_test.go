package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
)

// rebuildEnv names the file to a re-executed test binary, which then is the process to kill.
const rebuildEnv = "LITOPYS_TEST_REBUILD"

const killEvents = 4000

func TestMain(m *testing.M) {
	if path := os.Getenv(rebuildEnv); path != "" {
		rebuildAloud(path)
	}
	os.Exit(m.Run())
}

// aloud says how far it is read: whoever hears may kill at any of it.
type aloud struct {
	*projtest.Log
}

func (l aloud) ReadAll(ctx context.Context, after uint64) iter.Seq2[domain.Recorded, error] {
	return func(yield func(domain.Recorded, error) bool) {
		n := 0
		for r, err := range l.Log.ReadAll(ctx, after) {
			if n++; n%500 == 0 {
				fmt.Println("read")
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func rebuildAloud(path string) {
	log, _ := benchLog(killEvents)
	b, err := Open(context.Background(), Config{Path: path})
	if err == nil {
		var e *projections.Engine
		e, err = projections.New(projections.Config{Source: aloud{log}, Backend: b, Projections: projtest.All(), RebuildBytes: 1})
		if err == nil {
			err = e.Rebuild(context.Background(), nil, func(p projections.Progress) { fmt.Println("stage", p.Stage) })
		}
	}
	fmt.Println("ended", err)
	os.Exit(0)
}

// A rebuild that is killed again and again, a little later each time, comes to its end, with the rows of a
// run that nobody killed, and leaves nothing beside the file.
func TestKilledRebuildGoesOn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "read.db")
	log, _ := benchLog(killEvents)
	for lines := 2; !killedAfter(t, path, lines); lines += 3 {
		if lines > 100 {
			t.Fatal("no run came to its end")
		}
	}
	b := open(t, path)
	e, err := projections.New(projections.Config{Source: log, Backend: b, Projections: projtest.All()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Check(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	clean := open(t, filepath.Join(t.TempDir(), "clean.db"))
	other, err := projections.New(projections.Config{Source: log, Backend: clean, Projections: projtest.All()})
	if err == nil {
		err = other.CatchUp(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(projtest.Read(t, clean, projtest.All()), projtest.Read(t, b, projtest.All())); diff != "" {
		t.Errorf("rebuilt through kills differs (-followed +rebuilt):\n%.2000s", diff)
	}
	if left, err := filepath.Glob(path + spoolSuffix); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// killedAfter kills a rebuild when it has said so many lines, and tells whether it came to its end before.
func killedAfter(t *testing.T, path string, lines int) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0]) // #nosec G204 -- this binary
	cmd.Env = append(os.Environ(), rebuildEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := ""
	said := bufio.NewScanner(out)
	for n := 0; n < lines && said.Scan(); n++ {
		if text := said.Text(); len(text) > 5 && text[:5] == "ended" {
			ended = text
			break
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if ended != "" && ended != "ended <nil>" {
		t.Fatal(ended)
	}
	return ended != ""
}
