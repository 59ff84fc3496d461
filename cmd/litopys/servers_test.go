package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/pgtest"
)

// house is where a ledger stands: the environment and the flags that lead the program there.
type house struct {
	dir string
	env []string
}

func (h house) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, append([]string{"--dir", h.dir}, args...)...)
	cmd.Env = append(os.Environ(), h.env...)
	return cmd
}

// try runs the program there.
func (h house) try(t testing.TB, args ...string) (out, talk string, code int) {
	t.Helper()
	cmd := h.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// run is try for what must succeed.
func (h house) run(t testing.TB, args ...string) string {
	t.Helper()
	out, talk, code := h.try(t, args...)
	if code != 0 {
		t.Fatalf("litopys %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, talk)
	}
	return out
}

func server(t testing.TB) *esdbtest.Server {
	t.Helper()
	s, err := esdbtest.Start(esdbtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// onServers is a house whose log is in EventStoreDB, and whose keys and answers are in two databases.
func onServers(t testing.TB, s *esdbtest.Server, pg *pgtest.Server) house {
	t.Helper()
	return house{dir: filepath.Join(t.TempDir(), "local"), env: []string{"LITOPYS_STORE_URL=" + s.URL(),
		"LITOPYS_KEYS_URL=" + pg.Database(t), "LITOPYS_ANSWERS_URL=" + pg.Database(t)}}
}

// subjects lists everybody in the answers, through the log's own order.
func (h house) subjects(t testing.TB, log string) []string {
	t.Helper()
	seen := map[string]bool{}
	for _, line := range strings.Split(log, "\n") {
		if _, id, ok := strings.Cut(line, `"subject":"`); ok {
			seen[id[:36]] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// began is a moment that has gone, the same for everybody who asks. What a tour records happened before it.
var began = time.Now().UTC().Format(time.RFC3339)

// answers gives every answer of the program in JSON, by question.
func (h house) answers(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{"recipients": h.run(t, "--json", "recipient", "list"), "transfers": h.run(t, "--json", "transfer", "list")}
	people := h.subjects(t, out["transfers"])
	if len(people) == 0 {
		t.Fatal("nobody is in the transfers")
	}
	for _, id := range people {
		for name, question := range map[string][]string{
			"show": {"subject", "show", id}, "history": {"subject", "history", id}, "consents": {"consent", "list", id},
			"past": {"subject", "history", id, "--as-of", began, "--by", "occurred"}, "plan": {"subject", "plan", id, "--all"},
		} {
			answer, talk, code := h.try(t, append([]string{"--json"}, question...)...)
			if code != 0 && code != 3 {
				t.Errorf("%v: exit code %d\n%s", question, code, talk)
			}
			out[id+" "+name] = fmt.Sprint(code, answer, talk)
		}
	}
	return out
}

var position = regexp.MustCompile(`"position":[0-9]+`)

// placeless are the answers without positions, which are the store's own.
func placeless(answers map[string]string) map[string]string {
	out := map[string]string{}
	for question, answer := range answers {
		out[question] = position.ReplaceAllString(answer, `"position":0`)
	}
	return out
}

// verified is what "log verify" says, without the positions, which are the store's own.
func (h house) verified(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(h.run(t, "--json", "log", "verify")), &out); err != nil {
		t.Fatal(err)
	}
	delete(out, "position")
	return out
}

// level asks a question, after which every answer must stand at the end of the log.
func (h house) level(t testing.TB) {
	t.Helper()
	h.run(t, "recipient", "list")
	status := h.run(t, "projection", "status")
	if lines := strings.Count(status, "\n") - 2; lines < 4 || strings.Count(status, " level") != lines {
		t.Errorf("the answers are not level:\n%s", status)
	}
}

// rows digests the live rows of every table of answers.
func (h house) rows(t testing.TB) map[string]string {
	t.Helper()
	url := strings.TrimPrefix(h.env[2], "LITOPYS_ANSWERS_URL=")
	out, total := map[string]string{}, int64(0)
	for _, table := range pgtest.Query[[]string](t, url, `SELECT array_agg(table_name::text) FROM information_schema.views
		WHERE table_schema = 'litopys' AND table_name <> 'projection_status'`) {
		out[table] = pgtest.Query[string](t, url, `SELECT count(*) || ' ' || coalesce(md5(string_agg(r::text, E'\n' ORDER BY r::text)), '') FROM litopys.`+table+` r`)
		total += pgtest.Query[int64](t, url, `SELECT count(*) FROM litopys.`+table)
	}
	if total < 100 {
		t.Errorf("there are %d rows only", total)
	}
	return out
}

// TestMovingHouse fills a data folder with the demonstration, moves it to servers and back, and compares
// every answer byte for byte.
func TestMovingHouse(t *testing.T) {
	t.Parallel()
	pg := pgtest.Shared(t)
	old := house{dir: filepath.Join(t.TempDir(), "ledger")}
	old.run(t, "demo", "--people", "8")
	want, log := old.answers(t), old.verified(t)

	s := server(t)
	moved := house{dir: old.dir, env: []string{"LITOPYS_STORE_URL=" + s.URL(), "LITOPYS_ANSWERS_URL=" + pg.Database(t)}}
	old.run(t, "log", "copy", "--to", s.URL())
	again := old.run(t, "--json", "log", "copy", "--to", s.URL(), "--switch")
	if !strings.Contains(again, `"copied":0`) || !strings.Contains(again, fmt.Sprintf("%q", log["digest"])) {
		t.Errorf("the second copy says %s", again)
	}
	if d := cmp.Diff(log, moved.verified(t)); d != "" {
		t.Errorf("the log differs (-folder +server):\n%s", d)
	}
	moved.level(t)
	if d := cmp.Diff(placeless(want), placeless(moved.answers(t))); d != "" {
		t.Errorf("answers differ (-SQLite +PostgreSQL):\n%.3000s", d)
	}
	if _, talk, code := old.try(t, "log", "verify"); code != 4 || !strings.Contains(talk, "follow the copy in esdb://") {
		t.Errorf("the old log can still be used, or it is not said where the new one is: exit code %d\n%s", code, talk)
	}

	// And back: log into a new folder, whose positions are smaller, keys after it; the answers in PostgreSQL,
	// which stand for larger positions, are computed again.
	back := house{dir: filepath.Join(t.TempDir(), "back"), env: moved.env[1:]}
	moved.run(t, "log", "copy", "--to", back.dir, "--switch")
	for _, name := range []string{"keys.db", "local.key"} {
		content, err := os.ReadFile(filepath.Join(old.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(back.dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(log, back.verified(t)); d != "" {
		t.Errorf("the log differs (-folder +folder):\n%s", d)
	}
	back.level(t)
	back.env = nil
	if d := cmp.Diff(want, back.answers(t)); d != "" {
		t.Errorf("answers differ (-before +after):\n%.3000s", d)
	}
}

// TestDemoOnServers runs the whole tour where nothing but the log's mark stands in the folder, and then
// copies the log into a folder beside the same keys, to ask SQLite the same questions.
func TestDemoOnServers(t *testing.T) {
	t.Parallel()
	pg, s := pgtest.Shared(t), server(t)
	h := onServers(t, s, pg)
	tour := h.run(t, "demo", "--people", "4")
	if !strings.Contains(tour, "found in clear in the") {
		t.Errorf("the tour did not come to its end:\n%s", tour)
	}
	want := h.answers(t)
	h.level(t)
	h.run(t, "projection", "rebuild")
	if d := cmp.Diff(want, h.answers(t)); d != "" {
		t.Errorf("a rebuild differs (-live +rebuilt):\n%.3000s", d)
	}
	sqlite := house{dir: h.dir, env: h.env[:2]}
	if d := cmp.Diff(want, sqlite.answers(t)); d != "" {
		t.Errorf("answers differ (-PostgreSQL +SQLite):\n%.3000s", d)
	}
	if _, talk, code := h.try(t, "demo"); code != 2 || !strings.Contains(talk, "not empty") && !strings.Contains(talk, "holds a ledger") {
		t.Errorf("a second tour in the same database: exit code %d\n%s", code, talk)
	}
	elsewhere := house{dir: filepath.Join(t.TempDir(), "empty"), env: h.env}
	if _, talk, code := elsewhere.try(t, "demo"); code == 0 {
		t.Errorf("a tour went into somebody's ledger:\n%s", talk)
	}
}

// TestImportOnServers imports a log while the server is stopped and started, connections are cut and
// PostgreSQL restarts. Every line is recorded once, and the answers equal a rebuild.
func TestImportOnServers(t *testing.T) {
	t.Parallel()
	log := generated(t, 3000)
	for name, trouble := range map[string]func(testing.TB, *esdbtest.Server, *pgtest.Server){
		"the server stops and starts": func(t testing.TB, s *esdbtest.Server, _ *pgtest.Server) {
			s.Stop()
			if err := s.Start(); err != nil {
				t.Error(err)
			}
		},
		"connections are cut":    func(_ testing.TB, s *esdbtest.Server, _ *pgtest.Server) { s.CutConnections() },
		"PostgreSQL restarts":    func(t testing.TB, _ *esdbtest.Server, pg *pgtest.Server) { pg.Restart(t) },
		"PostgreSQL dies hard":   func(t testing.TB, _ *esdbtest.Server, pg *pgtest.Server) { pg.StopHard(t); pg.Start(t) },
		"nothing happens at all": func(testing.TB, *esdbtest.Server, *pgtest.Server) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, pg := server(t), pgtest.New(t, pgtest.Config{})
			h := onServers(t, s, pg)
			h.env = append(h.env, "LITOPYS_IMPORT_BATCH=100")
			importInTrouble(t, h, log, s.Log(), func() { trouble(t, s, pg) })
			want, odd := visits(t, log)
			events := 0
			for _, list := range want {
				events += 1 + len(list)
			}
			if got := h.verified(t)["records"]; got != float64(events) {
				t.Errorf("%v records, want %d (%d odd lines)", got, events, odd)
			}
			h.level(t)
			before := h.rows(t)
			h.run(t, "projection", "rebuild")
			h.level(t)
			if d := cmp.Diff(before, h.rows(t)); d != "" {
				t.Errorf("a rebuild differs (-live +rebuilt):\n%s", d)
			}
		})
	}
}

// importInTrouble starts an import, makes trouble in its middle, and repeats it if it gave up.
func importInTrouble(t testing.TB, h house, log string, stored *esdbtest.Log, trouble func()) {
	t.Helper()
	cmd := h.command("--json", "import", "access-log", log, "--rejects", filepath.Join(t.TempDir(), "rejects"))
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for len(ended) == 0 && stored.Len() < 500 {
		<-look.C
	}
	trouble()
	err := <-ended
	if err == nil {
		return
	}
	t.Logf("the import gave up, as it may: %v\n%s", err, talk.String())
	h.run(t, "--json", "import", "access-log", log, "--rejects", filepath.Join(t.TempDir(), "rejects"))
}
