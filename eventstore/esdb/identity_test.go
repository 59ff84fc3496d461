package esdb_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

func identityOf(t *testing.T, s *esdb.Store) uuid.UUID {
	t.Helper()
	id, err := s.Identity(t.Context())
	if err != nil || id == uuid.Nil {
		t.Fatalf("identity %s: %v", id, err)
	}
	return id
}

// Many who open a new ledger at once agree on one identity, and it is written once.
func TestIdentityIsGivenOnce(t *testing.T) {
	t.Parallel()
	server := testserver.New(t, esdbtest.Config{})
	ids := make([]uuid.UUID, 16)
	var openers sync.WaitGroup
	for i := range ids {
		openers.Go(func() { ids[i] = identityOf(t, open(t, quick(server.URL()))) })
	}
	openers.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("identities %s and %s", ids[0], id)
		}
	}
	records := server.Log().Records("ledger-identity")
	if len(records) != 1 || records[0].Type != "LedgerIdentity.v1" || !records[0].JSON {
		t.Fatalf("%+v", records)
	}
	if diff := cmp.Diff(`{"ledger":"`+ids[0].String()+`"}`, string(records[0].Data)); diff != "" {
		t.Errorf("stored form, which is for ever (-want +got):\n%s", diff)
	}
}

func TestIdentityIsShownToNoReader(t *testing.T) {
	t.Parallel()
	s, _ := ledger(t, esdbtest.Config{})
	if records := logOf(t, s, eventstore.Start); len(records) != 0 {
		t.Errorf("a new ledger has %d records", len(records))
	}
	if head, err := s.Head(testserver.Bounded(t)); head != eventstore.Start || err != nil {
		t.Errorf("head %d, %v", head, err)
	}
	if records := streamOf(t, s, "ledger-identity"); len(records) != 0 {
		t.Errorf("the stream shows %d records", len(records))
	}
	if head, err := s.StreamHead(testserver.Bounded(t), "ledger-identity"); head != eventstore.NoStream || err != nil {
		t.Errorf("head of the stream %d, %v", head, err)
	}
	if records := follow(t, s, eventstore.Start).untilCaughtUp(t); len(records) != 0 {
		t.Errorf("a subscription shows %d records", len(records))
	}
}

func TestIdentityOfAMovedLedger(t *testing.T) {
	t.Parallel()
	server := testserver.New(t, esdbtest.Config{})
	cfg := quick(server.URL())
	cfg.Identity = uuid.New()
	if id := identityOf(t, open(t, cfg)); id != cfg.Identity {
		t.Errorf("identity %s, given %s", id, cfg.Identity)
	}
	if id := identityOf(t, open(t, quick(server.URL()))); id != cfg.Identity {
		t.Errorf("identity %s, given %s", id, cfg.Identity)
	}
	cfg.Identity = uuid.New()
	if _, err := esdb.Open(testserver.Bounded(t), cfg); !errors.Is(err, eventstore.ErrForeign) {
		t.Errorf("another ledger's identity: %v", err)
	}
}

func TestIdentityRecordOfSomebodyElse(t *testing.T) {
	t.Parallel()
	for name, seed := range map[string]esdbtest.Seed{
		"type": {Type: "Other.v1", Data: []byte(`{"ledger":"` + uuid.NewString() + `"}`)},
		"nil":  {Type: "LedgerIdentity.v1", Data: []byte(`{"ledger":"` + uuid.Nil.String() + `"}`)},
		"more": {Type: "LedgerIdentity.v1", Data: []byte(`{"ledger":"` + uuid.NewString() + `","x":1}`)},
		"text": {Type: "LedgerIdentity.v1", Data: []byte(`ledger`)},
	} {
		server := testserver.New(t, esdbtest.Config{})
		seed.Stream, seed.JSON = "ledger-identity", true
		if err := server.Log().Seed(seed); err != nil {
			t.Fatal(err)
		}
		if _, err := esdb.Open(testserver.Bounded(t), quick(server.URL())); !errors.Is(err, eventstore.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigRefusals(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		cfg  esdb.Config
		says string
	}{
		"no scheme":           {esdb.Config{URL: "localhost:2113"}, "connection string"},
		"password not quoted": {esdb.Config{URL: "esdb://app:se%zzcret@localhost:2113"}, "connection string"},
		"follower":            {esdb.Config{URL: "esdb://localhost:2113?tls=false&nodePreference=follower"}, "nodePreference"},
		"user without TLS":    {esdb.Config{URL: "esdb://app:secret@localhost:2113?tls=false"}, "tls=false"},
		"user without secret": {esdb.Config{URL: "esdb://app@localhost:2113"}, "password"},
		"certificate file":    {esdb.Config{URL: "esdb://localhost:2113?tlsCaFile=/nowhere.pem"}, "nowhere.pem"},
		"system prefix":       {esdb.Config{URL: "esdb://localhost:2113?tls=false", Prefixes: []string{"$x"}}, "prefix"},
		"prefix of no ASCII":  {esdb.Config{URL: "esdb://localhost:2113?tls=false", Prefixes: []string{"\u0441-"}}, "prefix"},
		"system namespace":    {esdb.Config{URL: "esdb://localhost:2113?tls=false", Namespace: "$x"}, "namespace"},
		"waits upside down":   {esdb.Config{URL: "esdb://localhost:2113?tls=false", FirstWait: 10e9}, "longest wait"},
	} {
		_, err := esdb.Open(testserver.Bounded(t), x.cfg)
		if err == nil || !strings.Contains(err.Error(), x.says) || strings.Contains(err.Error(), "cret@") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Several ledgers in one database know nothing of one another, though their streams have the same names.
func TestNamespaces(t *testing.T) {
	t.Parallel()
	server := testserver.New(t, esdbtest.Config{})
	var stores []*esdb.Store
	for _, namespace := range []string{"", "one/", "two/"} {
		cfg := quick(server.URL())
		cfg.Namespace = namespace
		stores = append(stores, open(t, cfg))
	}
	positions := make([]eventstore.Position, len(stores))
	for i, s := range stores {
		positions[i] = mustAppend(t, s, "subject-a", eventstore.NoStream, event(i)).Position
	}
	for i, s := range stores {
		for _, records := range [][]eventstore.Record{
			streamOf(t, s, "subject-a"), logOf(t, s, eventstore.Start), follow(t, s, eventstore.Start).untilCaughtUp(t),
		} {
			if len(records) != 1 || records[0].ID != event(i).ID || records[0].Stream != "subject-a" {
				t.Errorf("ledger %d: %+v", i, records)
			}
		}
		if head, err := s.Head(testserver.Bounded(t)); head != positions[i] || err != nil {
			t.Errorf("ledger %d: head %d (%v), want %d", i, head, err, positions[i])
		}
		for _, err := range s.ReadAll(testserver.Bounded(t), positions[(i+1)%3]) {
			if !errors.Is(err, eventstore.ErrForeign) {
				t.Errorf("ledger %d read after a position of another: %v", i, err)
			}
		}
		if i > 0 && identityOf(t, s) == identityOf(t, stores[i-1]) {
			t.Error("two ledgers have one identity")
		}
	}
	if n := len(server.Log().Records("one/subject-a")); n != 1 {
		t.Errorf("%d events under the namespace, want 1", n)
	}
}
