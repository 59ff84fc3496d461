package keys

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gocloud.dev/secrets"
	"gocloud.dev/secrets/localsecrets"

	"imagine.ua/litopys/eventstore"
)

// localMode is what a local key file must not exceed: its owner reads and writes it, nobody else anything.
const localMode fs.FileMode = 0o600

// localHeader is the first line of the file, so that nobody mistakes it for rubbish.
const localHeader = "litopys local key v1"

// Local is a key-management service in a file: 32 random bytes in base64 under a header line. Who has the
// file and the key store can open every live value, so back the two up apart from each other.
type Local struct {
	path   string
	keeper *secrets.Keeper
}

var _ KMS = (*Local)(nil)

// CreateLocal makes the file with a new random key, whole and on stable storage or not at all, and opens
// it. A file that exists already is an error (fs.ErrExist) and stays as it is.
func CreateLocal(path string) (*Local, error) {
	secret := NewSecret()
	text := localHeader + "\n" + base64.StdEncoding.EncodeToString(secret[:]) + "\n"
	if err := writeNew(path, text); err != nil {
		return nil, fmt.Errorf("create local key: %w", err)
	}
	return &Local{path: path, keeper: localsecrets.NewKeeper(secret)}, nil
}

// writeNew links a synced temporary file to its name: a crash leaves the whole file or none, and an
// existing one is never replaced.
func writeNew(path, text string) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".local-key-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(text)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		return err
	}
	return eventstore.SyncDir(dir)
}

// OpenLocal opens a file made by CreateLocal. A file that others than its owner may read is refused; a file
// that does not exist gives fs.ErrNotExist, and damage a *eventstore.CorruptError.
func OpenLocal(path string) (*Local, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open local key: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&^localMode != 0 {
		return nil, fmt.Errorf("open local key %s: its permissions are %v; nobody but its owner may read it (chmod 600)", path, mode)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the caller's own path
	if err != nil {
		return nil, fmt.Errorf("open local key: %w", err)
	}
	body, found := strings.CutPrefix(string(text), localHeader+"\n")
	secret, err := localsecrets.Base64KeyStd(strings.TrimSuffix(body, "\n"))
	if !found || err != nil {
		return nil, &eventstore.CorruptError{File: path, Place: "local key", Detail: "this is no local key file"}
	}
	return &Local{path: path, keeper: localsecrets.NewKeeper(secret)}, nil
}

// Encrypt wraps a master key.
func (l *Local) Encrypt(ctx context.Context, plaintext []byte) ([]byte, error) {
	return l.keeper.Encrypt(ctx, plaintext)
}

// Decrypt unwraps a master key. What was wrapped under another local key gives eventstore.ErrForeign.
func (l *Local) Decrypt(ctx context.Context, ciphertext []byte) ([]byte, error) {
	plain, err := l.keeper.Decrypt(ctx, ciphertext)
	if err != nil {
		// The driver has no codes; it fails for this reason and for bytes of a wrong length only.
		return nil, fmt.Errorf("local key %s is not the one that wrapped this: %w", l.path, eventstore.ErrForeign)
	}
	return plain, nil
}

// Close forgets the key. Closing twice is an error of the keeper's.
func (l *Local) Close() error { return l.keeper.Close() }

// String names the file.
func (l *Local) String() string { return "local key " + l.path }
