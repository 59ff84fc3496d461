package journal_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/memory"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bench is a ledger whose log is in memory and whose keys are in a real file, so that it can be reopened.
type bench struct {
	dir   string
	store *memory.Store
	calendar
}

// calendar is a clock that a test sets. It is safe for concurrent use: certificates are dated in the
// background.
type calendar struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func (c *calendar) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *calendar) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

func newBench(t testing.TB, cfg memory.Config) *bench {
	t.Helper()
	return &bench{dir: t.TempDir(), store: memory.New(cfg), calendar: calendar{at: noon}}
}

// keys opens the key store of the ledger with this id.
func (b *bench) keys(t testing.TB, id uuid.UUID) keys.Store {
	t.Helper()
	path := filepath.Join(b.dir, "local.key")
	kms, err := keys.OpenLocal(path)
	if err != nil {
		if kms, err = keys.CreateLocal(path); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = kms.Close() })
	s, err := keydb.Open(t.Context(), keydb.Config{Path: filepath.Join(b.dir, "keys.db"), Ledger: id, KMS: kms})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parts gives the parts of the ledger, opened.
func (b *bench) parts(t testing.TB) journal.Parts {
	t.Helper()
	id, err := b.store.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return journal.Parts{Store: b.store, Keys: b.keys(t, id), Clock: b.now}
}

// open opens the ledger; it is closed with the test at the latest.
func (b *bench) open(t testing.TB) *journal.Journal { t.Helper(); return open(t, b.parts(t)) }

func open(t testing.TB, p journal.Parts) *journal.Journal {
	t.Helper()
	j, err := journal.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// reopen opens the ledger again after its journal was closed or crashed.
func (b *bench) reopen(t testing.TB) *journal.Journal {
	t.Helper()
	_ = b.store.Close()
	b.store = memory.Reopen(b.store)
	return b.open(t)
}

func newSubject() domain.SubjectID { return domain.SubjectID{UUID: uuid.New()} }

func meta() domain.Meta {
	return domain.Meta{
		Actor:      domain.Actor{Kind: domain.ActorSystem, ID: "test"},
		OccurredAt: noon, RecordedAt: noon,
		Purpose: "service", Grounds: "ua.11.1.3", Service: "portal", Policy: "1", Command: "collect",
	}
}

func fact(e domain.Event) ledger.Fact { return ledger.Fact{ID: uuid.New(), Meta: meta(), Event: e} }

func clearItem(who domain.SubjectID, f domain.Field, e domain.Epoch, v string) domain.Item {
	return domain.Item{Subject: who, Field: f, Epoch: e, Value: domain.ClearValue(v)}
}

func collected(items ...domain.Item) domain.Event {
	return subject.Collected{Subject: items[0].Subject, Source: subject.BySubject, Items: items}
}

func deleted(who domain.SubjectID, fates ...domain.Fate) domain.Event {
	return subject.Deleted{Subject: who, Deleted: fates}
}

func mustAppend(t testing.TB, j *journal.Journal, stream domain.Stream, expected int64, facts ...ledger.Fact) ledger.Appended {
	t.Helper()
	done, err := j.Append(t.Context(), stream, expected, facts)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func events(t testing.TB, j *journal.Journal, stream domain.Stream) []domain.Recorded {
	t.Helper()
	var out []domain.Recorded
	for r, err := range j.Events(t.Context(), stream, domain.NoStream) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// shown is what a reader of this reach sees of the stream's values: "clear text", "erased", with the state
// of the key.
func shown(t testing.TB, j *journal.Journal, reach journal.Reach, stream domain.Stream) []string {
	t.Helper()
	opened, err := j.OpenAs(t.Context(), reach, journal.SealedOf(events(t, j, stream)...))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range opened {
		text, ok := o.Value.Reveal()
		if !ok {
			text = "-"
		}
		out = append(out, fmt.Sprintf("%s %v", text, o.State))
	}
	return out
}

// keysWith is a key store whose calls a test gets in front of.
type keysWith struct {
	keys.Store
	ensure func([]keys.Want) error
	follow func(position uint64, fates []domain.Fate) error

	certified func() error
}

func (k keysWith) Certified(ctx context.Context, ids []uuid.UUID) error {
	if k.certified != nil {
		if err := k.certified(); err != nil {
			return err
		}
	}
	return k.Store.Certified(ctx, ids)
}

func (k keysWith) Ensure(ctx context.Context, wants []keys.Want) ([]keys.Key, error) {
	if k.ensure != nil {
		if err := k.ensure(wants); err != nil {
			return nil, err
		}
	}
	return k.Store.Ensure(ctx, wants)
}

func (k keysWith) Follow(ctx context.Context, position uint64, fates []domain.Fate) error {
	if k.follow != nil {
		if err := k.follow(position, fates); err != nil {
			return err
		}
	}
	return k.Store.Follow(ctx, position, fates)
}

// storeWith is a log whose appends a test gets in front of, and after.
type storeWith struct {
	eventstore.Store
	before func() error
	after  func() error
}

func (s storeWith) Append(ctx context.Context, stream string, expected int64, batch []eventstore.Event) (eventstore.Appended, error) {
	if domain.Stream(stream).Kind() == domain.KindCertificate { // written in the background
		return s.Store.Append(ctx, stream, expected, batch)
	}
	if s.before != nil {
		if err := s.before(); err != nil {
			return eventstore.Appended{}, err
		}
	}
	done, err := s.Store.Append(ctx, stream, expected, batch)
	if err == nil && s.after != nil {
		if err := s.after(); err != nil {
			return eventstore.Appended{}, err
		}
	}
	return done, err
}
