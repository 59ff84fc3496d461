package esdb

import (
	"testing"

	"github.com/google/uuid"
)

// What decodes encodes to the same bytes, so no second spelling of an identity exists.
func FuzzIdentity(f *testing.F) {
	f.Add([]byte(`{"ledger":"7b0d9d2e-4c5a-4f0e-8a1b-2c3d4e5f6071"}`))
	f.Add([]byte(`{"ledger":"7B0D9D2E-4C5A-4F0E-8A1B-2C3D4E5F6071"}`))
	f.Add([]byte(`{"ledger":"urn:uuid:7b0d9d2e-4c5a-4f0e-8a1b-2c3d4e5f6071"}`))
	f.Add([]byte(`{"ledger":"00000000-0000-0000-0000-000000000000"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, ok := decodeIdentity(data)
		if !ok {
			return
		}
		again, err := encodeIdentity(id)
		if err != nil || string(again) != string(data) || id == uuid.Nil {
			t.Errorf("%q decodes to %s, which encodes to %q (%v)", data, id, again, err)
		}
	})
}
