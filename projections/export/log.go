package export

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/schema"
	"imagine.ua/litopys/eventstore/seal"
)

// LogFilter narrows a replay; zero parts narrow nothing.
type LogFilter struct {
	After uint64 // positions after this one; to go on where another replay ended
	// Types are names of events, with the version of the stored form ("DataCollected.v1") or without, which
	// means every version.
	Types   []string
	Purpose domain.Purpose
	Actor   domain.Reference
	// ActorKind tells actors with the same code apart.
	ActorKind domain.ActorKind
	// Subject and Recipient let through the events that name them.
	Subject   domain.SubjectID
	Recipient domain.RecipientID
	From      time.Time // happened at or after
	To        time.Time // happened before
	KnownFrom time.Time // recorded at or after
	KnownTo   time.Time // recorded at or before
	Limit     int64     // lines at most; 0: all
}

// LogSource is what a replay reads: the log, and the states of the keys that govern its values.
type LogSource struct {
	Log eventstore.LogReader
	// Keys tells what became of each value; nil: every value is shown as sealed.
	Keys KeyStates
}

// KeyStates gives keys by id, in order; a key store does. Their secrets are not looked at.
type KeyStates interface {
	Open(ctx context.Context, ids []uuid.UUID) ([]keys.Key, error)
}

// LogProgress is how far a replay is.
type LogProgress struct {
	Read     int64 // records read
	Written  int64 // lines written
	Position uint64
}

// Log writes the events that the filter lets through as JSON lines, in the order of the log: who did what,
// when it happened and when it was recorded, for what purpose and on what grounds, and the event's document.
// It never writes a personal value, not even sealed: where one stands, there stands which field and epoch it
// is of, and its state: "sealed", "retained" (with the end and the rule of its term) or "erased".
//
// Records are decoded on all processors, those that the filter excludes by their type not at all; memory does
// not grow with the log. watch is called now and then from the caller's goroutine; it may be nil. When the
// context ends, or a write or a record fails, the lines written before stay: they are whole. An event that
// this program does not know is an error (schema.ErrUnknownEvent), unless its type is excluded.
func Log(ctx context.Context, w io.Writer, from LogSource, f LogFilter, watch func(LogProgress)) (LogProgress, error) {
	var done LogProgress
	ctx, cancel := context.WithCancel(ctx)
	p := startReplay(ctx, from, f)
	defer p.drain(cancel)
	for c := range p.ordered {
		<-c.rendered
		out, lines := c.limit(f.Limit-done.Written, f.Limit > 0)
		if _, err := w.Write(out); err != nil {
			return done, fmt.Errorf("replay: %w", err)
		}
		done.Read, done.Written, done.Position = done.Read+c.read, done.Written+lines, c.position
		if c.err != nil {
			return done, fmt.Errorf("replay: %w", c.err)
		}
		if watch != nil {
			watch(done)
		}
		if f.Limit > 0 && done.Written >= f.Limit {
			return done, nil
		}
		p.reuse(c)
	}
	return done, nil
}

// sieve is a filter, made ready for many records. It is not changed while it is used.
type sieve struct {
	LogFilter
	types  map[string]bool
	naming [][]byte // ids in quotes, each of which the document must hold
}

func newSieve(f LogFilter) *sieve {
	s := &sieve{LogFilter: f}
	for _, t := range f.Types {
		if s.types == nil {
			s.types = map[string]bool{}
		}
		s.types[t] = true
	}
	if !f.Subject.IsZero() {
		s.naming = append(s.naming, []byte(`"`+f.Subject.String()+`"`))
	}
	if !f.Recipient.IsZero() {
		s.naming = append(s.naming, []byte(`"`+f.Recipient.String()+`"`))
	}
	return s
}

// typed tells by the record's type alone whether it can be let through.
func (s *sieve) typed(name string) bool {
	if s.types == nil || s.types[name] {
		return true
	}
	bare, _, _ := strings.Cut(name, ".")
	return s.types[bare]
}

// names tells by the raw document whether it names whom the filter asks for. An id stands in a document in
// one form only, and no text of a document can hold a quote that is not escaped.
func (s *sieve) names(data []byte) bool {
	for _, id := range s.naming {
		if !bytes.Contains(data, id) {
			return false
		}
	}
	return true
}

func (s *sieve) meta(m domain.Meta) bool {
	return (s.Purpose == "" || m.Purpose == s.Purpose) && (s.Actor == "" || m.Actor.ID == s.Actor) &&
		(s.ActorKind == "" || m.Actor.Kind == s.ActorKind) &&
		(s.From.IsZero() || !m.OccurredAt.Before(s.From)) && (s.To.IsZero() || m.OccurredAt.Before(s.To)) &&
		(s.KnownFrom.IsZero() || !m.RecordedAt.Before(s.KnownFrom)) && (s.KnownTo.IsZero() || !m.RecordedAt.After(s.KnownTo))
}

// line is a record that is let through.
type line struct {
	record eventstore.Record
	meta   domain.Meta
}

// let decodes as much of the record as it takes to know whether the filter lets it through, and all of it
// when it does, so that damage does not pass for an event.
func (s *sieve) let(r eventstore.Record) (line, bool, error) {
	if !s.names(r.Data) {
		return line{}, false, nil
	}
	meta, err := schema.DecodeMeta(r.Meta)
	if err != nil || !s.meta(meta) {
		return line{}, false, placed(r, err)
	}
	_, err = schema.Decode(r.Type, r.Data)
	return line{r, meta}, err == nil, placed(r, err)
}

// placed says where a record stands that cannot be read; a malformed document is damage.
func placed(r eventstore.Record, err error) error {
	if err == nil {
		return nil
	}
	place := fmt.Sprintf("record at position %d (stream %.200q, revision %d)", r.Position, r.Stream, r.Revision)
	if errors.Is(err, schema.ErrMalformed) {
		return fmt.Errorf("%w: %w", &eventstore.CorruptError{File: "log", Place: place, Detail: "its document cannot be read"}, err)
	}
	return fmt.Errorf("%s: %w", place, err)
}

// sealedKey is how a sealed value begins in a document. It can't stand inside a text, where quotes are escaped.
var sealedKey = []byte(`"sealed":"`)

// keyIDs lists the keys of the document's values; scratch is memory to use.
func keyIDs(ids []uuid.UUID, data []byte, scratch *[]byte) (_ []uuid.UUID, err error) {
	for {
		_, rest, found := bytes.Cut(data, sealedKey)
		if !found {
			return ids, nil
		}
		text, _, _ := bytes.Cut(rest, []byte{'"'})
		if *scratch, err = base64.StdEncoding.AppendDecode((*scratch)[:0], text); err != nil {
			return ids, err
		}
		id, err := seal.KeyID(*scratch)
		if err != nil {
			return ids, err
		}
		ids, data = append(ids, id), rest
	}
}

// keyID reads the id of the key out of the first bytes of a sealed value, which keyIDs found to be one.
func keyID(sealed []byte) uuid.UUID {
	const prefix = 24 // in base64: the version and the id
	var head [prefix / 4 * 3]byte
	if len(sealed) < prefix {
		return uuid.Nil
	}
	_, _ = base64.StdEncoding.Decode(head[:], sealed[:prefix])
	return uuid.UUID(head[1:17])
}

// appendLine renders one event. States are those of keyIDs.
func appendLine(b []byte, l *line, states map[uuid.UUID]keys.Key) []byte {
	b = append(b, `{"position":`...)
	b = appendUint(b, uint64(l.record.Position))
	b = appendID(append(b, `,"event":`...), l.record.ID)
	b = appendQuoted(append(b, `,"stream":`...), l.record.Stream)
	b = append(b, `,"revision":`...)
	b = appendUint(b, uint64(l.record.Revision)) // #nosec G115 -- revisions count from 0
	b = appendQuoted(append(b, `,"type":`...), l.record.Type)
	b = appendMeta(b, &l.meta)
	b = appendData(append(b, `,"data":`...), l.record.Data, states)
	return append(b, '}', '\n')
}

func appendMeta(b []byte, m *domain.Meta) []byte {
	b = append(appendStamp(append(b, `,"occurred":"`...), m.OccurredAt), '"')
	b = append(appendStamp(append(b, `,"recorded":"`...), m.RecordedAt), '"')
	for _, part := range [...]struct{ key, value string }{
		{`,"actorKind":`, string(m.Actor.Kind)}, {`,"actor":`, string(m.Actor.ID)}, {`,"purpose":`, string(m.Purpose)},
		{`,"grounds":`, string(m.Grounds)}, {`,"service":`, string(m.Service)}, {`,"policy":`, m.Policy}, {`,"command":`, m.Command},
	} {
		if part.value != "" {
			b = appendQuoted(append(b, part.key...), part.value)
		}
	}
	if m.Correlation != uuid.Nil {
		b = appendID(append(b, `,"correlation":`...), m.Correlation)
	}
	if m.Causation != uuid.Nil {
		b = appendID(append(b, `,"causation":`...), m.Causation)
	}
	return b
}

// appendData copies the document and puts the state of each sealed value in its place.
func appendData(b, data []byte, states map[uuid.UUID]keys.Key) []byte {
	for {
		before, rest, found := bytes.Cut(data, sealedKey)
		b = append(b, before...)
		if !found {
			return b
		}
		b = appendState(b, states[keyID(rest)])
		data = rest[bytes.IndexByte(rest, '"')+1:]
	}
}

func appendState(b []byte, k keys.Key) []byte {
	switch k.State {
	case keys.Destroyed:
		return append(b, `"state":"erased"`...)
	case keys.Retained:
		b = append(b, `"state":"retained"`...)
		if !k.Until.IsZero() {
			b = append(appendStamp(append(b, `,"until":"`...), k.Until), '"')
		}
		return appendQuoted(append(b, `,"rule":`...), k.Rule)
	}
	return append(b, `"state":"sealed"`...)
}

// distinct drops repeated ids, for which a key store would be asked twice.
func distinct(ids []uuid.UUID) []uuid.UUID {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}
