package history

import (
	"slices"
	"strconv"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// New is the projection.
func New() *projections.Projection {
	return &projections.Projection{Name: Name, Version: version, Tables: []*projections.Table{table, textTable}, Apply: apply}
}

// Type is the kind of an entry: the name of its event without the version of its stored form.
type Type string

// The types.
const (
	Registered           Type = "SubjectRegistered"
	Collected            Type = "DataCollected"
	Disputed             Type = "DataDisputed"
	Rectified            Type = "DataRectified"
	Identified           Type = "SubjectIdentified"
	Edited               Type = "DataEdited"
	Deleted              Type = "DataDeleted"
	Closed               Type = "AccountClosed"
	ConsentGranted       Type = "ConsentGranted"
	ConsentWithdrawn     Type = "ConsentWithdrawn"
	OrderPlaced          Type = "OrderPlaced"
	OrderExecuted        Type = "OrderExecuted"
	OrderCancelled       Type = "OrderCancelled"
	Published            Type = "DataPublished"
	PublicationWithdrawn Type = "PublicationWithdrawn"
	Used                 Type = "DataUsed"
	Viewed               Type = "DataViewed"
	Transferred          Type = "DataTransferred"
	HoldPlaced           Type = "HoldPlaced"
	HoldReleased         Type = "HoldReleased"
	RetentionEnded       Type = "RetentionEnded"
	Restricted           Type = "ProcessingRestricted"
	RestrictionLifted    Type = "RestrictionLifted"
	Objected             Type = "ObjectionMade"
	ObjectionWithdrawn   Type = "ObjectionWithdrawn"
	NoticeGiven          Type = "NoticeGiven"
	KeysDestroyed        Type = "KeysDestroyed"
	RequestReceived      Type = "RequestReceived"
)

// happening is what one event says of its subject, in one shape for all types.
type happening struct {
	typ       Type
	subject   domain.SubjectID
	referred  []domain.FieldEpoch
	recipient uuid.UUID
	details   []detail
}

// detail is one particular by its name.
type detail struct{ name, value string }

func apply(r domain.Recorded, w *projections.Writer) error {
	var h happening
	switch e := r.Event.(type) {
	case subject.Transferred:
		h = transferred(e)
	case subject.ConsentGranted, subject.ConsentWithdrawn, subject.OrderPlaced, subject.OrderExecuted, subject.OrderCancelled:
		h = agreement(e.(subject.Event))
	case subject.HoldPlaced, subject.HoldReleased, subject.RetentionEnded, subject.Restricted, subject.RestrictionLifted,
		subject.Objected, subject.ObjectionWithdrawn, subject.NoticeGiven, subject.KeysDestroyed:
		h = duty(e.(subject.Event))
	case subject.Event:
		h = dataEvent(e)
	case request.Received:
		if e.Subject.IsZero() {
			return nil // nobody knows yet whom it concerns
		}
		h = received(e)
	case policy.Published:
		published(r, e, w)
		return nil
	default:
		return projections.Others(r.Event) // they concern no subject
	}
	if h.typ == "" {
		return projections.UnknownEvent(r.Event)
	}
	h.write(&r, w)
	return nil
}

func dataEvent(e subject.Event) happening {
	switch e := e.(type) {
	case subject.Registered:
		return happening{typ: Registered, subject: e.Subject, details: details("policy", e.Policy, "textHash", e.TextHash)}
	case subject.Collected:
		return happening{typ: Collected, subject: e.Subject, details: append(details("source", string(e.Source)), ofRequest(e.Request)...)}
	case subject.Disputed:
		return happening{typ: Disputed, subject: e.Subject, referred: []domain.FieldEpoch{e.Value}, details: details("document", string(e.Document))}
	case subject.Rectified:
		return happening{typ: Rectified, subject: e.Subject, referred: []domain.FieldEpoch{e.Value},
			details: details("outcome", string(e.Outcome), "document", string(e.Document))}
	case subject.Identified:
		return happening{typ: Identified, subject: e.Subject, referred: e.Values, details: details("method", e.Method, "document", string(e.Document))}
	case subject.Edited:
		return happening{typ: Edited, subject: e.Subject}
	case subject.Deleted:
		return happening{typ: Deleted, subject: e.Subject,
			details: append(details("ground", e.Ground, "document", string(e.Document)), list("service", e.Services)...)}
	case subject.Closed:
		return happening{typ: Closed, subject: e.Subject, details: list("service", e.Services)}
	case subject.Published:
		return happening{typ: Published, subject: e.Subject, referred: e.Values, details: details("place", string(e.Place))}
	case subject.PublicationWithdrawn:
		return happening{typ: PublicationWithdrawn, subject: e.Subject, referred: e.Values}
	case subject.Used:
		return happening{typ: Used, subject: e.Subject, referred: e.Values}
	case subject.Viewed:
		return happening{typ: Viewed, subject: e.Subject, referred: e.Values, details: details("role", e.Role, "document", string(e.Document))}
	default:
		return happening{}
	}
}

func duty(e subject.Event) happening {
	switch e := e.(type) {
	case subject.HoldPlaced:
		return happening{typ: HoldPlaced, subject: e.Subject, referred: e.Late,
			details: slices.Concat(details("hold", e.Hold.String()), warrant(e.Warrant), list("field", e.Fields))}
	case subject.HoldReleased:
		return happening{typ: HoldReleased, subject: e.Subject, details: details("hold", e.Hold.String(), "document", string(e.Document))}
	case subject.RetentionEnded:
		return happening{typ: RetentionEnded, subject: e.Subject}
	case subject.Restricted:
		return happening{typ: Restricted, subject: e.Subject, details: append(details("document", string(e.Document)), list("field", e.Fields)...)}
	case subject.RestrictionLifted:
		return happening{typ: RestrictionLifted, subject: e.Subject, details: append(details("document", string(e.Document)), list("field", e.Fields)...)}
	case subject.Objected:
		return happening{typ: Objected, subject: e.Subject, details: append(details("document", string(e.Document)), list("purpose", e.Purposes)...)}
	case subject.ObjectionWithdrawn:
		return happening{typ: ObjectionWithdrawn, subject: e.Subject, details: list("purpose", e.Purposes)}
	case subject.NoticeGiven:
		return happening{typ: NoticeGiven, subject: e.Subject, recipient: e.Recipient.UUID,
			details: details("duty", e.Duty, "policy", e.Policy, "channel", string(e.Channel), "document", string(e.Document))}
	case subject.KeysDestroyed:
		h := happening{typ: KeysDestroyed, subject: e.Subject, details: details("unreadableAt", projections.TimeText(e.UnreadableAt),
			"unrecoverableAfter", projections.TimeText(e.UnrecoverableAfter))}
		for _, k := range e.Keys {
			h.referred = append(h.referred, domain.FieldEpoch{Field: k.Field, Epoch: k.Epoch})
		}
		return h
	default:
		return happening{}
	}
}

// ofRequest names the request that something belongs to; nothing for none.
func ofRequest(id domain.RequestID) []detail {
	if id.IsZero() {
		return nil
	}
	return details("request", id.String())
}

func warrant(w subject.Warrant) []detail {
	return details("authority", string(w.Authority), "act", string(w.Act), "article", string(w.Article), "document", string(w.Document),
		"dated", projections.TimeText(w.Dated))
}

func received(e request.Received) happening {
	return happening{typ: RequestReceived, subject: e.Subject, recipient: e.Recipient.UUID,
		details: slices.Concat(details("request", e.Request.String(), "kind", string(e.Kind), "channel", string(e.Channel),
			"document", string(e.Document)), warrant(e.Warrant), list("field", e.Fields))}
}

func agreement(e subject.Event) happening {
	switch e := e.(type) {
	case subject.ConsentGranted:
		return happening{typ: ConsentGranted, subject: e.Subject,
			details: append(details("consent", e.Consent.String(), "textHash", e.TextHash, "until", projections.TimeText(e.Until)), scope(e.Scope)...)}
	case subject.ConsentWithdrawn:
		return happening{typ: ConsentWithdrawn, subject: e.Subject, details: details("consent", e.Consent.String())}
	case subject.OrderPlaced:
		return happening{typ: OrderPlaced, subject: e.Subject,
			details: append(details("order", e.Order.String(), "document", string(e.Document)), scope(e.Scope)...)}
	case subject.OrderExecuted:
		return happening{typ: OrderExecuted, subject: e.Subject, details: details("order", e.Order.String())}
	case subject.OrderCancelled:
		return happening{typ: OrderCancelled, subject: e.Subject, details: details("order", e.Order.String())}
	default:
		return happening{}
	}
}

func transferred(e subject.Transferred) happening {
	d := details("kind", string(e.Recipient.Kind), "country", string(e.Recipient.Country), "abroad", e.Abroad, "exempt", e.Exempt)
	if e.Retained {
		d = append(d, detail{"retained", "yes"})
	}
	d = append(d, ofRequest(e.Request)...)
	switch b := e.Basis.(type) {
	case subject.ByConsent:
		d = append(d, details("clause", b.Clause(), "consent", b.Consent.String())...)
	case subject.ByOrder:
		d = append(d, details("clause", b.Clause(), "order", b.Order.String())...)
	case subject.ByLaw:
		d = append(d, details("clause", b.Clause(), "authority", string(b.Authority), "act", string(b.Act), "article", string(b.Article),
			"document", string(b.Document), "dated", projections.TimeText(b.Dated), "approver1", string(b.Approvers[0]), "approver2", string(b.Approvers[1]))...)
	case subject.ByDefence:
		d = append(d, details("clause", b.Clause(), "evidence", string(b.Evidence), "approver", string(b.Approver))...)
	default:
		return happening{}
	}
	return happening{typ: Transferred, subject: e.Subject, referred: e.Values, recipient: e.Recipient.ID.UUID, details: d}
}

// write makes one row for the subject of the event and one for every other person whose values it brings or
// ends, each with what concerns that person only.
func (h *happening) write(r *domain.Recorded, w *projections.Writer) {
	items, fates := r.Event.Personal(), r.Event.Fates()
	people := []domain.SubjectID{h.subject}
	for _, i := range items {
		if !slices.Contains(people, i.Subject) {
			people = append(people, i.Subject)
		}
	}
	for _, f := range fates {
		if !slices.Contains(people, f.Subject) {
			people = append(people, f.Subject)
		}
	}
	for n, who := range people {
		said := h.said(n == 0, items, fates, who)
		w.Append(table,
			projections.OfPosition(r.Position),
			projections.OfInt(int64(n)),
			projections.OfUUID(who.UUID),
			projections.OfUUID(r.ID),
			projections.OfText(h.typ),
			projections.OfTime(r.Meta.OccurredAt),
			projections.OfTime(r.Meta.RecordedAt),
			projections.OptText(r.Meta.Actor.ID),
			projections.OptText(r.Meta.Purpose),
			projections.OptUUID(h.recipient),
			operation(r, who),
			said)
	}
}

func operation(r *domain.Recorded, who domain.SubjectID) projections.Value {
	var l projections.List
	l.AddStream(r.Stream, who)
	for _, part := range [...]string{
		operationRevision - 1:  strconv.FormatInt(r.Revision, 10),
		operationActorKind - 1: string(r.Meta.Actor.Kind),
		operationGrounds - 1:   string(r.Meta.Grounds),
		operationService - 1:   string(r.Meta.Service),
		operationPolicy - 1:    r.Meta.Policy,
		operationCommand - 1:   r.Meta.Command,
	} {
		l.Add(part)
	}
	return l.Value()
}

// said lists what concerns one person: everything for the subject of the event, only his values for others.
func (h *happening) said(all bool, items []domain.Item, fates []domain.Fate, who domain.SubjectID) projections.Value {
	var l projections.List
	var before domain.Epoch
	for _, i := range items {
		switch {
		case i.Subject != who:
		case i.Epoch == before:
			l.Add(saidReceived, string(i.Field))
		default:
			l.Add(saidReceived, string(i.Field), "/", string(i.Epoch))
			before = i.Epoch
		}
	}
	for _, f := range fates {
		if f.Subject == who {
			sayFate(&l, f)
		}
	}
	if !all {
		return l.Value()
	}
	for _, v := range h.referred {
		l.Add(saidReferred, string(v.Field), "/", string(v.Epoch))
	}
	for _, d := range h.details {
		l.Add(saidDetail, d.name, "=", d.value)
	}
	return l.Value()
}

// sayFate writes a fate as "field/epoch|action|through|until|rule".
func sayFate(l *projections.List, f domain.Fate) {
	through := ""
	if f.Through {
		through = "through"
	}
	l.Add(saidFate, string(f.Field), "/", string(f.Epoch), "|", string(f.Action), "|", through, "|", projections.TimeText(f.Until), "|", f.Rule)
}

func details(pairs ...string) []detail {
	out := make([]detail, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, detail{pairs[i], pairs[i+1]})
		}
	}
	return out
}

func list[S ~string](name string, values []S) []detail {
	out := make([]detail, len(values))
	for i, v := range values {
		out[i] = detail{name, string(v)}
	}
	return out
}

func scope(s subject.Scope) []detail {
	out := slices.Concat(list("purpose", s.Purposes), list("field", s.Fields), list("recipientKind", s.RecipientKinds))
	for _, id := range s.Recipients {
		out = append(out, detail{"recipient", id.String()})
	}
	return out
}
