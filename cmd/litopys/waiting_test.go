package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/eventstore/pgtest"
)

// ends interrupts the runner and gives what it said from the last hearing on.
func (r *runner) ends(t testing.TB) string {
	t.Helper()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var rest strings.Builder
	for r.says.Scan() {
		rest.WriteString(r.says.Text() + "\n")
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("an interrupted runner ends with %v\n%s", err, rest.String())
	}
	return rest.String()
}

// sameAsRebuilt wants the answers level and equal to a rebuild from zero.
func (h house) sameAsRebuilt(t testing.TB) {
	t.Helper()
	h.level(t)
	live := h.rows(t)
	h.run(t, "projection", "rebuild")
	if d := cmp.Diff(live, h.rows(t)); d != "" {
		t.Errorf("a rebuild differs (-live +rebuilt):\n%s", d)
	}
}

// TestRunnerWaitsForItsServers: a runner that is started before its servers waits, says so once, and begins
// when they are there; one whose servers go away goes on when they are back.
func TestRunnerWaitsForItsServers(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(t testing.TB, s stopper, pg *pgtest.Server) (start func()){
		"EventStoreDB": func(t testing.TB, s stopper, _ *pgtest.Server) func() {
			s.Stop()
			return func() {
				if err := s.Start(); err != nil {
					t.Error(err)
				}
			}
		},
		"PostgreSQL": func(t testing.TB, _ stopper, pg *pgtest.Server) func() {
			pg.Stop(t)
			return func() { pg.Start(t) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, pg := server(t), pgtest.New(t, pgtest.Config{})
			h := onServers(t, s, pg)
			h.run(t, "import", "access-log", generated(t, 200), "--rejects", filepath.Join(t.TempDir(), "rejects"))

			start := stop(t, s, pg)
			r := h.runner(t)
			r.hears(t, "the runner waits for its servers")
			start()
			if between := r.hears(t, "the runner goes on"); strings.Contains(between, "the runner waits") {
				t.Errorf("it says more than once that it waits:\n%s", between)
			}
			r.hears(t, "projection follows")
			start = stop(t, s, pg)
			r.hears(t, "level=WARN")
			start()
			h.run(t, "import", "access-log", generated(t, 600), "--rejects", filepath.Join(t.TempDir(), "rejects"))
			if rest := r.ends(t); strings.Contains(rest, "level=ERROR") {
				t.Errorf("it says:\n%s", rest)
			}
			h.sameAsRebuilt(t)
		})
	}
}

type stopper interface {
	Stop()
	Start() error
}

// TestRunnerOnAFullDisk: while the disk of the answers is full recording goes on and the runner waits; when
// there is space it goes on by itself, and nothing is missing.
func TestRunnerOnAFullDisk(t *testing.T) {
	t.Parallel()
	s, pg := server(t), pgtest.New(t, pgtest.Config{})
	h := onServers(t, s, pgtest.Shared(t))
	disk := pg.SmallDisk(t)
	h.env[2] = "LITOPYS_ANSWERS_URL=" + disk.URL
	importing := func(lines int) {
		h.run(t, "import", "access-log", generated(t, lines), "--rejects", filepath.Join(t.TempDir(), "rejects"))
	}
	h.run(t, "init")
	r := h.runner(t)
	r.hears(t, "projection follows")
	h.run(t, "recipient", "list")
	disk.Fill(t)
	importing(2500)
	r.hears(t, "projections pause")
	recorded := h.verified(t)["records"]
	disk.Free(t)
	r.hears(t, "projections go on")
	importing(100)
	if rest := r.ends(t); strings.Contains(rest, "projections pause") || strings.Contains(rest, "level=ERROR") {
		t.Errorf("it says:\n%s", rest)
	}
	if now := h.verified(t)["records"]; recorded.(float64) >= now.(float64) {
		t.Errorf("%v records, there were %v", now, recorded)
	}
	h.sameAsRebuilt(t)
}
