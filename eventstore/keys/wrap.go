package keys

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
)

const (
	wrapNonce = 12
	wrapTag   = 16
	// WrappedSize is the length of every wrapped key: nonce(12) | AES-256-GCM of the secret | tag(16). It
	// never varies, so that a store can overwrite one in its place.
	WrappedSize = wrapNonce + Size + wrapTag

	wrapDomain   = "litopys key v1\n"
	masterDomain = "litopys master v1\n"
	digestLen    = 8
)

// ErrUnwrap says that wrapped bytes do not open: they are damaged or stand in another place than the one
// that they were made for.
var ErrUnwrap = errors.New("wrapped key does not open")

// Master is a master key: it wraps keys. It is safe for concurrent use.
type Master struct {
	id   uuid.UUID
	aead cipher.AEAD
}

// NewMaster makes the master key of a secret.
func NewMaster(id uuid.UUID, secret [Size]byte) *Master {
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		panic("keys: AES-256 refuses a 32-byte key: " + err.Error()) // cannot happen
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("keys: GCM refuses AES: " + err.Error()) // cannot happen
	}
	return &Master{id: id, aead: aead}
}

// Wrap gives the stored form of the key's secret, WrappedSize bytes. It is bound to the key's id, its
// subject, field and epoch, and to the master key: moved to another row it does not open.
func (m *Master) Wrap(k Key) []byte {
	out := make([]byte, wrapNonce, WrappedSize)
	_, _ = rand.Read(out) // never fails: the process stops when the system has no randomness
	bound := m.borrowBinding(&k)
	defer bindings.Put(bound)
	return m.aead.Seal(out, out, k.Secret[:], *bound)
}

// Unwrap gives the key with its secret, or ErrUnwrap.
func (m *Master) Unwrap(k Key, wrapped []byte) (Key, error) {
	err := m.unwrap(&k, wrapped)
	return k, err
}

// unwrap puts the secret into the key. A key that does not open is left bare.
func (m *Master) unwrap(k *Key, wrapped []byte) error {
	if len(wrapped) != WrappedSize {
		return ErrUnwrap
	}
	bound := m.borrowBinding(k)
	defer bindings.Put(bound)
	if _, err := m.aead.Open(k.Secret[:0], wrapped[:wrapNonce], wrapped[wrapNonce:], *bound); err != nil {
		*k = k.Bare()
		return ErrUnwrap
	}
	return nil
}

// bindings keeps the buffers in which bindings are laid out; they hold nothing secret.
var bindings = sync.Pool{New: func() any { b := make([]byte, 0, 160); return &b }}

func (m *Master) borrowBinding(k *Key) *[]byte {
	p := bindings.Get().(*[]byte)
	b := append((*p)[:0], wrapDomain...)
	b = append(b, k.ID[:]...)
	b = append(b, k.Ref.Subject.UUID[:]...)
	for _, part := range [...]string{string(k.Ref.Field), string(k.Ref.Epoch)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	*p = append(b, m.id[:]...)
	return p
}

// Root wraps what wraps: the master keys and the index key, with the key-management service. A service
// knows no associated data, so the ledger and the purpose stand inside what it encrypts, and a digest of
// the ciphertext stands before it, which tells damage from a wrong service:
//
//	SHA-256(ciphertext)[:8] | ciphertext of ( "litopys master v1\n" | ledger id[16] | id[16] | secret[32] )
type Root struct {
	KMS    KMS
	Ledger uuid.UUID
	// Name of the file or database that keeps what is wrapped, for errors.
	Name string
}

// Wrap gives the stored form of a secret that bears the id.
func (r Root) Wrap(ctx context.Context, id uuid.UUID, secret [Size]byte) ([]byte, error) {
	ciphertext, err := r.KMS.Encrypt(ctx, append(r.binding(id), secret[:]...))
	if err != nil {
		return nil, fmt.Errorf("encrypt a master key: %w", err)
	}
	sum := sha256.Sum256(ciphertext)
	return append(sum[:digestLen:digestLen], ciphertext...), nil
}

// Unwrap gives the secret. Damage gives ErrUnwrap; a service that can't decrypt it gives the service's error.
func (r Root) Unwrap(ctx context.Context, id uuid.UUID, stored []byte) (secret [Size]byte, err error) {
	if len(stored) < digestLen {
		return secret, ErrUnwrap
	}
	sum := sha256.Sum256(stored[digestLen:])
	if !bytes.Equal(sum[:digestLen], stored[:digestLen]) {
		return secret, ErrUnwrap
	}
	plain, err := r.KMS.Decrypt(ctx, stored[digestLen:])
	if err != nil {
		return secret, fmt.Errorf("decrypt a master key: %w", err)
	}
	bound, found := bytes.CutPrefix(plain, r.binding(id))
	if !found || len(bound) != Size {
		return secret, ErrUnwrap
	}
	return [Size]byte(bound), nil
}

func (r Root) binding(id uuid.UUID) []byte {
	b := make([]byte, 0, len(masterDomain)+32+Size)
	b = append(b, masterDomain...)
	b = append(b, r.Ledger[:]...)
	return append(b, id[:]...)
}

// NewSecret gives 32 random bytes.
func NewSecret() (secret [Size]byte) {
	_, _ = rand.Read(secret[:]) // never fails: the process stops when the system has no randomness
	return secret
}
