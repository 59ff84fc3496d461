package keys

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/seal"
)

// String names the state.
func (s State) String() string {
	switch s {
	case Live:
		return "live"
	case Retained:
		return "retained"
	case Destroyed:
		return "destroyed"
	}
	return "unknown"
}

// Check gives ErrInvalidRef, with what is missing, unless a key can have this address.
func (r Ref) Check() error {
	if r.Subject.IsZero() {
		return fmt.Errorf("subject is missing: %w", ErrInvalidRef)
	}
	if r.Field == "" {
		return fmt.Errorf("field is missing: %w", ErrInvalidRef)
	}
	if !utf8.ValidString(string(r.Field)) || strings.ContainsRune(string(r.Field), 0) { // no database takes it
		return fmt.Errorf("field is not UTF-8 text: %w", ErrInvalidRef)
	}
	if _, ok := parseEpoch(r.Epoch); !ok {
		return fmt.Errorf("epoch %q is neither a number nor a month: %w", string(r.Epoch), ErrInvalidRef)
	}
	return nil
}

// RefOf is the address that a fate is about.
func RefOf(f domain.Fate) Ref { return Ref{Subject: f.Subject, Field: f.Field, Epoch: f.Epoch} }

// NotLive is ErrNotLive with the address.
func NotLive(r Ref) error { return fmt.Errorf("%s: %w", r, ErrNotLive) }

// NewKey makes a live key with a random secret. The first bits of its id are the time, so that an index over
// ids grows at its end.
func NewKey(r Ref) Key { return Key{ID: NewID(), Ref: r, State: Live, Secret: NewSecret()} }

// NewID makes the id of a key, or of a tombstone that never was one; see NewKey.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// String names the address: subject, field and epoch, none of which is personal.
func (r Ref) String() string {
	return r.Subject.String() + "/" + string(r.Field) + "/" + string(r.Epoch)
}

// Prepared gives the key with its cipher made, unless it is destroyed. Stores prepare what they cache.
func (k Key) Prepared() Key {
	if k.State != Destroyed && k.cipher == nil {
		k.cipher = seal.NewCipher(k.ID, &k.Secret)
	}
	return k
}

// Cipher is what seals and opens the values of this key; nil when it is destroyed.
func (k Key) Cipher() *seal.Cipher {
	if k.cipher != nil { // a key is large to be copied for each value
		return k.cipher
	}
	return k.Prepared().cipher
}

// Bare gives the key without its secret and cipher: what a list of keys may show.
func (k Key) Bare() Key {
	k.Secret, k.cipher = [Size]byte{}, nil
	return k
}

// Equal compares two keys, secrets included. go-cmp uses it.
func (k Key) Equal(o Key) bool {
	return k.ID == o.ID && k.Ref == o.Ref && k.State == o.State && k.Until.Equal(o.Until) &&
		k.Rule == o.Rule && hmac.Equal(k.Secret[:], o.Secret[:])
}

// tokenInfo separates the token subkey from the sealing key and from every later use of the secret.
const tokenInfo = "litopys token v1\n"

// Token derives an id from personal content under this key: HMAC-SHA-256 with a subkey of the secret, cut
// to 16 bytes, in the form of a UUID of version 8. Without the secret no guess at the content can be tested.
func (k Key) Token(content []byte) uuid.UUID {
	mac := hmac.New(sha256.New, subkey(k.Secret[:], tokenInfo))
	mac.Write(content)
	var sum [sha256.Size]byte
	id := uuid.UUID(mac.Sum(sum[:0])[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// subkey is HKDF-SHA-256 without salt: the secrets are random already.
func subkey(secret []byte, info string) []byte {
	sub, err := hkdf.Key(sha256.New, secret, nil, info, Size)
	if err != nil {
		panic("keys: HKDF refuses 32 bytes: " + err.Error()) // cannot happen
	}
	return sub
}

// String shows id and state, never the secret.
func (k Key) String() string { return "key " + k.ID.String() + " (" + k.State.String() + ")" }

// Format keeps every verb of package fmt, %#v included, from printing the secret.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// LogValue shows id and state, never the secret.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON shows id and state, never the secret.
func (k Key) MarshalJSON() ([]byte, error) { return []byte(`"` + k.String() + `"`), nil }
