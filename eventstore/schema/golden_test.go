package schema

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Golden files are frozen: -update writes those that are missing. Only -rewrite changes one, and then every
// ledger ever written has become unreadable, unless the version has never been released.
var (
	update  = flag.Bool("update", false, "write golden files that are missing")
	rewrite = flag.Bool("rewrite", false, "overwrite frozen golden files; breaks every stored ledger")
)

func TestGoldenEvents(t *testing.T) {
	t.Parallel()
	for name, event := range sampleEvents() {
		stored, data, err := Encode(event)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		typ, _, _ := strings.Cut(name, "-")
		if stored != typ+".v1" {
			t.Errorf("%s is stored as %s", name, stored)
		}
		compareGolden(t, name, data)
		got, err := Decode(stored, data)
		if diff := cmp.Diff(event, got); err != nil || diff != "" {
			t.Errorf("%s: decoded otherwise: %v\n%s", name, err, diff)
		}
	}
}

func TestGoldenMetadata(t *testing.T) {
	t.Parallel()
	for name, meta := range sampleMetas() {
		data, err := EncodeMeta(meta)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		compareGolden(t, name, data)
		got, err := DecodeMeta(data)
		if diff := cmp.Diff(meta, got); err != nil || diff != "" {
			t.Errorf("%s: decoded otherwise: %v\n%s", name, err, diff)
		}
	}
}

// A golden file whose sample was removed would freeze nothing.
func TestGoldenFilesHaveSamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/v1/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	events, metas := sampleEvents(), sampleMetas()
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if _, ok := events[name]; ok {
			continue
		}
		if _, ok := metas[name]; !ok {
			t.Errorf("%s has no sample", file)
		}
	}
}

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "v1", name+".json")
	want, err := os.ReadFile(path)
	if (errors.Is(err, fs.ErrNotExist) && *update) || *rewrite {
		want, err = got, os.WriteFile(path, got, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: the stored form changed, which it must never do\n%s", path, diff)
	}
}

// Every row of the table has a sample, so none is without a golden file.
func TestEveryTypeHasAGoldenFile(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for name := range sampleEvents() {
		typ, _, _ := strings.Cut(name, "-")
		have[typ+".v1"] = true
	}
	for _, row := range currentTypes() {
		if !have[row.name] {
			t.Errorf("%s has no sample", row.name)
		}
	}
}

// The flag that lets the key follower skip a type unread must not lie.
func TestTypesWithFatesAreMarked(t *testing.T) {
	t.Parallel()
	for _, row := range currentTypes() {
		never := false
		if f, ok := row.goType.FieldByName("NoFates"); ok && f.Anonymous {
			never = true
		}
		marked, err := CarriesFates(row.name)
		if err != nil || marked == never {
			t.Errorf("%s: marked %v, embeds NoFates %v, %v", row.name, marked, never, err)
		}
	}
	if _, err := CarriesFates("DataForgotten.v1"); !errors.Is(err, ErrUnknownEvent) {
		t.Errorf("unknown type: %v", err)
	}
}
