package domain

import "strconv"

// Field names a kind of personal value in the policy's catalogue: "email", "address", "page".
type Field string

// Purpose names a purpose of processing in the policy's closed list (clauses 2.2.1-2.2.8).
type Purpose string

// Grounds names a legal basis of processing: "ua.11.1.1" … "ua.11.1.6" (Law 2297-VI, article 11).
type Grounds string

// Service names a service of the controller that the policy covers (clause 1.2).
type Service string

// RecipientKind names a kind of third party in the policy: "processor", "authority", …
type RecipientKind string

// Country is an ISO 3166-1 alpha-2 code in capitals.
type Country string

// Epoch tells the lives of one field apart: one key, and so one fate, belongs to (subject, field, epoch).
// Attributes count their edits ("1", "2", …); traces count calendar months ("2015-05", and "2015-05.1"
// for what came in that month after a deletion had closed the first part of it).
type Epoch string

// AttributeEpoch is the n-th value of an attribute, n from 1.
func AttributeEpoch(n int) Epoch { return Epoch(strconv.Itoa(n)) }

// TraceEpoch is the month of a trace; generation counts the deletions inside that month, from 0.
func TraceEpoch(m Month, generation int) Epoch {
	if generation == 0 {
		return Epoch(m)
	}
	return Epoch(string(m) + "." + strconv.Itoa(generation))
}

// FieldEpoch points at one value of a subject without repeating it: "the e-mail of epoch 2".
type FieldEpoch struct {
	Field Field
	Epoch Epoch
}

// Item is one personal value with its full address.
type Item struct {
	Subject SubjectID
	Field   Field
	Epoch   Epoch
	Value   Value
}
