package subject

import (
	"time"

	"imagine.ua/litopys/domain"
)

// Command is the closed sum of what may be asked of a subject's file. Every command embeds a
// domain.Operation: who, when, for what purpose, on what grounds, by which service.
//
//sumtype:decl
type Command interface {
	command()
	// Target is the subject whose file it concerns.
	Target() domain.SubjectID
	// By is the operation.
	By() domain.Operation
	// Name is the command's name in metadata and messages: "collect", "consent.grant".
	Name() string
}

// About is embedded by every command: the subject and the operation.
type About struct {
	Subject   domain.SubjectID
	Operation domain.Operation
}

func (About) command() {}

// Target is the subject whose file it concerns.
func (a About) Target() domain.SubjectID { return a.Subject }

// By is the operation.
func (a About) By() domain.Operation { return a.Operation }

// Given is a personal value as the caller hands it over.
type Given struct {
	Field domain.Field
	Value domain.Value
}

// Give makes a Given of a field and a value in clear.
func Give(f domain.Field, value string) Given {
	return Given{Field: f, Value: domain.ClearValue(value)}
}

// Register opens the file of a person who begins to use the service.
type Register struct {
	About
	// Reference is how the app finds him again; its field must be findable. Optional.
	Reference Given
}

// Collect records data that came in. All fields are attributes, or all are traces: they go to different streams.
type Collect struct {
	About
	Source Source
	Values []Given
}

// AddText records what a person wrote in a request (clause 7.1). It is sealed as a value of RequestTextField.
type AddText struct {
	About
	Request domain.RequestID
	Text    domain.Value
}

// Dispute records that the subject calls a value untrue, insufficient or out of date.
type Dispute struct {
	About
	Field    domain.Field
	Document domain.Reference
}

// Rectify ends a dispute: with a new value it corrects, without one it confirms.
type Rectify struct {
	About
	Field    domain.Field
	Document domain.Reference
	Value    domain.Value
}

// Identify records that declared values were verified.
type Identify struct {
	About
	Method   string
	Document domain.Reference
	Fields   []domain.Field
}

// Edit replaces values that the subject gave.
type Edit struct {
	About
	Values []Given
}

// Delete deletes fields, or all of them.
type Delete struct {
	About
	Fields []domain.Field
	All    bool
	// Ground is why, when not the subject asks for it: a ground of the rule pack (ua art. 15). One that overrules
	// retention destroys what a term would keep, values included that were deleted before.
	Ground string
	// Document is the order or the finding; a ground that overrules retention needs it.
	Document domain.Reference
}

// Close closes the account and deletes everything.
type Close struct{ About }

// GrantConsent records a consent.
type GrantConsent struct {
	About
	Consent  domain.ConsentID
	Scope    Scope
	TextHash string
	Until    time.Time
}

// WithdrawConsent ends a consent.
type WithdrawConsent struct {
	About
	Consent domain.ConsentID
}

// PlaceOrder records a standing order of the subject.
type PlaceOrder struct {
	About
	Order    domain.OrderID
	Scope    Scope
	Document domain.Reference
}

// ExecuteOrder records that the order was carried out.
type ExecuteOrder struct {
	About
	Order domain.OrderID
}

// CancelOrder records that the order was cancelled.
type CancelOrder struct {
	About
	Order domain.OrderID
}

// Publish records that the subject himself made values public.
type Publish struct {
	About
	Fields []domain.Field
	Place  domain.Reference
}

// WithdrawPublication makes values confidential again.
type WithdrawPublication struct {
	About
	Fields []domain.Field
}

// Use records that values were used for the operation's purpose.
type Use struct {
	About
	Fields []domain.Field
	// Months are the months of the traces among the fields; empty means the month of the operation.
	Months []domain.Month
}

// View records that a person looks at values.
type View struct {
	About
	Fields []domain.Field
	Months []domain.Month // as in Use
	// Retained are values kept by law; then no Fields are named (clause 4.3).
	Retained []domain.FieldEpoch
	// Values are live values of attributes, each named by its epoch: of fields whose values stand beside each
	// other. Then no Fields are named.
	Values   []domain.FieldEpoch
	Role     string
	Document domain.Reference
}

// Transfer records that values go to a third party.
type Transfer struct {
	About
	Recipient domain.RecipientID
	Fields    []domain.Field
	Months    []domain.Month // as in Use
	Basis     Basis
	Abroad    string
	Exempt    string           // as in Transferred
	Request   domain.RequestID // as in Transferred
}

// Name is the command's name.
func (Register) Name() string { return "register" }

// Name is the command's name.
func (Collect) Name() string { return "collect" }

// Name is the command's name.
func (AddText) Name() string { return "request.text" }

// Name is the command's name.
func (Dispute) Name() string { return "dispute" }

// Name is the command's name.
func (Rectify) Name() string { return "rectify" }

// Name is the command's name.
func (Identify) Name() string { return "identify" }

// Name is the command's name.
func (Edit) Name() string { return "edit" }

// Name is the command's name.
func (Delete) Name() string { return "delete" }

// Name is the command's name.
func (Close) Name() string { return "close" }

// Name is the command's name.
func (GrantConsent) Name() string { return "consent.grant" }

// Name is the command's name.
func (WithdrawConsent) Name() string { return "consent.withdraw" }

// Name is the command's name.
func (PlaceOrder) Name() string { return "order.place" }

// Name is the command's name.
func (ExecuteOrder) Name() string { return "order.execute" }

// Name is the command's name.
func (CancelOrder) Name() string { return "order.cancel" }

// Name is the command's name.
func (Publish) Name() string { return "publish" }

// Name is the command's name.
func (WithdrawPublication) Name() string { return "publish.withdraw" }

// Name is the command's name.
func (Use) Name() string { return "use" }

// Name is the command's name.
func (View) Name() string { return "view" }

// Name is the command's name.
func (Transfer) Name() string { return "transfer" }
