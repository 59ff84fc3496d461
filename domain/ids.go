package domain

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 defines version 5 over SHA-1; nothing secret rests on it
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// SubjectID names a data subject. It is random and says nothing about the person.
type SubjectID struct{ uuid.UUID }

// RecipientID names a third party to whom data may be transferred.
type RecipientID struct{ uuid.UUID }

// ConsentID names one consent given by a subject.
type ConsentID struct{ uuid.UUID }

// OrderID names one standing order that a subject placed with the service (policy 2.2.6, 3.3.2).
type OrderID struct{ uuid.UUID }

// HoldID names one legal hold on a subject's data (clause 4.3).
type HoldID struct{ uuid.UUID }

// RequestID names one request of a subject, of a third party or of an authority (clause 7.1).
type RequestID struct{ uuid.UUID }

// IsZero reports whether the id was never set.
func (id HoldID) IsZero() bool { return id.UUID == uuid.Nil }

// IsZero reports whether the id was never set.
func (id RequestID) IsZero() bool { return id.UUID == uuid.Nil }

// IsZero reports whether the id was never set.
func (id SubjectID) IsZero() bool { return id.UUID == uuid.Nil }

// IsZero reports whether the id was never set.
func (id RecipientID) IsZero() bool { return id.UUID == uuid.Nil }

// IsZero reports whether the id was never set.
func (id ConsentID) IsZero() bool { return id.UUID == uuid.Nil }

// IsZero reports whether the id was never set.
func (id OrderID) IsZero() bool { return id.UUID == uuid.Nil }

// Reference is a short public pointer to something outside the ledger: a document number, an employee's
// code, a court file. It is stored in clear, so its alphabet leaves no room for a sentence, a name with a
// space or an e-mail address. What does not fit must be collected as a personal value instead.
type Reference string

var referencePattern = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}/_.:#-]{0,63}$`)

// Valid reports whether the reference keeps to its alphabet: 1 to 64 letters, digits and "/_.:#-".
func (r Reference) Valid() bool { return referencePattern.MatchString(string(r)) }

// Month is a calendar month in UTC, written 2006-01.
type Month string

// MonthOf gives the month in which t falls, in UTC.
func MonthOf(t time.Time) Month {
	year, month, _ := t.UTC().Date()
	if year < 1000 || year > 9999 {
		return Month(t.UTC().Format("2006-01"))
	}
	b := strconv.AppendInt(make([]byte, 0, len("2006-01")), int64(year), 10)
	return Month(append(b, '-', '0'+byte(month/10), '0'+byte(month%10)))
}

// Stream names one stream of the log. Streams are the unit of consistency: one command touches one stream.
type Stream string

// StreamKind is the first word of a stream's name.
type StreamKind string

// The kinds of streams.
const (
	KindSubject   StreamKind = "subject"   // the file of one data subject: every fact that a decision depends on
	KindTrace     StreamKind = "trace"     // one subject's traces, uses and viewings of one month: no decision depends on them
	KindRecipient StreamKind = "recipient" // the card of one third party
	KindRequest   StreamKind = "request"   // one request and its answer
	KindPolicy    StreamKind = "policy"    // the published versions of one policy
	// KindCertificate is what was destroyed of one subject's keys, as the key store reports it.
	KindCertificate StreamKind = "certificate"
	KindStatistics  StreamKind = "statistics" // what was published of one month
)

// StreamKinds lists them all: a store that shares a server with others must know which streams are the ledger's.
func StreamKinds() []StreamKind {
	return []StreamKind{KindSubject, KindTrace, KindRecipient, KindRequest, KindPolicy, KindCertificate, KindStatistics}
}

// SubjectStream is the stream of one subject's file.
func SubjectStream(id SubjectID) Stream { return Stream(string(KindSubject) + "-" + id.String()) }

// TraceStream is the stream of one subject's traces of one month. Traces stand apart so that a visitor
// with 100,000 page views does not slow the decisions on his file.
func TraceStream(id SubjectID, m Month) Stream {
	return Stream(string(KindTrace) + "-" + id.String() + "-" + string(m))
}

// RecipientStream is the stream of one recipient's card.
func RecipientStream(id RecipientID) Stream {
	return Stream(string(KindRecipient) + "-" + id.String())
}

// RequestStream is the stream of one request.
func RequestStream(id RequestID) Stream { return Stream(string(KindRequest) + "-" + id.String()) }

// PolicyStream is the stream of the published versions of a policy; its name is a word, not an id.
func PolicyStream(name string) Stream { return Stream(string(KindPolicy) + "-" + name) }

// CertificateStream is the stream of the certificates of one subject's destroyed keys. It stands apart from
// his file, so that the key store never competes with a decision.
func CertificateStream(id SubjectID) Stream {
	return Stream(string(KindCertificate) + "-" + id.String())
}

// StatisticsStream is the stream of what was published of one month.
func StatisticsStream(period Month) Stream {
	return Stream(string(KindStatistics) + "-" + string(period))
}

// Kind gives the first word of the stream's name.
func (s Stream) Kind() StreamKind {
	kind, _, _ := strings.Cut(string(s), "-")
	return StreamKind(kind)
}

// Owner gives the id that the stream's name carries, whatever its kind.
func (s Stream) Owner() (uuid.UUID, error) {
	_, rest, _ := strings.Cut(string(s), "-")
	if len(rest) < 36 {
		return uuid.Nil, fmt.Errorf("stream name %q carries no id", string(s))
	}
	return uuid.Parse(rest[:36])
}

// eventNamespace is the UUIDv5 namespace of event ids. Changing it would break every retry in flight.
var eventNamespace = uuid.MustParse("6f0d7c1e-52a4-5d0b-9f5e-1c7f5a3c2b90")

// EventID derives the id of the ordinal-th event that a command with this idempotency key appends to the
// stream (RFC 9562 UUIDv5). The same key gives the same ids for ever, which is what makes a retry exact.
// Keys are hashed without a secret: an idempotency key must not be made of personal data.
func EventID(stream Stream, key string, ordinal int) uuid.UUID {
	b := make([]byte, 0, 320)
	b = append(b, eventNamespace[:]...)
	b = append(append(b, stream...), 0)
	b = append(append(b, key...), 0)
	b = strconv.AppendInt(b, int64(ordinal), 10)
	sum := sha1.Sum(b)
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 5<<4
	id[8] = id[8]&0x3f | 0x80
	return id
}
