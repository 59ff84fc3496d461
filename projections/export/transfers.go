// Package export writes what an auditor takes away: the transfer log as CSV for spreadsheets or as JSON
// lines for programs. Both stream: a million rows need no more memory than one. Nothing exported holds a
// personal value.
package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

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

// header is the columns of a transfer export, in order. New ones are only ever added at the end.
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
	out := sheet{w: w, b: make([]byte, 0, sheetBytes+maxRow), names: make(map[domain.RecipientID]string, len(cards))}
	for _, c := range cards {
		out.names[c.ID] = c.Name
	}
	switch f {
	case CSV:
		out.row = appendCSV
		out.b = append(append(out.b, strings.Join(header[:], ",")...), '\n')
	case JSONL:
		out.row = appendJSON
	default:
		return 0, fmt.Errorf("%w: %q", ErrFormat, string(f))
	}
	err := out.each(rows)
	if err = errors.Join(err, out.flush()); err != nil {
		err = fmt.Errorf("export transfers: %w", err)
	}
	return out.rows, err
}

const (
	sheetBytes = 64 << 10 // rows are written when so much has gathered
	maxRow     = 4 << 10  // what a row is expected to keep within; a longer one only moves the buffer
)

// sheet renders rows and writes them in large pieces.
type sheet struct {
	w     io.Writer
	b     []byte
	row   func([]byte, *cells) []byte
	cells cells
	names map[domain.RecipientID]string
	rows  int64 // rendered
}

// batchRows is how many rows go from the reader to the renderer at a time.
const batchRows = 256

// each reads rows here and renders and writes them in a goroutine of its own, which has ended when it returns.
func (s *sheet) each(rows iter.Seq2[transfers.Transfer, error]) error {
	work, spare := make(chan []transfers.Transfer, 1), make(chan []transfers.Transfer, 3)
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		for batch := range work {
			if err := s.render(batch); err != nil {
				failed <- err
				return
			}
			spare <- batch[:0] // there are at most three
		}
	}()
	for range cap(spare) {
		spare <- make([]transfers.Transfer, 0, batchRows)
	}
	batch, err := <-spare, error(nil)
	for t, bad := range rows {
		if err = bad; err != nil {
			break
		}
		if batch = append(batch, t); len(batch) < batchRows {
			continue
		}
		if err = hand(work, failed, batch); err != nil {
			break
		}
		if batch, err = take(spare, failed); err != nil {
			break
		}
	}
	if len(batch) > 0 {
		err = errors.Join(err, hand(work, failed, batch))
	}
	close(work)
	return errors.Join(err, <-failed)
}

// hand gives a batch to the renderer, or the error with which it has ended.
func hand(work chan<- []transfers.Transfer, failed <-chan error, batch []transfers.Transfer) error {
	select {
	case work <- batch:
		return nil
	case err := <-failed:
		return err
	}
}

// take gets back the memory of a batch, or the error with which the renderer has ended.
func take(spare <-chan []transfers.Transfer, failed <-chan error) ([]transfers.Transfer, error) {
	select {
	case batch := <-spare:
		return batch, nil
	case err := <-failed:
		return nil, err
	}
}

func (s *sheet) render(batch []transfers.Transfer) error {
	for i := range batch {
		s.cells.fill(&batch[i], s.names[batch[i].Recipient])
		s.b = s.row(s.b, &s.cells)
		s.rows++
		if len(s.b) >= sheetBytes {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sheet) flush() error {
	b := s.b
	s.b = s.b[:0]
	if len(b) == 0 {
		return nil
	}
	_, err := s.w.Write(b)
	return err
}

// cells is one row: its cells stand one behind the other in b. It is used again for every row, so that a
// million of them need no more memory than one.
type cells struct {
	b   []byte
	end [len(header)]int
	n   int
}

// next ends a cell.
func (c *cells) next(b []byte) {
	c.b = b
	c.end[c.n] = len(b)
	c.n++
}

// at gives a cell.
func (c *cells) at(i int) []byte {
	from := 0
	if i > 0 {
		from = c.end[i-1]
	}
	return c.b[from:c.end[i]]
}

func (c *cells) fill(t *transfers.Transfer, name string) {
	c.b, c.n = c.b[:0], 0
	c.next(appendUint(c.b, t.Position))
	c.next(appendBareID(c.b, t.ID))
	c.next(appendBareID(c.b, t.Subject.UUID))
	c.texts(string(t.Field), string(t.Epoch))
	c.next(appendStamp(c.b, t.Occurred))
	c.next(appendStamp(c.b, t.Recorded))
	c.next(appendBareID(c.b, t.Recipient.UUID))
	c.texts(name, string(t.Kind), string(t.Country), t.Basis.Kind.Clause(), string(t.Basis.Kind))
	if t.Basis.Kind == transfers.Consent || t.Basis.Kind == transfers.Order {
		c.next(appendBareID(c.b, t.Basis.ID))
	} else {
		c.texts("")
	}
	for _, name := range details {
		c.texts(detail(t, name))
	}
	c.texts(t.Abroad, string(t.Purpose), string(t.Grounds), string(t.Service), t.Policy, string(t.Actor.Kind), string(t.Actor.ID))
}

func (c *cells) texts(list ...string) {
	for _, s := range list {
		c.next(append(c.b, s...))
	}
}

// details are the columns from "authority" to "statement".
var details = [...]string{"authority", "act", "article", "document", "dated", "approver1", "approver2", "evidence", "statement"}

func detail(t *transfers.Transfer, name string) string {
	for _, d := range t.Basis.Details {
		if d.Name == name {
			return d.Value
		}
	}
	return ""
}

func appendCSV(b []byte, c *cells) []byte {
	for i := range c.n {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCell(b, c.at(i))
	}
	return append(b, '\n')
}

// appendCell writes a cell of CSV. What consists of letters, digits and a few harmless signs, and begins with
// a letter or a digit, stands as it is, and that is nearly every cell; the rest is made harmless and quoted.
func appendCell(b, cell []byte) []byte {
	if len(cell) == 0 || begins[cell[0]] && harmless(cell) {
		return append(b, cell...)
	}
	return appendQuotedCell(b, Neutral(string(cell)))
}

func harmless(cell []byte) bool {
	for _, ch := range cell {
		if !stands[ch] {
			return false
		}
	}
	return true
}

// The bytes that stand for themselves in a cell, and those of them that it may begin with.
var (
	begins = bytesOf("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
	stands = bytesOf("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.:_/#")
)

func bytesOf(list string) (set [256]bool) {
	for _, b := range []byte(list) {
		set[b] = true
	}
	return set
}

// appendQuotedCell quotes as RFC 4180 wants it and encoding/csv does it.
func appendQuotedCell(b []byte, cell string) []byte {
	first, _ := utf8.DecodeRuneInString(cell)
	if !strings.ContainsAny(cell, ",\"\r\n") && !unicode.IsSpace(first) && cell != `\.` {
		return append(b, cell...)
	}
	b = append(b, '"')
	for i := range len(cell) {
		if cell[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, cell[i])
	}
	return append(b, '"')
}

func appendJSON(b []byte, c *cells) []byte {
	b = append(append(b, `{"position":`...), c.at(0)...) // which is a number
	for i := 1; i < c.n; i++ {
		cell := c.at(i)
		if len(cell) == 0 {
			continue // absent is omitted, like everywhere in the ledger
		}
		b = append(append(append(b, ',', '"'), header[i]...), '"', ':')
		b = appendQuoted(b, cell)
	}
	return append(b, '}', '\n')
}

// appendQuoted quotes as JSON. Nearly every cell needs no escape; the rest go through the encoder.
func appendQuoted[T ~string | ~[]byte](b []byte, s T) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(string(s)) // a string always marshals
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
