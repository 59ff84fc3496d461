package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/seal"
)

var address = seal.Address{
	Stream:  "subject-00000000-0000-4000-8000-000000000001",
	Event:   uuid.MustParse("00000000-0000-4000-8000-0000000000ee"),
	Subject: domain.SubjectID{UUID: uuid.MustParse("00000000-0000-4000-8000-000000000001")},
	Field:   "email",
	Epoch:   "2",
}

func testCipher() *seal.Cipher {
	return seal.NewCipher(uuid.MustParse("01900000-0000-7000-8000-000000000003"), &[seal.KeySize]byte{1, 2, 3})
}

func mustSeal(t testing.TB, value string) []byte {
	t.Helper()
	sealed, err := testCipher().Seal(nil, address, value)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestOpenGivesWhatWasSealed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var secret [seal.KeySize]byte
		copy(secret[:], rapid.SliceOfN(rapid.Byte(), seal.KeySize, seal.KeySize).Draw(t, "secret"))
		c := seal.NewCipher(uuid.New(), &secret)
		at := seal.Address{
			Stream:  domain.Stream(rapid.String().Draw(t, "stream")),
			Event:   uuid.New(),
			Subject: domain.SubjectID{UUID: uuid.New()},
			Field:   domain.Field(rapid.String().Draw(t, "field")),
			Epoch:   domain.Epoch(rapid.String().Draw(t, "epoch")),
		}
		value := string(rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(t, "value"))
		prefix := []byte("before")
		sealed, err := c.Seal(bytes.Clone(prefix), at, value)
		if err != nil || !bytes.HasPrefix(sealed, prefix) {
			t.Fatalf("seal: %v", err)
		}
		sealed = sealed[len(prefix):]
		if len(sealed) != seal.SealedLen(len(value)) {
			t.Fatalf("%d bytes, SealedLen says %d", len(sealed), seal.SealedLen(len(value)))
		}
		if id, err := seal.KeyID(sealed); err != nil || id != c.KeyID() {
			t.Fatalf("key id %v, %v", id, err)
		}
		opened, err := c.Open(bytes.Clone(prefix), at, sealed)
		if err != nil || string(opened) != string(prefix)+value {
			t.Fatalf("opened other bytes than were sealed, %v", err)
		}
	})
}

func TestEveryFlippedBitFails(t *testing.T) {
	t.Parallel()
	sealed := mustSeal(t, "oksana@example.com")
	for i := range len(sealed) * 8 {
		damaged := bytes.Clone(sealed)
		damaged[i/8] ^= 1 << (i % 8)
		requireRefused(t, fmt.Sprintf("bit %d", i), testCipher(), address, damaged)
	}
	for n := range sealed {
		requireRefused(t, fmt.Sprintf("cut to %d", n), testCipher(), address, sealed[:n])
	}
	requireRefused(t, "lengthened", testCipher(), address, append(bytes.Clone(sealed), 0))
}

func TestAnotherPlaceOrKeyFails(t *testing.T) {
	t.Parallel()
	sealed := mustSeal(t, "oksana@example.com")
	for name, move := range map[string]func(*seal.Address){
		"stream":  func(a *seal.Address) { a.Stream += "x" },
		"event":   func(a *seal.Address) { a.Event[15] ^= 1 },
		"subject": func(a *seal.Address) { a.Subject.UUID[0] ^= 0x80 },
		"field":   func(a *seal.Address) { a.Field = "emaik" },
		"epoch":   func(a *seal.Address) { a.Epoch = "1" },
		// The same bytes, cut elsewhere: the length prefixes must tell them apart.
		"boundary": func(a *seal.Address) { a.Field, a.Epoch = "emai", "l2" },
	} {
		at := address
		move(&at)
		requireRefused(t, name, testCipher(), at, sealed)
	}
	id := testCipher().KeyID()
	requireRefused(t, "other secret", seal.NewCipher(id, &[seal.KeySize]byte{9}), address, sealed)
	requireRefused(t, "other id", seal.NewCipher(uuid.New(), &[seal.KeySize]byte{1, 2, 3}), address, sealed)
}

// requireRefused wants the one uniform error and nothing of the plaintext in the spare room of dst.
func requireRefused(t testing.TB, what string, c *seal.Cipher, at seal.Address, sealed []byte) {
	t.Helper()
	dst := make([]byte, 0, 256)
	got, err := c.Open(dst, at, sealed)
	if !errors.Is(err, seal.ErrVerify) || err.Error() != seal.ErrVerify.Error() || len(got) != 0 {
		t.Errorf("%s: opened %d bytes, error %v", what, len(got), err)
	}
	if bytes.Contains(dst[:cap(dst)], []byte("oksana")) {
		t.Errorf("%s: plaintext was left behind", what)
	}
}

func TestLengthsLeakOnlyTheBucket(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ length, bucket int }{
		{0, 32}, {1, 32}, {28, 32}, {29, 64}, {60, 64}, {61, 128}, {124, 128}, {125, 256},
		{1020, 1024}, {1021, 2048}, {2044, 2048}, {seal.MaxValue, 64 << 10},
	} {
		if got := len(mustSeal(t, strings.Repeat("x", tc.length))); got != tc.bucket+seal.Overhead {
			t.Errorf("value of %d bytes: sealed to %d, want bucket %d + %d", tc.length, got, tc.bucket, seal.Overhead)
		}
	}
	if _, err := testCipher().Seal(nil, address, strings.Repeat("x", seal.MaxValue+1)); !errors.Is(err, seal.ErrTooLong) {
		t.Errorf("a value over the limit gives %v", err)
	}
}

// The bytes below were written by the first version. They must open for ever.
func TestFrozenBytesOpen(t *testing.T) {
	t.Parallel()
	const header = "0101900000000070008000000000000003"
	sealed := mustSeal(t, "x")
	if got := hex.EncodeToString(sealed[:17]); got != header {
		t.Errorf("header %s, want %s", got, header)
	}
	stored, err := hex.DecodeString(frozenSealed)
	if err != nil {
		t.Fatal(err)
	}
	value, err := testCipher().Open(nil, address, stored)
	if err != nil || string(value) != "oksana@example.com" {
		t.Errorf("the frozen value opens as %q, %v", value, err)
	}
}

func TestCipherNeverPrintsItsKey(t *testing.T) {
	t.Parallel()
	c := testCipher()
	want := "cipher of key " + c.KeyID().String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, c); got != want {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "cipher", c)
	if !strings.Contains(log.String(), want) {
		t.Errorf("logged as %q", log.String())
	}
}

func TestSealingIntoRoomAllocatesNothing(t *testing.T) {
	c, value := testCipher(), "oksana@example.com"
	buf, out := make([]byte, 0, 128), make([]byte, 0, 128)
	sealed := mustSeal(t, value)
	if n := testing.AllocsPerRun(200, func() { _, _ = c.Seal(buf, address, value) }); n > 0 {
		t.Errorf("Seal allocates %.0f times", n)
	}
	if n := testing.AllocsPerRun(200, func() { _, _ = c.Open(out, address, sealed) }); n > 0 {
		t.Errorf("Open allocates %.0f times", n)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(mustSeal(f, "oksana@example.com"))
	f.Add(mustSeal(f, ""))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		c := testCipher()
		value, err := c.Open(nil, address, sealed)
		if err != nil {
			return
		}
		if got := seal.SealedLen(len(value)); got != len(sealed) {
			t.Fatalf("opened %d bytes out of %d", len(value), len(sealed))
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	c, buf := testCipher(), make([]byte, 0, 2048)
	for _, n := range []int{20, 200, 1000} {
		value := strings.Repeat("x", n)
		b.Run(fmt.Sprintf("%dB", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.Seal(buf, address, value)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	c, buf := testCipher(), make([]byte, 0, 2048)
	for _, n := range []int{20, 200, 1000} {
		sealed := mustSeal(b, strings.Repeat("x", n))
		b.Run(fmt.Sprintf("%dB", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.Open(buf, address, sealed)
			}
		})
	}
}

func BenchmarkNewCipher(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = testCipher()
	}
}
