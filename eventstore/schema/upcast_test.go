package schema

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// aged is a registry in which DataUsed has two older versions: v0.1 called its subject "person", and v0.2
// lacked the key "values".
func aged() *registry {
	rename := func(data []byte) ([]byte, error) {
		return bytes.Replace(data, []byte(`{"person":`), []byte(`{"subject":`), 1), nil
	}
	extend := func(data []byte) ([]byte, error) {
		if !bytes.HasSuffix(data, []byte("}")) {
			return nil, ErrMalformed
		}
		return append(data[:len(data)-1:len(data)-1], `,"values":[{"field":"email","epoch":"1"}]}`...), nil
	}
	return newRegistry(currentTypes(), map[string]step{
		"DataUsed.v0.1": {to: "DataUsed.v0.2", fix: rename},
		"DataUsed.v0.2": {to: "DataUsed.v1", fix: extend},
	})
}

func TestOldVersionsAreBroughtForwardStepByStep(t *testing.T) {
	t.Parallel()
	want := subject.Used{Subject: oksana, Values: []domain.FieldEpoch{{Field: "email", Epoch: "1"}}}
	for name, doc := range map[string]string{
		"DataUsed.v0.1": `{"person":"` + oksana.String() + `"}`,
		"DataUsed.v0.2": `{"subject":"` + oksana.String() + `"}`,
		"DataUsed.v1":   `{"subject":"` + oksana.String() + `","values":[{"field":"email","epoch":"1"}]}`,
	} {
		data := []byte(doc)
		got, err := aged().decode(name, data)
		if diff := cmp.Diff(domain.Event(want), got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
		if string(data) != doc {
			t.Errorf("%s: the stored bytes were changed in place", name)
		}
		if fates, err := aged().carriesFates(name); fates || err != nil {
			t.Errorf("%s: fates %v, %v", name, fates, err)
		}
	}
}

func TestOldVersionsAreReadOnly(t *testing.T) {
	t.Parallel()
	name, _, err := aged().append(nil, subject.Used{Subject: oksana})
	if name != "DataUsed.v1" || err != nil {
		t.Errorf("encoded as %s, %v", name, err)
	}
}

func TestABrokenStepIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := aged().decode("DataUsed.v0.2", []byte(`{`)); !errors.Is(err, ErrMalformed) {
		t.Errorf("step that fails: %v", err)
	}
	lost := newRegistry(currentTypes(), map[string]step{"A.v1": {to: "A.v2"}, "B.v1": {to: "B.v1"}})
	for _, name := range []string{"A.v1", "B.v1"} {
		if _, err := lost.decode(name, nil); !errors.Is(err, ErrUnknownEvent) {
			t.Errorf("steps of %s lead nowhere: %v", name, err)
		}
	}
}
