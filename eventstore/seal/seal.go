package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"slices"
	"sync"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

const (
	version   = 0x01
	idLen     = 16
	nonceLen  = 12
	tagLen    = 16
	lengthLen = 4
	headerLen = 1 + idLen + nonceLen

	minBucket = 32
	maxBucket = 64 << 10

	// Overhead is what a sealed value is longer than its bucket.
	Overhead = headerLen + tagLen
	// MaxValue is the longest value in bytes that can be sealed.
	MaxValue = maxBucket - lengthLen
	// KeySize is the length of a secret in bytes (AES-256).
	KeySize = 32

	aadDomain = "litopys value v1\n"
)

// The errors of sealing; compare with errors.Is.
var (
	// ErrVerify says that bytes do not open under this key at this address. It does not say why: a wrong
	// key, another place, a flipped bit and a malformed length look the same from outside.
	ErrVerify = errors.New("sealed value does not verify")
	// ErrTooLong says that a value is longer than MaxValue.
	ErrTooLong = fmt.Errorf("value is longer than %d bytes", MaxValue)
)

// Address is the place to which a sealed value is bound.
type Address struct {
	Stream  domain.Stream
	Event   uuid.UUID
	Subject domain.SubjectID
	Field   domain.Field
	Epoch   domain.Epoch
}

// Cipher seals and opens under one key. Making one expands the AES key, which costs more than sealing a
// short value, so callers keep it beside the key. It is safe for concurrent use and never prints its key.
type Cipher struct {
	id   uuid.UUID
	aead cipher.AEAD
}

// NewCipher makes the cipher of a key. The secret is not retained in its given form.
func NewCipher(id uuid.UUID, secret *[KeySize]byte) *Cipher {
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		panic("seal: AES-256 refuses a 32-byte key: " + err.Error()) // cannot happen
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("seal: GCM refuses AES: " + err.Error()) // cannot happen
	}
	return &Cipher{id: id, aead: aead}
}

// KeyID is the id of the key that the cipher was made of.
func (c *Cipher) KeyID() uuid.UUID { return c.id }

// String shows the key's id, never its secret.
func (c *Cipher) String() string { return "cipher of key " + c.id.String() }

// Format keeps every verb of package fmt, %#v included, from printing the expanded key.
func (c *Cipher) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// LogValue shows the key's id, never its secret.
func (c *Cipher) LogValue() slog.Value { return slog.StringValue(c.String()) }

// SealedLen is the length of the sealed form of a value of n bytes.
func SealedLen(n int) int { return bucket(n) + Overhead }

// Seal appends the sealed form of the value to dst. It allocates nothing when dst has room for
// SealedLen(len(value)). The only error is ErrTooLong.
func (c *Cipher) Seal(dst []byte, at Address, value string) ([]byte, error) {
	if len(value) > MaxValue {
		return dst, ErrTooLong
	}
	size := bucket(len(value))
	dst = slices.Grow(dst, size+Overhead)
	start := len(dst)
	dst = append(dst, version)
	dst = append(dst, c.id[:]...)
	dst = dst[:start+headerLen+size]
	nonce, padded := dst[start+1+idLen:start+headerLen], dst[start+headerLen:]
	// crypto/rand never fails: it stops the process when the system has no randomness. A key seals far
	// fewer than the 2^32 values after which random nonces would be a risk.
	_, _ = rand.Read(nonce)
	binary.BigEndian.PutUint32(padded, uint32(len(value)))
	clear(padded[lengthLen+copy(padded[lengthLen:], value):])
	aad := borrowAAD(at, c.id)
	c.aead.Seal(padded[:0], nonce, padded, *aad)
	aadPool.Put(aad)
	return dst[:start+size+Overhead], nil
}

// Open appends the value to dst. Nothing of it is left behind dst when it fails; the only error is
// ErrVerify. It allocates nothing when dst has room for len(sealed)-Overhead bytes.
func (c *Cipher) Open(dst []byte, at Address, sealed []byte) ([]byte, error) {
	id, err := KeyID(sealed)
	if err != nil || id != c.id {
		return dst, ErrVerify
	}
	start := len(dst)
	aad := borrowAAD(at, id)
	out, err := c.aead.Open(dst, sealed[1+idLen:headerLen], sealed[headerLen:], *aad)
	aadPool.Put(aad)
	if err != nil {
		return dst, ErrVerify
	}
	padded := out[start:]
	n, ok := unpad(padded)
	if !ok {
		clear(padded)
		return dst, ErrVerify
	}
	copy(padded, padded[lengthLen:lengthLen+n])
	clear(padded[n:])
	return out[:start+n], nil
}

// KeyID reads the id of the key that opens the sealed value. It gives ErrVerify when the bytes can't be a
// sealed value at all: unknown version, or a length that no bucket has.
func KeyID(sealed []byte) (uuid.UUID, error) {
	size := len(sealed) - Overhead
	if size < minBucket || size > maxBucket || size&(size-1) != 0 || sealed[0] != version {
		return uuid.Nil, ErrVerify
	}
	return uuid.UUID(sealed[1 : 1+idLen]), nil
}

// bucket is the padded length of a value of n bytes.
func bucket(n int) int {
	return max(minBucket, 1<<bits.Len(uint(n+lengthLen-1)))
}

// unpad checks the one padding that Seal writes and gives the value's length, so that no two sealed
// plaintexts mean the same value.
func unpad(padded []byte) (int, bool) {
	n := int(binary.BigEndian.Uint32(padded))
	if n > len(padded)-lengthLen || bucket(n) != len(padded) {
		return 0, false
	}
	for _, b := range padded[lengthLen+n:] {
		if b != 0 {
			return 0, false
		}
	}
	return n, true
}

// aadPool keeps the buffers in which associated data are laid out; they hold nothing personal.
var aadPool = sync.Pool{New: func() any { b := make([]byte, 0, 256); return &b }}

func borrowAAD(at Address, key uuid.UUID) *[]byte {
	p := aadPool.Get().(*[]byte)
	b := append((*p)[:0], aadDomain...)
	b = appendText(b, string(at.Stream))
	b = append(b, at.Event[:]...)
	b = append(b, at.Subject.UUID[:]...)
	b = appendText(b, string(at.Field))
	b = appendText(b, string(at.Epoch))
	*p = append(b, key[:]...)
	return p
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
