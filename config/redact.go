package config

import (
	"net/url"
	"slices"
	"strings"
)

const notShown = "(set, not shown)"

var (
	postgres = []string{"postgres", "postgresql"}
	// kms are the services whose drivers the program links. base64key holds the key itself and is for trials.
	kms = []string{"awskms", "gcpkms", "azurekeyvault", "hashivault", "base64key"}
)

// scheme tells whether the address begins with one of the schemes. It is not parsed further: each driver
// knows its own addresses, and an esdb one may name several hosts.
func scheme(address string, schemes ...string) bool {
	s, rest, found := strings.Cut(address, "://")
	return found && rest != "" && slices.Contains(schemes, s)
}

// Redacted gives an address as a person may see it: with its hosts, without passwords. What is no address,
// or is nothing but a secret, is not shown at all.
func Redacted(address string) string {
	if address == "" {
		return ""
	}
	s, rest, found := strings.Cut(address, "://")
	if !found || s == "base64key" {
		return notShown
	}
	rest, query, asked := strings.Cut(rest, "?")
	// By the last "@": a password may hold one that nobody escaped.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, _, secret := strings.Cut(rest[:at], ":")
		if secret {
			user += ":xxxxx"
		}
		rest = user + rest[at:]
	}
	if asked {
		rest += "?" + redactedQuery(query)
	}
	return s + "://" + rest
}

func redactedQuery(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if name, value, ok := strings.Cut(part, "="); ok && value != "" && hides(name) {
			parts[i] = name + "=xxxxx"
		}
	}
	return strings.Join(parts, "&")
}

// hides tells whether a parameter of this name holds a secret.
func hides(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"password", "secret", "token"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// Scrub takes the secrets of the addresses out of a text, whoever wrote them into it: drivers quote what
// they were given.
func (c Config) Scrub(text string) string {
	for _, address := range []string{c.Store.URL, c.Keys.URL, c.Answers.URL, c.KMS.URL} {
		for _, secret := range secrets(address) {
			text = strings.ReplaceAll(text, secret, "xxxxx")
		}
	}
	return text
}

// secrets are the secret parts of an address, escaped and plain, the longest first.
func secrets(address string) []string {
	s, rest, found := strings.Cut(address, "://")
	if !found {
		return nil
	}
	var out []string
	rest, query, _ := strings.Cut(rest, "?")
	if s == "base64key" {
		out = append(out, rest)
	} else if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		_, secret, _ := strings.Cut(rest[:at], ":")
		out = append(out, secret)
	}
	for _, part := range strings.Split(query, "&") {
		if name, value, ok := strings.Cut(part, "="); ok && hides(name) {
			out = append(out, value)
		}
	}
	for _, secret := range slices.Clone(out) {
		if plain, err := url.PathUnescape(secret); err == nil {
			out = append(out, plain)
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" })
	slices.SortFunc(out, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(out)
}
