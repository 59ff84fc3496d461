package schema

import (
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
)

// recipients walks an optional array of ids of third parties.
func (c *coder) recipients(name string, v *[]domain.RecipientID) {
	list(c, name, v, func(id *domain.RecipientID) { c.bareID(&id.UUID) })
}

// warrant walks an optional paper of an authority; the zero one is left out.
func (c *coder) warrant(v *subject.Warrant) {
	if (c.writing && *v == subject.Warrant{}) || !c.key("warrant") {
		return
	}
	c.mark('{')
	maybe(c, "authority", &v.Authority)
	maybe(c, "act", &v.Act)
	maybe(c, "article", &v.Article)
	maybe(c, "document", &v.Document)
	c.maybeMoment("dated", &v.Dated)
	c.mark('}')
	if c.err == nil && (*v == subject.Warrant{}) {
		c.malformed("a warrant that is not empty")
	}
}

func walkHoldPlaced(c *coder, e *subject.HoldPlaced) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.id("hold", &e.Hold.UUID)
	words(c, "fields", &e.Fields)
	c.warrant(&e.Warrant)
	c.fates("held", e.Subject, &e.Held)
	c.pointers("late", &e.Late)
	c.mark('}')
}

func walkHoldReleased(c *coder, e *subject.HoldReleased) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.id("hold", &e.Hold.UUID)
	maybe(c, "document", &e.Document)
	c.fates("freed", e.Subject, &e.Freed)
	c.recipients("tell", &e.Tell)
	c.mark('}')
}

func walkRetentionEnded(c *coder, e *subject.RetentionEnded) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.fates("ended", e.Subject, &e.Ended)
	c.recipients("tell", &e.Tell)
	c.mark('}')
}

func walkRestricted(c *coder, e *subject.Restricted) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	words(c, "fields", &e.Fields)
	maybe(c, "document", &e.Document)
	c.recipients("tell", &e.Tell)
	c.mark('}')
}

func walkRestrictionLifted(c *coder, e *subject.RestrictionLifted) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	words(c, "fields", &e.Fields)
	maybe(c, "document", &e.Document)
	c.mark('}')
}

func walkObjected(c *coder, e *subject.Objected) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	words(c, "purposes", &e.Purposes)
	maybe(c, "document", &e.Document)
	c.mark('}')
}

func walkObjectionWithdrawn(c *coder, e *subject.ObjectionWithdrawn) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	words(c, "purposes", &e.Purposes)
	c.mark('}')
}

func walkNoticeGiven(c *coder, e *subject.NoticeGiven) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	c.maybeID("cause", &e.Cause)
	text(c, "duty", &e.Duty)
	maybe(c, "policy", &e.Policy)
	c.maybeID("recipient", &e.Recipient.UUID)
	text(c, "channel", &e.Channel)
	maybe(c, "document", &e.Document)
	c.mark('}')
}

func walkKeysDestroyed(c *coder, e *subject.KeysDestroyed) {
	c.mark('{')
	c.id("subject", &e.Subject.UUID)
	list(c, "keys", &e.Keys, func(k *subject.DestroyedKey) {
		c.mark('{')
		c.id("key", &k.Key)
		text(c, "field", &k.Field)
		text(c, "epoch", &k.Epoch)
		maybe(c, "master", &k.Master)
		c.mark('}')
	})
	c.moment("unreadableAt", &e.UnreadableAt)
	c.moment("unrecoverableAfter", &e.UnrecoverableAfter)
	c.mark('}')
}

func walkReceived(c *coder, e *request.Received) {
	c.mark('{')
	c.id("request", &e.Request.UUID)
	text(c, "kind", &e.Kind)
	text(c, "channel", &e.Channel)
	c.maybeID("subject", &e.Subject.UUID)
	words(c, "fields", &e.Fields)
	c.maybeID("recipient", &e.Recipient.UUID)
	c.warrant(&e.Warrant)
	maybe(c, "document", &e.Document)
	c.mark('}')
}

func walkApproved(c *coder, e *request.Approved) {
	c.mark('{')
	c.id("request", &e.Request.UUID)
	text(c, "approver", &e.Approver)
	c.mark('}')
}

func walkExtended(c *coder, e *request.Extended) {
	c.mark('{')
	c.id("request", &e.Request.UUID)
	maybe(c, "reason", &e.Reason)
	maybe(c, "document", &e.Document)
	c.mark('}')
}

func walkAnswered(c *coder, e *request.Answered) {
	c.mark('{')
	c.id("request", &e.Request.UUID)
	text(c, "outcome", &e.Outcome)
	maybe(c, "reason", &e.Reason)
	maybe(c, "channel", &e.Channel)
	maybe(c, "document", &e.Document)
	c.mark('}')
}

func walkPolicyPublished(c *coder, e *policy.Published) {
	c.mark('{')
	text(c, "policy", &e.Policy)
	text(c, "version", &e.Version)
	text(c, "textHash", &e.TextHash)
	c.moment("effectiveFrom", &e.EffectiveFrom)
	text(c, "source", &e.Source)
	c.mark('}')
}
