package keys_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

func aKey() keys.Key {
	return keys.Key{
		ID:     uuid.MustParse("01900000-0000-7000-8000-000000000003"),
		Ref:    keys.Ref{Subject: domain.SubjectID{UUID: uuid.MustParse("00000000-0000-4000-8000-000000000001")}, Field: "email", Epoch: "2"},
		State:  keys.Live,
		Secret: [keys.Size]byte([]byte("a secret that must never be seen")),
	}
}

func TestKeyNeverPrintsItsSecret(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	k := aKey().Prepared()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		fmt.Fprintf(&out, verb+"\n", k)
		fmt.Fprintf(&out, verb+"\n", []keys.Key{k})
		fmt.Fprintf(&out, verb+"\n", struct{ Key keys.Key }{k})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", k, "list", []keys.Key{k})
	encoded, err := json.Marshal(map[string]any{"key": k})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	text := out.String()
	for _, leak := range []string{"secret", hex.EncodeToString(k.Secret[:8]), fmt.Sprint(k.Secret[:4])[1:10]} {
		if strings.Contains(text, leak) {
			t.Errorf("%q is printed:\n%s", leak, text)
		}
	}
	if n := strings.Count(text, k.ID.String()+" (live)"); n != 24 {
		t.Errorf("the key is named %d times of 24", n)
	}
}

func TestIndexNeverPrintsItsSecret(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	x := keys.NewIndex(aKey().Secret)
	_ = x.Tag("email", "x")
	slog.New(slog.NewTextHandler(&out, nil)).Info("blind index", "index", x)
	fmt.Fprintf(&out, "%v %+v %#v %s %x", x, x, x, x, x)
	if n := strings.Count(out.String(), "blind index"); n != 7 || strings.Contains(out.String(), "secret") {
		t.Errorf("printed as %s", out.String())
	}
}

func TestEpochsAreOrderedAsNumbersAndMonths(t *testing.T) {
	t.Parallel()
	for _, order := range [][]domain.Epoch{
		{"1", "2", "9", "10", "11", "100"},
		{"1999-12", "2015-05", "2015-05.1", "2015-05.2", "2015-05.10", "2015-06", "2016-01"},
	} {
		for i, a := range order {
			for j, b := range order {
				if keys.Earlier(a, b) != (i < j) {
					t.Errorf("%s earlier than %s: %v", a, b, !(i < j))
				}
			}
		}
	}
	if keys.Earlier("1", "2015-05") || keys.Earlier("2015-05", "9999") || keys.Earlier("", "1") || keys.Earlier("x", "2") {
		t.Error("epochs of different kinds are ordered")
	}
}

func FuzzEpoch(f *testing.F) {
	f.Add("2015-05.1", "2015-05")
	f.Add("10", "9")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := domain.Epoch(a), domain.Epoch(b)
		if keys.Earlier(x, y) && keys.Earlier(y, x) {
			t.Fatal("each is earlier than the other")
		}
		kindX, okX := keys.KindOf(x)
		kindY, okY := keys.KindOf(y)
		if okX && okY && kindX == kindY && a != b && !keys.Earlier(x, y) && !keys.Earlier(y, x) {
			t.Fatalf("%q and %q are two names of one epoch", a, b)
		}
	})
}

func TestWrapIsBoundToItsPlace(t *testing.T) {
	t.Parallel()
	id, secret := uuid.New(), keys.NewSecret()
	master, k := keys.NewMaster(id, secret), aKey()
	wrapped := master.Wrap(k)
	if len(wrapped) != keys.WrappedSize {
		t.Fatalf("%d bytes", len(wrapped))
	}
	if got, err := keys.NewMaster(id, secret).Unwrap(k.Bare(), wrapped); err != nil || !got.Equal(k) {
		t.Fatalf("unwrapped %v, %v", got, err)
	}
	moves := map[string]func(*keys.Key){
		"id":       func(k *keys.Key) { k.ID[15] ^= 1 },
		"subject":  func(k *keys.Key) { k.Ref.Subject.UUID[3] ^= 1 },
		"field":    func(k *keys.Key) { k.Ref.Field = "emaik" },
		"epoch":    func(k *keys.Key) { k.Ref.Epoch = "3" },
		"boundary": func(k *keys.Key) { k.Ref.Field, k.Ref.Epoch = "emai", "l2" },
	}
	for name, move := range moves {
		moved := k.Bare()
		move(&moved)
		if got, err := master.Unwrap(moved, wrapped); !errors.Is(err, keys.ErrUnwrap) || got.Secret != [keys.Size]byte{} {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, err := keys.NewMaster(uuid.New(), secret).Unwrap(k.Bare(), wrapped); !errors.Is(err, keys.ErrUnwrap) {
		t.Errorf("another master: %v", err)
	}
	for i := range len(wrapped) * 8 {
		damaged := slices.Clone(wrapped)
		damaged[i/8] ^= 1 << (i % 8)
		if _, err := master.Unwrap(k.Bare(), damaged); !errors.Is(err, keys.ErrUnwrap) {
			t.Errorf("bit %d: %v", i, err)
		}
	}
}

func TestRootTellsDamageFromAWrongService(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	local := create(t, filepath.Join(dir, "a"))
	root := keys.Root{KMS: local, Ledger: uuid.New()}
	id, secret := uuid.New(), keys.NewSecret()
	stored, err := root.Wrap(t.Context(), id, secret)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := root.Unwrap(t.Context(), id, stored); err != nil || got != secret {
		t.Fatal(err)
	}
	if _, err := root.Unwrap(t.Context(), uuid.New(), stored); !errors.Is(err, keys.ErrUnwrap) {
		t.Errorf("another id: %v", err)
	}
	if _, err := (keys.Root{KMS: local, Ledger: uuid.New()}).Unwrap(t.Context(), id, stored); !errors.Is(err, keys.ErrUnwrap) {
		t.Errorf("another ledger: %v", err)
	}
	other := keys.Root{KMS: create(t, filepath.Join(dir, "b")), Ledger: root.Ledger}
	if _, err := other.Unwrap(t.Context(), id, stored); !errors.Is(err, eventstore.ErrForeign) || !strings.Contains(err.Error(), "b is not the one") {
		t.Errorf("another service: %v", err)
	}
	for i := range stored {
		damaged := slices.Clone(stored)
		damaged[i] ^= 1
		if _, err := root.Unwrap(t.Context(), id, damaged); !errors.Is(err, keys.ErrUnwrap) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
		if _, err := root.Unwrap(t.Context(), id, stored[:i]); !errors.Is(err, keys.ErrUnwrap) {
			t.Errorf("cut to %d: %v", i, err)
		}
	}
}

func create(t testing.TB, path string) *keys.Local {
	t.Helper()
	local, err := keys.CreateLocal(path)
	if err != nil {
		t.Fatal(err)
	}
	return local
}

func TestLocalKeyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "local.key")
	if _, err := keys.OpenLocal(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	made := create(t, path)
	if _, err := keys.CreateLocal(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("making it twice gives %v", err)
	}
	wrapped, err := made.Encrypt(t.Context(), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := keys.OpenLocal(path)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := opened.Decrypt(t.Context(), wrapped); err != nil || string(plain) != "x" {
		t.Errorf("decrypted %q, %v", plain, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("temporary files are left: %v, %v", entries, err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o700} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.OpenLocal(path); err == nil || !strings.Contains(err.Error(), "permissions") {
			t.Errorf("mode %v gives %v", mode, err)
		}
	}
}

func TestDamagedLocalKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "local.key")
	create(t, path)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "x", string(good[:30]), string(good[21:]), string(good) + string(good)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := keys.OpenLocal(path)
		var corrupt *eventstore.CorruptError
		if !errors.As(err, &corrupt) || corrupt.File != path {
			t.Errorf("%d bytes give %v", len(text), err)
		}
	}
}

// What was dropped must not come back from a reader that had read it before.
func TestCacheDropsForGood(t *testing.T) {
	t.Parallel()
	c, k := keys.NewCache(100), aKey()
	early := c.Generation()
	c.Put(early, keys.NewEntry(k))
	if e, ok := c.ByRef(k.Ref); !ok || !e.Key.Equal(k) {
		t.Fatal("not remembered by address")
	}
	c.Drop([]keys.Key{k})
	c.Put(early, keys.NewEntry(k))
	_, byRef := c.ByRef(k.Ref)
	_, byID := c.ByID(k.ID)
	if byRef || byID {
		t.Error("a late reader brought it back")
	}
	c.Put(c.Generation(), keys.NewEntry(k))
	if _, ok := c.ByID(k.ID); !ok {
		t.Error("not remembered in the next generation")
	}
}

func TestEntryRemembersTheNewestTags(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := keys.NewEntry(aKey())
		n := rapid.IntRange(0, 10).Draw(t, "tags")
		for i := range n {
			e = e.WithTag(keys.Tag{byte(i)})
		}
		for i := range n {
			if e.Has(&keys.Tag{byte(i)}) != (i >= n-4) {
				t.Fatalf("tag %d of %d", i, n)
			}
		}
		if !e.Has(nil) || e.Has(&keys.Tag{byte(n)}) {
			t.Fatal("no tag is always there, an unknown one never")
		}
	})
}

func BenchmarkTag(b *testing.B) {
	x := keys.NewIndex(keys.NewSecret())
	for b.Loop() {
		_ = x.Tag("email", "oksana@example.com")
	}
}

func BenchmarkToken(b *testing.B) {
	k, content := aKey(), []byte(strings.Repeat("x", 200))
	for b.Loop() {
		_ = k.Token(content)
	}
}
