package schema

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// seeds gives every golden document with its stored type; metadata has the type "".
func seeds(t testing.TB) map[string][][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/v1/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	docs := map[string][][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), "-")
		if name += ".v1"; name == "Metadata.v1" {
			name = ""
		}
		docs[name] = append(docs[name], data)
	}
	return docs
}

// fataler is what a helper needs of testing.TB and of rapid.T.
type fataler interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// recode decodes a document and encodes what came out; metadata has the type "".
func recode(t fataler, name string, data []byte) ([]byte, error) {
	t.Helper()
	if name == "" {
		m, err := DecodeMeta(data)
		if err != nil {
			return nil, err
		}
		return EncodeMeta(m)
	}
	e, err := Decode(name, data)
	if err != nil {
		return nil, err
	}
	again, out, err := Encode(e)
	if again != name && err == nil {
		t.Errorf("%s is encoded as %s", name, again)
	}
	return out, err
}

// requireOneForm checks what must hold of any bytes: they are refused, or they are strict and compact JSON
// that encodes to the same bytes again.
func requireOneForm(t fataler, name string, data []byte) {
	t.Helper()
	out, err := recode(t, name, data)
	if errors.Is(err, ErrMalformed) {
		return
	}
	if err != nil {
		t.Fatalf("%s: %q is refused with %v", name, data, err)
	}
	if !bytes.Equal(out, data) {
		t.Fatalf("%s: two forms of one document\n%s\n%s", name, data, out)
	}
	compact := jsontext.Value(bytes.Clone(data))
	if err := compact.Compact(); err != nil || !bytes.Equal(compact, data) {
		t.Fatalf("%s: accepted, but not strict compact JSON (%v)\n%s", name, err, data)
	}
}

func FuzzDecode(f *testing.F) {
	for name, docs := range seeds(f) {
		for _, data := range docs {
			f.Add(name, data)
		}
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if _, ok := known.byName[name]; !ok && name != "" {
			return
		}
		requireOneForm(t, name, data)
	})
}

// Every single-byte change of every golden document, and every cut, is refused or is another document in
// its one form.
func TestEveryChangedByteKeepsOneForm(t *testing.T) {
	t.Parallel()
	for name, docs := range seeds(t) {
		for _, data := range docs {
			for i := range data {
				for _, ch := range []byte{data[i] ^ 1, data[i] ^ 0x20, '"', '\\', ' ', '\n', '0', '}', ',', 0, 0xff} {
					changed := bytes.Clone(data)
					changed[i] = ch
					requireOneForm(t, name, changed)
				}
				if _, err := recode(t, name, data[:i]); !errors.Is(err, ErrMalformed) {
					t.Fatalf("%s: cut to %d bytes: %v", name, i, err)
				}
			}
		}
	}
}

// Forms that mean the same to a lenient reader.
func TestOtherFormsAreRefused(t *testing.T) {
	t.Parallel()
	const id = `"0b6f1a52-3c1d-4f7e-9a70-5f1d2c3b4a59"`
	for why, doc := range map[string][2]string{
		"white space":          {"DataUsed.v1", `{"subject": ` + id + `}`},
		"trailing bytes":       {"DataUsed.v1", `{"subject":` + id + `} `},
		"upper case id":        {"DataUsed.v1", `{"subject":"0B6F1A52-3C1D-4F7E-9A70-5F1D2C3B4A59"}`},
		"nil id":               {"DataUsed.v1", `{"subject":"00000000-0000-0000-0000-000000000000"}`},
		"no subject":           {"DataUsed.v1", `{}`},
		"unknown key":          {"DataUsed.v1", `{"subject":` + id + `,"extra":1}`},
		"repeated key":         {"DataUsed.v1", `{"subject":` + id + `,"subject":` + id + `}`},
		"other case of a key":  {"DataUsed.v1", `{"Subject":` + id + `}`},
		"empty list":           {"DataUsed.v1", `{"subject":` + id + `,"values":[]}`},
		"empty string":         {"DataDisputed.v1", `{"subject":` + id + `,"value":{"field":"a","epoch":"1"},"document":""}`},
		"order of keys":        {"DataCollected.v1", `{"source":"subject","subject":` + id + `}`},
		"needless escape":      {"DataCollected.v1", `{"subject":` + id + `,"source":"subj\u0065ct"}`},
		"lone surrogate":       {"DataCollected.v1", `{"subject":` + id + `,"source":"\ud800"}`},
		"not UTF-8":            {"DataCollected.v1", `{"subject":` + id + `,"source":"` + "\xff" + `"}`},
		"control character":    {"DataCollected.v1", `{"subject":` + id + `,"source":"` + "\n" + `"}`},
		"own subject repeated": {"DataEdited.v1", `{"subject":` + id + `,"items":[{"subject":` + id + `,"field":"a","epoch":"1","sealed":"AAA="}]}`},
		"line break in base64": {"DataEdited.v1", `{"subject":` + id + `,"items":[{"field":"a","epoch":"1","sealed":"AA` + "\n" + `A="}]}`},
		"no padding":           {"DataEdited.v1", `{"subject":` + id + `,"items":[{"field":"a","epoch":"1","sealed":"AAA"}]}`},
		"loose padding bits":   {"DataEdited.v1", `{"subject":` + id + `,"items":[{"field":"a","epoch":"1","sealed":"AAB="}]}`},
		"empty sealed value":   {"DataEdited.v1", `{"subject":` + id + `,"items":[{"field":"a","epoch":"1","sealed":""}]}`},
		"false written out":    {"DataDeleted.v1", `{"subject":` + id + `,"deleted":[{"field":"a","epoch":"1","through":false,"action":"destroy"}]}`},
		"time with an offset":  {"DataDeleted.v1", `{"subject":` + id + `,"deleted":[{"field":"a","epoch":"1","action":"retain","until":"2015-05-17T10:05:03+03:00.0"}]}`},
		"day that is none":     {"DataDeleted.v1", `{"subject":` + id + `,"deleted":[{"field":"a","epoch":"1","action":"retain","until":"2015-02-29T10:05:03.000000Z"}]}`},
		"zero time":            {"DataDeleted.v1", `{"subject":` + id + `,"deleted":[{"field":"a","epoch":"1","action":"retain","until":"0001-01-01T00:00:00.000000Z"}]}`},
		"unknown basis":        {"DataTransferred.v1", `{"subject":` + id + `,"recipient":{"id":` + id + `,"kind":"x"},"basis":{"kind":"whim"}}`},
		"nothing":              {"DataUsed.v1", ``},
		"null":                 {"DataUsed.v1", `null`},
	} {
		if _, err := Decode(doc[0], []byte(doc[1])); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", why, err)
		}
	}
}
