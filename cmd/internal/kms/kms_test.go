package kms_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"imagine.ua/litopys/cmd/internal/kms"
)

func TestWrapsAndUnwraps(t *testing.T) {
	t.Parallel()
	service, err := kms.Open(t.Context(), "base64key://"+base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := service.Encrypt(t.Context(), []byte("master"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := service.Decrypt(t.Context(), wrapped); err != nil || string(plain) != "master" {
		t.Errorf("got %q, %v", plain, err)
	}
	if err := service.Close(); err != nil {
		t.Error(err)
	}
}

// TestDriversAreLinked: an address of each service is known; what is missing then is the service, or a name.
func TestDriversAreLinked(t *testing.T) {
	t.Setenv("VAULT_SERVER_URL", "http://127.0.0.1:1")
	t.Setenv("VAULT_SERVER_TOKEN", "none")
	for _, url := range []string{"awskms://alias/ledger?region=eu-central-1", "hashivault://ledger", "azurekeyvault://vault.example.org/keys/ledger"} {
		service, err := kms.Open(t.Context(), url)
		if err != nil {
			if strings.Contains(err.Error(), "no driver registered") {
				t.Errorf("%s: %v", url, err)
			}
			continue
		}
		if err := service.Close(); err != nil {
			t.Errorf("%s: close: %v", url, err)
		}
	}
	if _, err := kms.Open(t.Context(), "nonsense://x"); err == nil || !strings.Contains(err.Error(), "no driver registered") {
		t.Errorf("an unknown service gives %v", err)
	}
}
