package cli

import (
	"context"
	"slices"
	"strings"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/transfers"
)

// A name that is misspelt finds nothing, and nothing looks like an answer: "nobody looked". So what a question names
// must exist, in a version of the policy or in the ledger, or the question is refused.

// asked refuses a question about a person of whom the ledger has never known anything, and one that names a purpose
// or a recipient that there is not. Purposes of a policy that is configured no more count where there are entries.
func asked(ctx context.Context, a *app.App, s projections.Snapshot, id domain.SubjectID, f history.Filter) error {
	found, err := anyEntry(ctx, s, id, history.Filter{})
	if err != nil {
		return err
	}
	if !found {
		return unknownSubject()
	}
	if f.Purpose != "" && !purposeNamed(a.Policies, f.Purpose) {
		if found, err = anyEntry(ctx, s, id, history.Filter{Purpose: f.Purpose}); err == nil && !found {
			err = unknownPurpose(a.Policy, f.Purpose)
		}
	}
	if err != nil || f.Recipient.IsZero() {
		return err
	}
	cards, err := transfers.Recipients(ctx, s)
	if err == nil && !slices.ContainsFunc(cards, func(c transfers.Recipient) bool { return c.ID == f.Recipient }) {
		err = unknownRecipient()
	}
	return err
}

// anyEntry tells whether the filter lets any entry of the person through.
func anyEntry(ctx context.Context, s projections.Snapshot, id domain.SubjectID, f history.Filter) (bool, error) {
	f.Limit = 1
	for _, err := range history.Timeline(ctx, s, id, f) {
		return err == nil, err
	}
	return false, nil
}

// onRecord refuses a person and a recipient, where one is given, of whom the ledger has never recorded anything.
func onRecord(ctx context.Context, a *app.App, person domain.SubjectID, recipient domain.RecipientID) error {
	for _, x := range []struct {
		given  bool
		stream domain.Stream
		err    error
	}{
		{!person.IsZero(), domain.SubjectStream(person), unknownSubject()},
		{!recipient.IsZero(), domain.RecipientStream(recipient), unknownRecipient()},
	} {
		if !x.given {
			continue
		}
		switch head, err := a.Journal.Store().StreamHead(ctx, string(x.stream)); {
		case err != nil:
			return err
		case head == eventstore.NoStream:
			return x.err
		}
	}
	return nil
}

func purposeNamed(set *policy.Set, name domain.Purpose) bool {
	return slices.ContainsFunc(set.Versions(), func(p *policy.Policy) bool { _, ok := p.Purpose(name); return ok })
}

func unknownPurpose(p *policy.Policy, name domain.Purpose) error {
	var names []string
	for _, x := range p.Purposes {
		names = append(names, string(x.ID))
	}
	return domain.Refuse("operation.purpose", "2.2", "use one of: "+strings.Join(names, ", "),
		"the policy does not name the purpose %q, and nothing was done for it", visible(shorten(string(name)))).WithKind(domain.Unknown)
}

func unknownRecipient() error {
	return domain.Refuse("recipient.unknown", "3.3", "see: litopys recipient list", "the ledger does not know this recipient").WithKind(domain.Unknown)
}

// knownFields refuses names of fields that no version of the policy knows and of which nothing is on record.
func knownFields(a *app.App, names []string, recorded func(domain.Field) bool) error {
	for _, name := range names {
		field := domain.Field(name)
		if recorded(field) || slices.ContainsFunc(a.Policies.Versions(), func(p *policy.Policy) bool { _, ok := p.Field(field); return ok }) {
			continue
		}
		var known []string
		for _, f := range a.Policy.Fields {
			known = append(known, string(f.ID))
		}
		return domain.Refuse("field.unknown", "2.1", "use one of: "+strings.Join(known, ", "),
			"the catalogue does not know the field %q", visible(shorten(name))).WithKind(domain.Unknown)
	}
	return nil
}
