package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"strings"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
)

// Leaf is the canonical digest of one record with its place.
type Leaf struct {
	Position uint64
	Digest   [sha256.Size]byte
}

// Leaves yields the digest of every record after the position, in order. They do not depend on the store,
// and they outlive destroyed keys, since they cover sealed bytes.
func (j *Journal) Leaves(ctx context.Context, after uint64) iter.Seq2[Leaf, error] {
	return func(yield func(Leaf, error) bool) {
		for r, err := range j.store.ReadAll(ctx, eventstore.Position(after)) {
			if err != nil {
				yield(Leaf{}, fmt.Errorf("read the log: %w", err))
				return
			}
			if !yield(Leaf{Position: uint64(r.Position), Digest: r.Digest()}, nil) {
				return
			}
		}
	}
}

// Report is what Verify found in a sound log.
type Report struct {
	Records  int64  // records read
	Streams  int    // streams they stand in
	Values   int64  // sealed values they hold
	Position uint64 // of the last record
	// Digest is SHA-256 over the digests of all records, in order: equal for two stores of one ledger.
	Digest [sha256.Size]byte
}

// verifier is optional in a store or a key store: it checks its own files more deeply than reading does.
type verifier interface {
	Verify(ctx context.Context) error
}

// Verify reads everything and gives the first damage as a *eventstore.CorruptError: a record that the store
// calls damaged, positions that do not rise, a stream with a gap, an id that is missing, a document that
// does not decode or is about somebody else than its stream, a value that is no sealed value, or whose key is
// missing. Then store and key store check their own files, if they can. It keeps the name of every stream in memory.
func (j *Journal) Verify(ctx context.Context) (Report, error) {
	if err := j.isOpen(); err != nil { // Close does not wait for a long reading; what is read after it ends with ErrClosed
		return Report{}, err
	}
	c := check{next: map[string]int64{}}
	keyed := keyCheck{store: j.keys}
	sum := sha256.New()
	for r, err := range j.store.ReadAll(ctx, eventstore.Start) {
		var items []domain.Item
		if err == nil {
			items, err = c.record(r)
		}
		if err == nil {
			err = keyed.add(ctx, r, items)
		}
		if err != nil {
			return c.report, fmt.Errorf("verify the log: %w", err)
		}
		digest := r.Digest()
		sum.Write(digest[:])
	}
	if err := keyed.flush(ctx); err != nil {
		return c.report, fmt.Errorf("verify the log: %w", err)
	}
	sum.Sum(c.report.Digest[:0])
	c.report.Streams = len(c.next)
	for _, part := range []any{j.store, j.keys} {
		if v, ok := part.(verifier); ok {
			if err := v.Verify(ctx); err != nil {
				return c.report, fmt.Errorf("verify: %w", err)
			}
		}
	}
	return c.report, nil
}

// check is the state of a verification.
type check struct {
	report Report
	next   map[string]int64 // revision that the next event of the stream must have
}

// record checks one record and gives its personal values.
func (c *check) record(r eventstore.Record) ([]domain.Item, error) {
	switch {
	case uint64(r.Position) <= c.report.Position:
		return nil, damage(r, fmt.Sprintf("its position does not rise above %d", c.report.Position))
	case r.Revision != c.next[r.Stream]:
		return nil, damage(r, fmt.Sprintf("its stream goes on with revision %d", c.next[r.Stream]))
	case r.ID == uuid.Nil:
		return nil, damage(r, "its id is missing")
	}
	recorded, err := decode(r)
	if err != nil {
		return nil, err
	}
	if !ownStream(r) {
		return nil, damage(r, "its document is about another subject or recipient than its stream")
	}
	items := recorded.Event.Personal()
	for _, item := range items {
		if _, err := keyOf(item); err != nil {
			return nil, damage(r, fmt.Sprintf("the value of %s is no sealed value", item.Field))
		}
		c.report.Values++
	}
	c.report.Records++
	c.report.Position = uint64(r.Position)
	c.next[r.Stream]++
	return items, nil
}

// ownStream tells whether the document is about the owner of its stream: every document begins with whom or what it
// is about, {"subject":"..." or {"recipient":"..." or {"period":"...", and so does the rest of the stream's name.
func ownStream(r eventstore.Record) bool {
	_, rest, _ := strings.Cut(r.Stream, "-")
	if domain.Stream(r.Stream).Kind() == domain.KindTrace {
		rest = rest[:max(0, len(rest)-len("-2006-01"))]
	}
	_, about, _ := bytes.Cut(r.Data, []byte(`:"`))
	about, _, _ = bytes.Cut(about, []byte(`"`))
	return rest != "" && string(about) == rest
}
