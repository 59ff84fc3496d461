package importer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func collect(t testing.TB, r io.Reader, limit int) []Line {
	t.Helper()
	var out []Line
	for line, err := range Lines(r, limit) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	return out
}

func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200_000)
	for name, test := range map[string]struct {
		text string
		want []Line
	}{
		"nothing":            {"", nil},
		"one without ending": {"ab", []Line{{1, 0, []byte("ab"), false}}},
		"one with ending":    {"ab\n", []Line{{1, 0, []byte("ab"), false}}},
		"carriage returns":   {"ab\r\nc\r\n", []Line{{1, 0, []byte("ab"), false}, {2, 4, []byte("c"), false}}},
		"empty lines count":  {"a\n\nb", []Line{{1, 0, []byte("a"), false}, {2, 2, []byte{}, false}, {3, 3, []byte("b"), false}}},
		"byte order mark":    {"\xef\xbb\xbfab\nc", []Line{{1, 0, []byte("ab"), false}, {2, 6, []byte("c"), false}}},
		"too long":           {long + "\nc", []Line{{1, 0, nil, true}, {2, 200_001, []byte("c"), false}}},
		"just long enough":   {"12345678\r\n123456789\n", []Line{{1, 0, []byte("12345678"), false}, {2, 10, nil, true}}},
		"too long and last":  {"c\n" + long, []Line{{1, 0, []byte("c"), false}, {2, 2, nil, true}}},
	} {
		for how, r := range map[string]io.Reader{
			"whole": strings.NewReader(test.text), "by bytes": iotest.OneByteReader(strings.NewReader(test.text)),
		} {
			if d := cmp.Diff(test.want, collect(t, r, 8)); d != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, how, d)
			}
		}
	}
}

func TestLinesTellErrorsLast(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	r := io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken))
	var texts []string
	var last error
	for line, err := range Lines(r, 100) {
		if err != nil {
			last = err
			continue
		}
		texts = append(texts, string(line.Text))
	}
	if !errors.Is(last, broken) {
		t.Errorf("the error is %v, want %v", last, broken)
	}
	if d := cmp.Diff([]string{"a"}, texts); d != "" {
		t.Error(d)
	}
}

func TestOpenRecognisesGzip(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write([]byte("a\nb\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, zipped.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, stdin := range map[string]io.Reader{path: nil, "-": bytes.NewReader(zipped.Bytes())} {
		in, err := Open(name, stdin)
		if err != nil {
			t.Fatal(err)
		}
		if got := collect(t, in, 100); len(got) != 2 || string(got[1].Text) != "b" {
			t.Errorf("%s gives %v", name, got)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenTellsDamagedGzip(t *testing.T) {
	t.Parallel()
	if _, err := Open("-", bytes.NewReader([]byte{0x1f, 0x8b, 9, 9})); err == nil {
		t.Error("a damaged header is taken")
	}
	if _, err := Open(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder gives %v", err)
	}
	in, err := Open("-", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	if got := collect(t, in, 10); got != nil {
		t.Errorf("empty input gives %v", got)
	}
}

func TestWindowCountsWithinItsReach(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 8).Draw(t, "size")
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 40).Draw(t, "lines")
		w := newWindow(size)
		for i, line := range lines {
			want := 0
			for _, earlier := range lines[max(0, i-size+1):i] {
				if earlier == line {
					want++
				}
			}
			if got := w.occurrence([]byte(line)); got != want {
				t.Fatalf("line %d of %v in a window of %d: occurrence %d, want %d", i, lines, size, got, want)
			}
		}
		if len(w.count) > size {
			t.Fatalf("the window of %d holds %d digests", size, len(w.count))
		}
	})
}
