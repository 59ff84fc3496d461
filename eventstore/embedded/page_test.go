package embedded

import (
	"hash/crc32"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// TestChecksumOfRecordIsForEver freezes the crc column; the value was computed by the program in FORMAT.md.
func TestChecksumOfRecordIsForEver(t *testing.T) {
	t.Parallel()
	r := eventstore.Record{
		Event: eventstore.Event{
			ID:   uuid.MustParse("00010203-0405-0607-0809-0a0b0c0d0e0f"),
			Type: "DataCollected.v1",
			Data: []byte(`{"a":1}`),
			Meta: []byte(`{"b":2}`),
		},
		Stream:   "subject-1",
		Revision: 3,
		Position: 7,
	}
	if got := crc32.Checksum(appendSummed(nil, &r), castagnoli()); got != 0x6bea9e64 {
		t.Errorf("checksum %#x", got)
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
