package subject

import (
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

// Digest tells two commands apart by everything but their personal values, time, key, correlation and
// causation; see domain.Content. The buffer is scratch memory and comes back for the next call.
func Digest(cmd Command, buffer []byte) (string, []byte) {
	c := domain.NewContent(buffer, cmd.Name(), cmd.By().Spec())
	switch cmd := cmd.(type) {
	case Register:
		c.Text("reference", string(cmd.Reference.Field))
	case Collect:
		c.Text("source", string(cmd.Source))
		domain.ContentList(c, "fields", fieldsOf(cmd.Values))
	case AddText:
		c.ID("request", cmd.Request.UUID)
	case Dispute:
		c.Text("field", string(cmd.Field))
		c.Text("document", string(cmd.Document))
	case Rectify:
		c.Text("field", string(cmd.Field))
		c.Text("document", string(cmd.Document))
		c.Flag("value", cmd.Value.Condition() != domain.Absent)
	case Identify:
		c.Text("method", cmd.Method)
		c.Text("document", string(cmd.Document))
		domain.ContentList(c, "fields", cmd.Fields)
	case Edit:
		domain.ContentList(c, "fields", fieldsOf(cmd.Values))
	case Delete:
		domain.ContentList(c, "fields", cmd.Fields)
		c.Flag("all", cmd.All)
		c.Text("ground", cmd.Ground)
		c.Text("document", string(cmd.Document))
	case GrantConsent:
		c.ID("consent", cmd.Consent.UUID)
		cmd.Scope.content(c)
		c.Text("text", cmd.TextHash)
		c.Time("until", cmd.Until)
	case WithdrawConsent:
		c.ID("consent", cmd.Consent.UUID)
	case PlaceOrder:
		c.ID("order", cmd.Order.UUID)
		cmd.Scope.content(c)
		c.Text("document", string(cmd.Document))
	case ExecuteOrder:
		c.ID("order", cmd.Order.UUID)
	case CancelOrder:
		c.ID("order", cmd.Order.UUID)
	case Close: // says nothing beside the operation
	default:
		contentOfHandling(c, cmd)
	}
	return c.Digest(), c.Buffer()
}

// contentOfHandling writes the commands that speak of values instead of bringing them.
func contentOfHandling(c *domain.Content, cmd Command) {
	switch cmd := cmd.(type) {
	case Publish:
		domain.ContentList(c, "fields", cmd.Fields)
		c.Text("place", string(cmd.Place))
	case WithdrawPublication:
		domain.ContentList(c, "fields", cmd.Fields)
	case Use:
		domain.ContentList(c, "fields", cmd.Fields)
		domain.ContentList(c, "months", cmd.Months)
	case View:
		domain.ContentList(c, "fields", cmd.Fields)
		domain.ContentList(c, "months", cmd.Months)
		contentOfValues(c, "retained", cmd.Retained)
		contentOfValues(c, "values", cmd.Values)
		c.Text("role", cmd.Role)
		c.Text("document", string(cmd.Document))
	case Transfer:
		c.ID("recipient", cmd.Recipient.UUID)
		domain.ContentList(c, "fields", cmd.Fields)
		domain.ContentList(c, "months", cmd.Months)
		contentOfBasis(c, cmd.Basis)
		c.Text("abroad", cmd.Abroad)
		c.Text("exempt", cmd.Exempt)
		c.ID("request", cmd.Request.UUID)
	default:
		contentOfDuty(c, cmd)
	}
}

// contentOfDuty writes the commands about keeping, rights and notices.
func contentOfDuty(c *domain.Content, cmd Command) {
	switch cmd := cmd.(type) {
	case PlaceHold:
		c.ID("hold", cmd.Hold.UUID)
		domain.ContentList(c, "fields", cmd.Fields)
		c.Flag("all", cmd.All)
		domain.ContentList(c, "warrant", []domain.Reference{cmd.Warrant.Authority, cmd.Warrant.Act, cmd.Warrant.Article, cmd.Warrant.Document})
		c.Time("dated", cmd.Warrant.Dated)
	case ReleaseHold:
		c.ID("hold", cmd.Hold.UUID)
		c.Text("document", string(cmd.Document))
	case EndRetention:
		contentOfValues(c, "values", cmd.Values)
	case Disclose:
		c.ID("recipient", cmd.Recipient.UUID)
		contentOfValues(c, "values", cmd.Values)
		contentOfBasis(c, cmd.Basis)
		c.Text("abroad", cmd.Abroad)
		c.Text("exempt", cmd.Exempt)
		c.ID("request", cmd.Request.UUID)
	case Restrict:
		domain.ContentList(c, "fields", cmd.Fields)
		c.Text("document", string(cmd.Document))
	case LiftRestriction:
		domain.ContentList(c, "fields", cmd.Fields)
		c.Text("document", string(cmd.Document))
	case Object:
		domain.ContentList(c, "purposes", cmd.Purposes)
		c.Text("document", string(cmd.Document))
	case WithdrawObjection:
		domain.ContentList(c, "purposes", cmd.Purposes)
	case GiveNotice:
		c.ID("cause", cmd.Cause)
		c.Text("duty", cmd.Duty)
		c.Text("policy", cmd.Policy)
		c.ID("recipient", cmd.Recipient.UUID)
		c.Text("channel", string(cmd.Channel))
		c.Text("document", string(cmd.Document))
	default: // Digest writes the others
	}
}

func contentOfValues(c *domain.Content, name string, values []domain.FieldEpoch) {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v.Field) + "/" + string(v.Epoch)
	}
	domain.ContentList(c, name, words)
}

func contentOfBasis(c *domain.Content, b Basis) {
	switch b := b.(type) {
	case ByConsent:
		c.ID("byConsent", b.Consent.UUID)
	case ByOrder:
		c.ID("byOrder", b.Order.UUID)
	case ByLaw:
		domain.ContentList(c, "byLaw", []domain.Reference{b.Authority, b.Act, b.Article, b.Document, b.Approvers[0], b.Approvers[1]})
		c.Time("dated", b.Dated)
	case ByDefence:
		domain.ContentList(c, "byDefence", []domain.Reference{b.Evidence, b.Approver})
	}
}

func (s Scope) content(c *domain.Content) {
	domain.ContentList(c, "purposes", s.Purposes)
	domain.ContentList(c, "fields", s.Fields)
	domain.ContentIDs(c, "recipients", s.Recipients, func(id domain.RecipientID) uuid.UUID { return id.UUID })
	domain.ContentList(c, "recipientKinds", s.RecipientKinds)
}

// Values lists the personal values that the command brings, in the order in which its event carries them.
func Values(cmd Command) []domain.Value {
	switch cmd := cmd.(type) {
	case Register:
		return there(cmd.Reference.Value)
	case Collect:
		return valuesOf(cmd.Values)
	case Edit:
		return valuesOf(cmd.Values)
	case AddText:
		return there(cmd.Text)
	case Rectify:
		return there(cmd.Value)
	case Transfer:
		if b, ok := cmd.Basis.(ByDefence); ok {
			return there(b.Statement.Value)
		}
	default: // the others speak of values that are recorded, or of none
	}
	return nil
}

func there(v domain.Value) []domain.Value {
	if v.Condition() == domain.Absent {
		return nil
	}
	return []domain.Value{v}
}

func valuesOf(given []Given) []domain.Value {
	values := make([]domain.Value, len(given))
	for i, g := range given {
		values[i] = g.Value
	}
	return values
}
