package subject

import (
	"regexp"
	"slices"

	"imagine.ua/litopys/domain"
)

var sha256Pattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// grant records a consent with the text that was agreed to (clause 3.3.1; ua.11.1.1).
func (d *decision) grant(c GrantConsent) (Event, error) {
	if c.Consent.IsZero() {
		return nil, input("consent.missing", "3.3.1", "give it a random id", "the consent has no id")
	}
	if _, known := d.state.Consent(c.Consent); known {
		return nil, domain.Refuse("consent.exists", "3.3.1", "give a new consent a new id", "a consent with this id is recorded").WithKind(domain.Conflict)
	}
	if !sha256Pattern.MatchString(c.TextHash) {
		return nil, input("consent.text", "3.3.1", "give the SHA-256 of the text that the subject agreed to, 64 hex digits in small letters",
			"the consent does not say what was agreed to")
	}
	if !c.Until.IsZero() && !c.Until.After(d.op.At) {
		return nil, input("consent.until", "3.3.1", "give a later end, or none", "the consent would end before it begins")
	}
	if err := d.scope(c.Scope, "consent"); err != nil {
		return nil, err
	}
	return ConsentGranted{Subject: d.subject, Consent: c.Consent, Scope: c.Scope.clone(), TextHash: c.TextHash, Until: c.Until.UTC()}, nil
}

// withdraw ends a consent. It reaches only what rests on that consent. Doing it twice changes nothing.
func (d *decision) withdraw(c WithdrawConsent) (Event, error) {
	consent, known := d.state.Consent(c.Consent)
	if !known {
		return nil, domain.Refuse("consent.unknown", "3.3.1", "name a consent of this subject", "no consent with this id is recorded").WithKind(domain.Unknown)
	}
	if consent.Withdrawn {
		return nil, nil
	}
	if d.before(consent.From) {
		return nil, tooEarly("consent", "3.3.1", "the consent was given", on(consent.From))
	}
	return ConsentWithdrawn{Subject: d.subject, Consent: c.Consent}, nil
}

// scope checks that a scope says something and says it in the words of the policy.
func (d *decision) scope(s Scope, word string) error {
	if len(s.Purposes) == 0 {
		return input(word+".scope", "2.2", "name at least one purpose", "the scope names no purpose")
	}
	if err := distinct(s.Fields); err != nil {
		return err
	}
	for _, p := range s.Purposes {
		if _, ok := d.Policy.Purpose(p); !ok {
			return domain.Refuse("scope.purpose", "2.2", "use purposes of the policy", "the policy does not name %s as purpose", shown(p)).WithKind(domain.Unknown)
		}
	}
	for _, f := range s.Fields {
		if err := d.inScope(f, s.Purposes); err != nil {
			return err
		}
	}
	for _, k := range s.RecipientKinds {
		if _, ok := d.Policy.RecipientKind(k); !ok {
			return domain.Refuse("scope.recipient-kind", "3.3", "use kinds of the policy", "the policy does not name %s as a kind of recipient", shown(k)).WithKind(domain.Unknown)
		}
	}
	if slices.ContainsFunc(s.Recipients, domain.RecipientID.IsZero) {
		return input(word+".scope", "3.3", "leave empty ids out", "the scope names a recipient without an id")
	}
	return nil
}

// inScope refuses a field for which one of the purposes is not allowed: nobody can agree to more than the
// policy offers.
func (d *decision) inScope(id domain.Field, purposes []domain.Purpose) error {
	f, err := d.field(id)
	if err != nil {
		return err
	}
	for _, p := range purposes {
		if !f.Allows(p) {
			return domain.Refuse("field.purpose", "2.2", "name fields and purposes that the catalogue allows together, in several scopes if need be",
				"the field %s may not be processed for the purpose %s", f.ID, p)
		}
	}
	return nil
}

func (s Scope) clone() Scope {
	return Scope{
		Purposes: slices.Clone(s.Purposes), Fields: slices.Clone(s.Fields),
		Recipients: slices.Clone(s.Recipients), RecipientKinds: slices.Clone(s.RecipientKinds),
	}
}

// reaches reports whether the scope covers the purpose and every field.
func (s Scope) reaches(p domain.Purpose, fields []domain.Field) bool {
	if !slices.Contains(s.Purposes, p) {
		return false
	}
	for _, f := range fields {
		if !slices.Contains(s.Fields, f) {
			return false
		}
	}
	return true
}

// names reports whether the scope names the recipient, by id or by kind.
func (s Scope) names(r Recipient) bool {
	return slices.Contains(s.Recipients, r.ID) || slices.Contains(s.RecipientKinds, r.Kind)
}
