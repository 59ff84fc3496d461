package request

import (
	"slices"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// receive opens a request. What it must name depends on what is asked for: the rights of a subject are
// nobody else's to use, a third party must be known, and an authority asks by its paper.
func receive(c Case, cmd Receive, s State) (Event, error) {
	if s.Known {
		return nil, domain.Refuse("request.exists", "7.1", "give a new request a new id", "a request with this id is known").WithKind(domain.Conflict)
	}
	if !cmd.Kind.Known() {
		return nil, input("request.kind", "7.1", "give one of: "+kinds(), "the kind of request is not known")
	}
	if cmd.Channel == "" {
		return nil, input("request.channel", "7.1", "say account, email, site or post", "the request names no channel")
	}
	if err := channel(cmd.Channel); err != nil {
		return nil, err
	}
	if err := document(cmd.Document); err != nil {
		return nil, err
	}
	if err := whose(c, cmd); err != nil {
		return nil, err
	}
	if err := asker(c, cmd); err != nil {
		return nil, err
	}
	if err := warranted(cmd); err != nil {
		return nil, err
	}
	if err := about(c, cmd); err != nil {
		return nil, err
	}
	w := cmd.Warrant
	w.Dated = w.Dated.UTC()
	if cmd.Kind != Disclosure {
		w = subject.Warrant{}
	}
	return Received{Request: cmd.Request, Kind: cmd.Kind, Channel: cmd.Channel, Subject: cmd.Subject, Fields: cmd.Fields,
		Recipient: cmd.Recipient, Warrant: w, Document: cmd.Document}, nil
}

// whose checks the person whose data the request concerns.
func whose(c Case, cmd Receive) error {
	if cmd.Subject.IsZero() {
		if cmd.Kind.needsSubject() {
			return input("request.subject", "7.1", "find the person first, or open it as a question", "a request of the kind "+string(cmd.Kind)+" names no subject")
		}
		return nil
	}
	if !c.SubjectKnown {
		return domain.Refuse("request.unknown-subject", "7.1", "find the person first", "no file was ever opened for this subject").WithKind(domain.Unknown)
	}
	return nil
}

// asker checks the third party or authority that asks.
func asker(c Case, cmd Receive) error {
	if !cmd.Kind.Foreign() {
		if !cmd.Recipient.IsZero() {
			return input("request.asker", "7.1", "leave the recipient out, or open it as third-party", "a request of the kind "+string(cmd.Kind)+" is the subject's own and names no third party")
		}
		return nil
	}
	if cmd.Recipient.IsZero() || c.Recipient == nil {
		return domain.Refuse("request.asker", "ua.16", "add the recipient first and name it", "the ledger does not know who asks").WithKind(domain.Unknown)
	}
	return nil
}

// warranted checks the paper of an authority (clauses 3.3.3, 4.3).
func warranted(cmd Receive) error {
	w := cmd.Warrant
	if cmd.Kind != Disclosure {
		if w != (subject.Warrant{}) {
			return input("request.warrant", "3.3.3", "leave it out, or open the request as a disclosure", "a request of the kind "+string(cmd.Kind)+" has no warrant")
		}
		return nil
	}
	for _, r := range []domain.Reference{w.Authority, w.Act, w.Article, w.Document} {
		if !r.Valid() {
			return input("request.warrant", "3.3.3", "name authority, act, article and document by their codes and numbers", "the authority's paper is incomplete")
		}
	}
	if w.Dated.IsZero() || w.Dated.After(cmd.Operation.Spec().At) {
		return input("request.warrant", "3.3.3", "give the date of the paper", "the authority's paper has no date, or one after its receipt")
	}
	return nil
}

// about checks the fields that the request names. A disclosure names each (clause 4.3).
func about(c Case, cmd Receive) error {
	if cmd.Kind == Disclosure && len(cmd.Fields) == 0 {
		return input("request.fields", "4.3", "name exactly the fields that the authority asks for", "a disclosure names no field")
	}
	for i, f := range cmd.Fields {
		if _, ok := c.Policy.Field(f); !ok {
			return domain.Refuse("field.unknown", "2.1", "use fields of the catalogue", "the catalogue does not know a field of the request").WithKind(domain.Unknown)
		}
		if slices.Contains(cmd.Fields[:i], f) {
			return input("fields.repeated", "2.1", "name it once", "the field "+string(f)+" is named twice")
		}
	}
	return nil
}
