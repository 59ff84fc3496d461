package seal

import (
	"errors"
	"testing"

	"github.com/google/uuid"
)

// A holder of the key could write a padding that Seal never writes; it must not open, or two sealed forms
// would stand for one value.
func TestForeignPaddingFails(t *testing.T) {
	t.Parallel()
	c := NewCipher(uuid.Nil, &[KeySize]byte{7})
	for name, plain := range map[string][]byte{
		"length past the end": append([]byte{0, 0, 0, 29}, make([]byte, 28)...),
		"huge length":         append([]byte{255, 255, 255, 255}, make([]byte, 28)...),
		"bytes in the zeros":  append([]byte{0, 0, 0, 1, 'x', 1}, make([]byte, 26)...),
		"bucket too large":    append([]byte{0, 0, 0, 1, 'x'}, make([]byte, 59)...),
	} {
		sealed := append([]byte{version}, make([]byte, idLen+nonceLen)...)
		aad := borrowAAD(Address{}, uuid.Nil)
		sealed = c.aead.Seal(sealed, sealed[1+idLen:headerLen], plain, *aad)
		if got, err := c.Open(nil, Address{}, sealed); !errors.Is(err, ErrVerify) {
			t.Errorf("%s: opened as %d bytes, %v", name, len(got), err)
		}
	}
}
