// Package outbox hands letters over: to a folder, one file a letter, or to a mail server. It is where addresses
// leave the ledger, so nothing here logs one and no error holds one.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/wneessen/go-mail"

	"imagine.ua/litopys/domain"
)

// Outcome is what became of a letter.
type Outcome string

// The outcomes.
const (
	Sent    Outcome = "sent"    // handed over now
	Already Outcome = "already" // the same letter was handed over before
)

// Errors of one letter. Others can still be delivered; after any other error none can.
var (
	// ErrRefused: this letter will never be delivered to this address.
	ErrRefused = errors.New("the letter is refused")
	// ErrLater: this letter may be delivered at another time.
	ErrLater = errors.New("the letter is not taken now")
)

// Outbox takes letters. A letter that was handed over stays so, whatever dies afterwards. It is used by one
// goroutine at a time.
type Outbox interface {
	// Deliver hands the letter over and returns when the other side answers for it. The same id is the same
	// letter: a folder knows it again, and a mail server may, because it stands in Message-ID.
	Deliver(ctx context.Context, l Letter) (Outcome, error)
	// Close gives up what the outbox holds. Closing twice is a no-op.
	Close() error
}

// Letter is one message to one person.
type Letter struct {
	// ID is the part of Message-ID before the @: letters, digits, dots and hyphens. The same letter has the same
	// one for ever.
	ID string
	// From is the controller's address.
	From string
	// To is the person's address; empty for a letter that the app shows in his account.
	To string
	// Subject is whose letter it is. It says nothing about the person.
	Subject domain.SubjectID
	Title   string
	Body    string // plain text
	Date    time.Time
}

// MessageID gives the id under which the ledger speaks of a letter about a version of the policy.
func MessageID(version string, channel string, id domain.SubjectID) string {
	return "policy." + version + "." + channel + "." + id.String()
}

// message builds the letter as mail. A malformed address is ErrRefused.
func (l Letter) message() (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(mail.EncodingQP))
	if err := m.From(l.From); err != nil {
		return nil, errors.New("the sender's address is malformed")
	}
	if l.To != "" && m.To(l.To) != nil {
		return nil, fmt.Errorf("%w: the address is malformed", ErrRefused)
	}
	if l.Subject.UUID != uuid.Nil && l.To == "" {
		m.SetGenHeader("X-Litopys-Subject", l.Subject.String())
	}
	m.SetMessageIDWithValue(l.ID + "@" + domainOf(l.From))
	m.SetDateWithValue(l.Date.UTC())
	m.Subject(l.Title)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answers by machines
	m.SetBodyString(mail.TypeTextPlain, l.Body)
	return m, nil
}

func (l Letter) write(w io.Writer) error {
	m, err := l.message()
	if err != nil {
		return err
	}
	if _, err := m.WriteTo(w); err != nil {
		return fmt.Errorf("write the letter: %w", err)
	}
	return nil
}

func domainOf(address string) string {
	for i := len(address) - 1; i >= 0; i-- {
		if address[i] == '@' {
			return address[i+1:]
		}
	}
	return "localhost"
}
