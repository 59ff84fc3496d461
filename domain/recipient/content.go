package recipient

import "imagine.ua/litopys/domain"

// Digest tells two commands apart by everything but time, key, correlation and causation; see
// domain.Content. The buffer is scratch memory and comes back for the next call.
func Digest(cmd Command, buffer []byte) (string, []byte) {
	c := domain.NewContent(buffer, cmd.Name(), cmd.By().Spec())
	switch cmd := cmd.(type) {
	case Add:
		cmd.Card.content(c)
	case Change:
		cmd.Card.content(c)
	}
	return c.Digest(), c.Buffer()
}

func (card Card) content(c *domain.Content) {
	c.Text("name", card.Name)
	c.Text("kind", string(card.Kind))
	c.Text("country", string(card.Country))
	c.Text("contract", string(card.Contract))
}
