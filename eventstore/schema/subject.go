package schema

import (
	"fmt"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

// currentTypes is the table of the newest version of every event. A row is never renamed: it makes room
// for a newer version, and a step from its name goes into the steps.
func currentTypes() []eventType {
	return []eventType{
		typeOf("SubjectRegistered.v1", walkRegistered),
		typeOf("DataCollected.v1", walkCollected),
		typeOf("DataDisputed.v1", walkDisputed),
		typeOf("DataRectified.v1", walkRectified).withFates(),
		typeOf("SubjectIdentified.v1", walkIdentified),
		typeOf("DataEdited.v1", walkEdited).withFates(),
		typeOf("DataDeleted.v1", walkDeleted).withFates(),
		typeOf("AccountClosed.v1", walkClosed).withFates(),
		typeOf("ConsentGranted.v1", walkConsentGranted),
		typeOf("ConsentWithdrawn.v1", walkConsentWithdrawn),
		typeOf("OrderPlaced.v1", walkOrderPlaced),
		typeOf("OrderExecuted.v1", walkOrderExecuted),
		typeOf("OrderCancelled.v1", walkOrderCancelled),
		typeOf("DataPublished.v1", walkPublished),
		typeOf("PublicationWithdrawn.v1", walkPublicationWithdrawn),
		typeOf("DataUsed.v1", walkUsed),
		typeOf("DataViewed.v1", walkViewed),
		typeOf("DataTransferred.v1", walkTransferred),
		typeOf("RecipientAdded.v1", walkAdded),
		typeOf("RecipientChanged.v1", walkChanged),
		typeOf("HoldPlaced.v1", walkHoldPlaced).withFates(),
		typeOf("HoldReleased.v1", walkHoldReleased).withFates(),
		typeOf("RetentionEnded.v1", walkRetentionEnded).withFates(),
		typeOf("ProcessingRestricted.v1", walkRestricted),
		typeOf("RestrictionLifted.v1", walkRestrictionLifted),
		typeOf("ObjectionMade.v1", walkObjected),
		typeOf("ObjectionWithdrawn.v1", walkObjectionWithdrawn),
		typeOf("NoticeGiven.v1", walkNoticeGiven),
		typeOf("KeysDestroyed.v1", walkKeysDestroyed),
		typeOf("RequestReceived.v1", walkReceived),
		typeOf("RequestApproved.v1", walkApproved),
		typeOf("RequestExtended.v1", walkExtended),
		typeOf("RequestAnswered.v1", walkAnswered),
		typeOf("PolicyPublished.v1", walkPolicyPublished),
		typeOf("StatisticsPublished.v1", walkStatisticsPublished),
	}
}

func walkRegistered(c *coder, e *subject.Registered) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	maybe(c, "policy", &e.Policy)
	maybe(c, "textHash", &e.TextHash)
	c.maybeItem("reference", e.Subject, &e.Reference)
	c.mark('}')
}

func walkCollected(c *coder, e *subject.Collected) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	text(c, "source", &e.Source)
	c.items("items", e.Subject, &e.Items)
	c.maybeID("request", &e.Request.UUID)
	c.mark('}')
}

func walkDisputed(c *coder, e *subject.Disputed) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	if c.need("value") {
		c.pointer(&e.Value)
	}
	maybe(c, "document", &e.Document)
	c.mark('}')
}

func walkRectified(c *coder, e *subject.Rectified) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	if c.need("value") {
		c.pointer(&e.Value)
	}
	text(c, "outcome", &e.Outcome)
	maybe(c, "document", &e.Document)
	c.items("items", e.Subject, &e.Items)
	c.fates("superseded", e.Subject, &e.Superseded)
	c.recipients("tell", &e.Tell)
	c.mark('}')
}

func walkIdentified(c *coder, e *subject.Identified) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	text(c, "method", &e.Method)
	maybe(c, "document", &e.Document)
	c.pointers("values", &e.Values)
	c.mark('}')
}

func walkEdited(c *coder, e *subject.Edited) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.items("items", e.Subject, &e.Items)
	c.fates("superseded", e.Subject, &e.Superseded)
	c.recipients("tell", &e.Tell)
	c.mark('}')
}

func walkDeleted(c *coder, e *subject.Deleted) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.fates("deleted", e.Subject, &e.Deleted)
	words(c, "services", &e.Services)
	maybe(c, "ground", &e.Ground)
	maybe(c, "document", &e.Document)
	c.recipients("tell", &e.Tell)
	c.mark('}')
}

func walkClosed(c *coder, e *subject.Closed) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.fates("deleted", e.Subject, &e.Deleted)
	words(c, "services", &e.Services)
	c.recipients("tell", &e.Tell)
	c.mark('}')
}

func walkConsentGranted(c *coder, e *subject.ConsentGranted) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.id("consent", &e.Consent.UUID)
	c.scope(&e.Scope)
	maybe(c, "textHash", &e.TextHash)
	c.maybeMoment("until", &e.Until)
	c.mark('}')
}

// scope walks the key "scope" and what it reaches.
func (c *coder) scope(v *subject.Scope) {
	if !c.need("scope") {
		return
	}
	c.mark('{')
	words(c, "purposes", &v.Purposes)
	words(c, "fields", &v.Fields)
	c.recipients("recipients", &v.Recipients)
	words(c, "recipientKinds", &v.RecipientKinds)
	c.mark('}')
}

func walkConsentWithdrawn(c *coder, e *subject.ConsentWithdrawn) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.id("consent", &e.Consent.UUID)
	c.mark('}')
}

func walkOrderPlaced(c *coder, e *subject.OrderPlaced) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.id("order", &e.Order.UUID)
	c.scope(&e.Scope)
	maybe(c, "document", &e.Document)
	c.mark('}')
}

func walkOrderExecuted(c *coder, e *subject.OrderExecuted) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.id("order", &e.Order.UUID)
	c.mark('}')
}

func walkOrderCancelled(c *coder, e *subject.OrderCancelled) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.id("order", &e.Order.UUID)
	c.mark('}')
}

func walkPublished(c *coder, e *subject.Published) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.pointers("values", &e.Values)
	maybe(c, "place", &e.Place)
	c.mark('}')
}

func walkPublicationWithdrawn(c *coder, e *subject.PublicationWithdrawn) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.pointers("values", &e.Values)
	c.mark('}')
}

func walkUsed(c *coder, e *subject.Used) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.pointers("values", &e.Values)
	c.mark('}')
}

func walkViewed(c *coder, e *subject.Viewed) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.pointers("values", &e.Values)
	text(c, "role", &e.Role)
	maybe(c, "document", &e.Document)
	c.mark('}')
}

func walkTransferred(c *coder, e *subject.Transferred) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	if c.need("recipient") {
		c.mark('{')
		c.id("id", &e.Recipient.ID.UUID)
		text(c, "kind", &e.Recipient.Kind)
		maybe(c, "country", &e.Recipient.Country)
		c.mark('}')
	}
	c.pointers("values", &e.Values)
	if c.need("basis") {
		c.basis(e.Subject, &e.Basis)
	}
	maybe(c, "abroad", &e.Abroad)
	c.flag("retained", &e.Retained)
	maybe(c, "exempt", &e.Exempt)
	c.maybeID("request", &e.Request.UUID)
	c.mark('}')
}

// The kinds of a basis as they are stored.
const (
	basisConsent = "consent"
	basisOrder   = "order"
	basisLaw     = "law"
	basisDefence = "defence"
)

// basis walks the ground of a transfer: "kind" says which of the four shapes follows.
func (c *coder) basis(owner domain.SubjectID, v *subject.Basis) {
	kind := basisKind(*v)
	if c.writing && kind == "" {
		c.fail(fmt.Errorf("%w: unknown basis %T", ErrIncomplete, *v))
		return
	}
	c.mark('{')
	text(c, "kind", &kind)
	switch kind {
	case basisConsent:
		b, _ := (*v).(subject.ByConsent)
		c.id("consent", &b.Consent.UUID)
		*v = b
	case basisOrder:
		b, _ := (*v).(subject.ByOrder)
		c.id("order", &b.Order.UUID)
		*v = b
	case basisLaw:
		b, _ := (*v).(subject.ByLaw)
		c.law(&b)
		*v = b
	case basisDefence:
		b, _ := (*v).(subject.ByDefence)
		c.defence(owner, &b)
		*v = b
	default:
		c.malformed("a known kind of basis")
	}
	c.mark('}')
}

func basisKind(b subject.Basis) string {
	switch b.(type) {
	case subject.ByConsent:
		return basisConsent
	case subject.ByOrder:
		return basisOrder
	case subject.ByLaw:
		return basisLaw
	case subject.ByDefence:
		return basisDefence
	}
	return ""
}

func (c *coder) law(b *subject.ByLaw) {
	maybe(c, "authority", &b.Authority)
	maybe(c, "act", &b.Act)
	maybe(c, "article", &b.Article)
	maybe(c, "document", &b.Document)
	c.maybeMoment("dated", &b.Dated)
	if !c.need("approvers") {
		return
	}
	c.mark('[')
	plain(c, &b.Approvers[0])
	c.mark(',')
	plain(c, &b.Approvers[1])
	c.mark(']')
}

func (c *coder) defence(owner domain.SubjectID, b *subject.ByDefence) {
	maybe(c, "evidence", &b.Evidence)
	maybe(c, "approver", &b.Approver)
	c.maybeItem("statement", owner, &b.Statement)
}

func walkAdded(c *coder, e *recipient.Added) {
	c.mark('{')
	c.id("recipient", &e.Recipient.UUID)
	c.card(&e.Card)
	c.mark('}')
}

func walkChanged(c *coder, e *recipient.Changed) {
	c.mark('{')
	c.id("recipient", &e.Recipient.UUID)
	c.card(&e.Card)
	c.mark('}')
}

// card walks the key "card" and what is known of a third party.
func (c *coder) card(v *recipient.Card) {
	if !c.need("card") {
		return
	}
	c.mark('{')
	text(c, "name", &v.Name)
	text(c, "kind", &v.Kind)
	maybe(c, "country", &v.Country)
	maybe(c, "contract", &v.Contract)
	c.mark('}')
}
