package domain

import "fmt"

// RefusalKind sorts refusals by what the caller can do about them.
type RefusalKind uint8

// The kinds of refusals.
const (
	Rule     RefusalKind = iota + 1 // a rule of policy or law forbids it
	Input                           // the command itself is malformed
	Unknown                         // what it names does not exist
	Conflict                        // it contradicts what was recorded before (a reused idempotency key)
)

// String names the kind.
func (k RefusalKind) String() string {
	switch k {
	case Rule:
		return "rule"
	case Input:
		return "input"
	case Unknown:
		return "unknown"
	case Conflict:
		return "conflict"
	}
	return "refusal"
}

// Refusal is a decision not to record. It looks the same everywhere: code, clause, one sentence, remedy.
// No part of it ever holds a personal value.
type Refusal struct {
	Kind    RefusalKind
	Code    string // stable, dotted: "transfer.no-consent"
	Clause  string // clause of the policy or article of law: "3.3.1", "ua.11.1"
	Message string // one sentence
	Remedy  string // what would make it possible
}

// Error shows code, clause, sentence and remedy in one line.
func (r *Refusal) Error() string {
	s := "refused [" + r.Code
	if r.Clause != "" {
		s += ", clause " + r.Clause
	}
	s += "]: " + r.Message
	if r.Remedy != "" {
		s += "; " + r.Remedy
	}
	return s
}

// Is makes errors.Is match two refusals by code.
func (r *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Code == r.Code
}

// Refuse builds a refusal by a rule.
func Refuse(code, clause, remedy, format string, args ...any) *Refusal {
	return &Refusal{Kind: Rule, Code: code, Clause: clause, Remedy: remedy, Message: fmt.Sprintf(format, args...)}
}

// WithKind gives the refusal another kind.
func (r *Refusal) WithKind(k RefusalKind) *Refusal { r.Kind = k; return r }
