package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"sync"

	"imagine.ua/litopys/domain"
)

const (
	indexInfo = "litopys index v1\n"
	// maxIndexFields bounds the remembered subkeys; a policy has dozens of fields.
	maxIndexFields = 1024
)

// Index computes blind-index tags. Its secret is one of the ledger's, random, and never leaves the key
// store; every field has a subkey of its own, so that the same text in two fields has unrelated tags. It is
// safe for concurrent use.
type Index struct {
	secret [Size]byte
	mu     sync.RWMutex
	fields map[domain.Field][]byte // guarded by mu
}

// NewIndex makes the index of a secret.
func NewIndex(secret [Size]byte) *Index {
	return &Index{secret: secret, fields: map[domain.Field][]byte{}}
}

// Format keeps every verb of package fmt from printing the secret.
func (x *Index) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("blind index")) }

// LogValue shows no secret.
func (x *Index) LogValue() slog.Value { return slog.StringValue("blind index") }

// Tag is HMAC-SHA-256 of the normalised value under the field's subkey.
func (x *Index) Tag(field domain.Field, normalised string) Tag {
	mac := hmac.New(sha256.New, x.subkey(field))
	mac.Write([]byte(normalised))
	var tag Tag
	mac.Sum(tag[:0])
	return tag
}

func (x *Index) subkey(field domain.Field) []byte {
	x.mu.RLock()
	sub := x.fields[field]
	x.mu.RUnlock()
	if sub != nil {
		return sub
	}
	sub = subkey(x.secret[:], indexInfo+string(field))
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.fields) < maxIndexFields {
		x.fields[field] = sub
	}
	return sub
}

// Bucket is the part of a tag that an index over tags may know: 16 bits, too few to tell one value from the
// many that share them.
func (t Tag) Bucket() uint16 { return uint16(t[0])<<8 | uint16(t[1]) }
