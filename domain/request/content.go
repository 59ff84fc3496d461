package request

import (
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// Digest tells two commands apart by everything but time, key, correlation and causation; see
// domain.Content. The buffer is scratch memory and comes back for the next call.
func Digest(cmd Command, buffer []byte) (string, []byte) {
	c := domain.NewContent(buffer, cmd.Name(), cmd.By().Spec())
	switch cmd := cmd.(type) {
	case Receive:
		c.Text("kind", string(cmd.Kind))
		c.Text("channel", string(cmd.Channel))
		c.ID("subject", cmd.Subject.UUID)
		domain.ContentList(c, "fields", cmd.Fields)
		c.ID("recipient", cmd.Recipient.UUID)
		contentOfWarrant(c, cmd.Warrant)
		c.Text("document", string(cmd.Document))
	case Approve: // says nothing beside the operation
	case Extend:
		c.Text("reason", string(cmd.Reason))
		c.Text("document", string(cmd.Document))
	case Answer:
		c.Text("outcome", string(cmd.Outcome))
		c.Text("reason", string(cmd.Reason))
		c.Text("channel", string(cmd.Channel))
		c.Text("document", string(cmd.Document))
	}
	return c.Digest(), c.Buffer()
}

func contentOfWarrant(c *domain.Content, w subject.Warrant) {
	if w != (subject.Warrant{}) {
		domain.ContentList(c, "warrant", []domain.Reference{w.Authority, w.Act, w.Article, w.Document})
		c.Time("dated", w.Dated)
	}
}
