package schema

import "imagine.ua/litopys/domain"

// walkMeta is the metadata's document. The first two names are EventStoreDB's own, so that its tools
// follow a correlation.
func walkMeta(c *coder, m *domain.Meta) {
	c.mark('{')
	c.maybeID("$correlationId", &m.Correlation)
	c.maybeID("$causationId", &m.Causation)
	if c.need("actor") {
		c.mark('{')
		text(c, "kind", &m.Actor.Kind)
		text(c, "id", &m.Actor.ID)
		c.mark('}')
	}
	c.moment("occurredAt", &m.OccurredAt)
	c.moment("recordedAt", &m.RecordedAt)
	text(c, "purpose", &m.Purpose)
	text(c, "grounds", &m.Grounds)
	text(c, "service", &m.Service)
	maybe(c, "policy", &m.Policy)
	maybe(c, "command", &m.Command)
	maybe(c, "content", &m.Content)
	c.mark('}')
}
