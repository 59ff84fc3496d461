package embedded

import (
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// TestChecksumOfRecordIsForEver freezes body and crc column; the value was computed by the program in
// FORMAT.md.
func TestChecksumOfRecordIsForEver(t *testing.T) {
	t.Parallel()
	e := eventstore.Event{
		ID:   uuid.MustParse("00010203-0405-0607-0809-0a0b0c0d0e0f"),
		Type: "DataCollected.v1",
		Data: []byte(`{"a":1}`),
		Meta: []byte(`{"b":2}`),
	}
	b := appendBody(nil, "subject-1", &e)
	want := "0090160000007\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0fsubject-1DataCollected.v1" + `{"a":1}{"b":2}`
	if string(b) != want {
		t.Errorf("body %q", b)
	}
	var sum summer
	if at, whole := sum.placed(sum.body(b, 3), 7), sum.record(b, 3, 7); at != 0x482cade5 || whole != at {
		t.Errorf("checksum %#x, at once %#x", at, whole)
	}
}

func TestPageKeepsFewNamesOfTypes(t *testing.T) {
	t.Parallel()
	p := newPage()
	for i := range 3 * maxTypes {
		name := []byte{byte(i), byte(i >> 8)}
		if got := p.intern(name); got != string(name) {
			t.Fatalf("%q became %q", name, got)
		}
	}
	if len(p.types) > maxTypes {
		t.Errorf("%d names are kept", len(p.types))
	}
}

// FuzzBody: what is taken for a body is what appendBody makes of its parts.
func FuzzBody(f *testing.F) {
	f.Add(appendBody(nil, "s", &eventstore.Event{ID: uuid.New(), Type: "T.v1", Data: []byte("{}")}))
	f.Add([]byte("0010010000001................std"))
	f.Add([]byte("0010010000001................st"))
	f.Add([]byte("00 0010000001................std"))
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, ok := splitBody(b)
		if !ok {
			return
		}
		e := eventstore.Event{ID: bodyUUID(b), Type: string(b[parts.stream:parts.kind]), Data: b[parts.kind:parts.data], Meta: b[parts.data:]}
		again := appendBody(nil, string(b[bodyText:parts.stream]), &e)
		if string(again) != string(b) {
			t.Errorf("%q became %q", b, again)
		}
		if bodySize(string(b[bodyText:parts.stream]), &e) != len(b) {
			t.Errorf("%q has %d bytes, not %d", b, len(b), bodySize(string(b[bodyText:parts.stream]), &e))
		}
	})
}
