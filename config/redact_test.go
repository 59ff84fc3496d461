package config

import (
	"strings"
	"testing"
)

func TestAddressesAreShownWithoutSecrets(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"":                                   "",
		"esdb://localhost:2113?tls=false":    "esdb://localhost:2113?tls=false",
		"esdb://admin:hush@a:1,b:2?tls=true": "esdb://admin:xxxxx@a:1,b:2?tls=true",
		"postgres://ledger@db/keys":          "postgres://ledger@db/keys",
		"postgres://u:hu@sh@db/keys":         "postgres://u:xxxxx@db/keys",
		"postgres://db/k?password=hush&sslmode=disable&sslpassword=hush": "postgres://db/k?password=xxxxx&sslmode=disable&sslpassword=xxxxx",
		"base64key://hush":         notShown,
		"password=hush host=db":    notShown,
		"hashivault://ledger":      "hashivault://ledger",
		"esdb://admin:h%75sh@a:1":  "esdb://admin:xxxxx@a:1",
		"azurekeyvault://v/keys/k": "azurekeyvault://v/keys/k",
	} {
		if got := Redacted(address); got != want {
			t.Errorf("%q is shown as %q, want %q", address, got, want)
		}
	}
}

func TestConfigurationNeverShowsPasswords(t *testing.T) {
	t.Setenv("LITOPYS_STORE_URL", "esdb://admin:h%75sh@one:2113,two:2113")
	t.Setenv("LITOPYS_KEYS_URL", "postgres://ledger:hush@db/keys")
	t.Setenv("LITOPYS_ANSWERS_URL", "postgresql://db/answers?password=hush")
	t.Setenv("LITOPYS_KMS_URL", "base64key://hushhushhush")
	loaded, err := Load(Sources{File: write(t, "dir: x\n")})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range loaded.Settings {
		if strings.Contains(s.Value, "hush") {
			t.Errorf("%s is shown as %q", s.Name, s.Value)
		}
	}
	text := "driver says: esdb://admin:h%75sh@one, password hush, key hushhushhush"
	if got := loaded.Scrub(text); strings.Contains(got, "hush") || strings.Contains(got, "h%75sh") || !strings.Contains(got, "driver says") {
		t.Errorf("scrubbed to %q", got)
	}
	if loaded.Local() {
		t.Error("nothing stands in the folder, yet it is said to be used")
	}
}

func TestWrongAddressesAreNamedAndNotQuoted(t *testing.T) {
	t.Parallel()
	_, err := Load(Sources{File: write(t, "store: {url: 'http://u:hush@h'}\nkeys: {url: 'password=hush'}\nanswers: {url: 'esdb://hush'}\nkms: {url: 'hush://x'}\n")})
	if err == nil {
		t.Fatal("they were taken")
	}
	for _, want := range []string{"store.url: want esdb://", "keys.url: want postgres://", "answers.url: want postgres://", "kms.url: want awskms://"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("%v quotes a secret", err)
	}
}

func FuzzRedacted(f *testing.F) {
	f.Add("postgres://u:secret@h/d?password=secret")
	f.Add("esdb://a:b@c:d@e")
	f.Fuzz(func(t *testing.T, address string) {
		shown := Redacted(address)
		for _, secret := range secrets(address) {
			if len(secret) > 8 && strings.Contains(shown, secret) && strings.Count(address, secret) == 1 {
				t.Errorf("%q is shown as %q", address, shown)
			}
		}
	})
}
