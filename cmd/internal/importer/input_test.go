package importer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/cmd/internal/importer/accesslog"
)

func write(t testing.TB, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// importFile imports a file with a ledger that takes everything.
func importFile(t testing.TB, path string) (Report, error) {
	t.Helper()
	in, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	rejects := rejectsIn(t)
	defer rejects.Close()
	f := newFake(t)
	a := AccessLog{Ledger: f, Visitors: f, Batch: 7, Rejects: rejects, NewID: uuid.NewRandom, Act: someAct()}
	return a.Run(t.Context(), in, 8192)
}

// TestDamageNamesTheFile: what is wrong with a file is said with its name and what to do; the lines before
// are recorded.
func TestDamageNamesTheFile(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 2000 {
		text.WriteString(logLine("192.0.2.1", fmt.Sprintf("/%d/%d", i, i*i*7919)))
	}
	whole := zipped(t, text.String())
	checksum := bytes.Clone(whole)
	checksum[len(checksum)-8]++
	for name, test := range map[string]struct {
		bytes []byte
		lines int64 // at least; all of them are imported
	}{
		"cut off":      {whole[:len(whole)/2], 500},
		"check sum":    {checksum, 2000},
		"junk after":   {append(bytes.Clone(whole), "junk junk junk"...), 2000},
		"without tail": {whole[:len(whole)-4], 1900},
	} {
		path := write(t, filepath.Join(t.TempDir(), "damaged.gz"), test.bytes)
		got, err := importFile(t, path)
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "import a whole copy") {
			t.Errorf("%s: got %v", name, err)
		}
		if got.Imported != got.Lines || got.Lines < test.lines {
			t.Errorf("%s: %+v, want at least %d lines", name, got, test.lines)
		}
	}
	path := write(t, filepath.Join(t.TempDir(), "header.gz"), []byte{0x1f, 0x8b, 9, 9})
	if _, err := Open(path, nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged header gives %v", err)
	}
}

// TestShrinkingFile: the line at which a file was cut while it was read is not judged as a line.
func TestShrinkingFile(t *testing.T) {
	t.Parallel()
	line := logLine("192.0.2.1", "/a")
	path := write(t, filepath.Join(t.TempDir(), "log"), []byte(strings.Repeat(line, 2000)))
	in, err := Open(path, nil) // reads the first 64 KiB
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := os.Truncate(path, int64(len(line)*1500-20)); err != nil {
		t.Fatal(err)
	}
	n := 0
	var last error
	for l, err := range Lines(in, 8192) {
		if last = err; err == nil && len(l.Text) == len(line)-1 {
			n++
		}
	}
	if n != 1499 || !errors.Is(last, ErrDamaged) || !strings.Contains(last.Error(), path) {
		t.Errorf("%d lines, then %v", n, last)
	}
}

func TestOpenTellsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "absent"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file gives %v", err)
	}
	folder, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if _, err := Open("-", folder); err == nil || !strings.Contains(err.Error(), "standard input: is a folder") {
		t.Errorf("a folder as standard input gives %v", err)
	}
	closed := write(t, filepath.Join(dir, "closed"), nil)
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	in, err := Open(closed, nil)
	if err == nil {
		// Whoever may read everything reads an empty file.
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	} else if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), closed) {
		t.Errorf("a file that may not be read gives %v", err)
	}
}

// TestSameWordsForSameFaults: both imports say the same of a line that is no text.
func TestSameWordsForSameFaults(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "{\"command\":\"close\",\"key\":\"\xff\"}"} {
		_, why := accesslog.Parse([]byte(line))
		if _, err := decode(Line{Number: 1, Text: []byte(line)}, 100); err == nil || why == nil || err.Error() != why.Error() {
			t.Errorf("%q: %v as a command, %v as a visit", line, err, why)
		}
	}
}
