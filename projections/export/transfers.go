// Package export writes what an auditor takes away: the transfer log as CSV for spreadsheets or as JSON
// lines for programs. Both stream: a million rows need no more memory than one. Nothing exported holds a
// personal value.
package export

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections/transfers"
)

// Format is how rows are written.
type Format string

// The formats.
const (
	CSV   Format = "csv"   // RFC 4180, with a header, LF line ends, UTF-8
	JSONL Format = "jsonl" // one JSON object a line, keys in a fixed order
)

// ErrFormat: there is no such format.
var ErrFormat = errors.New("unknown export format")

// Header is the columns of a transfer export, in order. New ones are only ever added at the end.
var header = [...]string{
	"position", "transfer", "subject", "field", "epoch", "occurred", "recorded", "recipient", "recipient_name",
	"recipient_kind", "country", "clause", "basis", "basis_id", "authority", "act", "article", "document", "dated",
	"approver1", "approver2", "evidence", "statement", "abroad", "purpose", "grounds", "service", "policy", "actor_kind", "actor",
}

// Header gives the columns of a transfer export, in order.
func Header() []string { return append([]string(nil), header[:]...) }

// Transfers writes the rows in the format and gives their number. Names of recipients come from the given
// cards; a recipient without a card has none. The first error of the rows or of the writer ends it; what
// was written before it stays written.
func Transfers(w io.Writer, f Format, rows iter.Seq2[transfers.Transfer, error], cards []transfers.Recipient) (int64, error) {
	out := bufio.NewWriterSize(w, 64<<10)
	var write func(*[len(header)]string) error
	switch f {
	case CSV:
		write = csvWriter(out)
		if err := write(&header); err != nil {
			return 0, fmt.Errorf("export transfers: %w", err)
		}
	case JSONL:
		write = jsonWriter(out)
	default:
		return 0, fmt.Errorf("%w: %q", ErrFormat, string(f))
	}
	n, err := each(rows, cards, write)
	if err = errors.Join(err, out.Flush()); err != nil {
		return n, fmt.Errorf("export transfers: %w", err)
	}
	return n, nil
}

func each(rows iter.Seq2[transfers.Transfer, error], cards []transfers.Recipient, write func(*[len(header)]string) error) (n int64, err error) {
	names := make(map[domain.RecipientID]string, len(cards))
	for _, c := range cards {
		names[c.ID] = c.Name
	}
	var cells [len(header)]string
	for t, err := range rows {
		if err != nil {
			return n, err
		}
		fill(&cells, t, names[t.Recipient])
		if err := write(&cells); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func fill(cells *[len(header)]string, t transfers.Transfer, name string) {
	detail := func(name string) string {
		for _, d := range t.Basis.Details {
			if d.Name == name {
				return d.Value
			}
		}
		return ""
	}
	basisID := ""
	if t.Basis.Kind == transfers.Consent || t.Basis.Kind == transfers.Order {
		basisID = t.Basis.ID.String()
	}
	*cells = [...]string{
		strconv.FormatUint(t.Position, 10), t.ID.String(), t.Subject.String(), string(t.Field), string(t.Epoch),
		stamp(t.Occurred), stamp(t.Recorded), t.Recipient.String(), name,
		string(t.Kind), string(t.Country), t.Basis.Kind.Clause(), string(t.Basis.Kind), basisID,
		detail("authority"), detail("act"), detail("article"), detail("document"), detail("dated"),
		detail("approver1"), detail("approver2"), detail("evidence"), detail("statement"), t.Abroad,
		string(t.Purpose), string(t.Grounds), string(t.Service), t.Policy, string(t.Actor.Kind), string(t.Actor.ID),
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// csvWriter writes straight into out: a csv.Writer over a large enough bufio.Writer keeps no buffer of its
// own, so the flush of out is the only one.
func csvWriter(out *bufio.Writer) func(*[len(header)]string) error {
	w := csv.NewWriter(out)
	record := make([]string, len(header))
	return func(cells *[len(header)]string) error {
		for i, c := range cells {
			record[i] = Neutral(c)
		}
		return w.Write(record)
	}
}

func jsonWriter(out io.Writer) func(*[len(header)]string) error {
	var line []byte
	return func(cells *[len(header)]string) error {
		line = append(line[:0], '{')
		for i, c := range cells {
			if c == "" {
				continue // absent is omitted, like everywhere in the ledger
			}
			if len(line) > 1 {
				line = append(line, ',')
			}
			line = append(append(append(line, '"'), header[i]...), '"', ':')
			if i == 0 {
				line = append(line, c...) // the position is a number
				continue
			}
			line = appendQuoted(line, c)
		}
		_, err := out.Write(append(line, '}', '\n'))
		return err
	}
}

// appendQuoted quotes as JSON. Nearly every cell needs no escape; the rest go through the encoder.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// Neutral makes a cell harmless in a spreadsheet, which runs what begins with = + - @ tab or carriage
// return as a formula (OWASP, CSV injection): such a cell gets an apostrophe in front. The same goes for
// their full-width forms, which some spreadsheets take for the same, and for cells where one of these
// stands behind leading space. Quotes and separators are the CSV encoder's.
func Neutral(cell string) string {
	if cell != "" && (dangerous(cell) || dangerous(strings.TrimLeft(cell, " \u00a0\ufeff\n"))) {
		return "'" + cell
	}
	return cell
}

func dangerous(cell string) bool {
	for _, r := range cell {
		return strings.ContainsRune("=+-@\t\r\uff1d\uff0b\uff0d\uff20", r)
	}
	return false
}
