package logcopy_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/esdb"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/memory"
	"imagine.ua/litopys/eventstore/storetest"
)

// kinds of stores, each empty and of the given ledger.
var kinds = map[string]func(testing.TB, uuid.UUID) eventstore.Store{
	"memory": func(t testing.TB, id uuid.UUID) eventstore.Store {
		return closing(t, memory.New(memory.Config{Identity: id}))
	},
	"embedded": func(t testing.TB, id uuid.UUID) eventstore.Store {
		s, err := embedded.Open(t.Context(), embedded.Config{Dir: filepath.Join(t.TempDir(), "ledger"), Identity: id,
			Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return closing(t, s)
	},
	"esdb": func(t testing.TB, id uuid.UUID) eventstore.Store {
		server, err := esdbtest.Start(esdbtest.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Stop)
		s, err := esdb.Open(t.Context(), esdb.Config{URL: server.URL(), Identity: id})
		if err != nil {
			t.Fatal(err)
		}
		return closing(t, s)
	},
}

func closing(t testing.TB, s eventstore.Store) eventstore.Store {
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fill appends runs of one stream after another, some long, most short.
func fill(t testing.TB, s eventstore.Store, appends int) {
	t.Helper()
	maker := storetest.NewMaker(storetest.SeedOf(t.Name()))
	heads := map[string]int64{}
	for i := range appends {
		stream := fmt.Sprintf("subject-%d", i*i%7)
		if _, known := heads[stream]; !known {
			heads[stream] = eventstore.NoStream
		}
		batch := maker.Batch(1 + i*i%5)
		done, err := s.Append(t.Context(), stream, heads[stream], batch)
		if err != nil {
			t.Fatal(err)
		}
		heads[stream] = done.Revision
	}
}

// content is the digest of every record, in order.
func content(t testing.TB, s eventstore.LogReader) [][32]byte {
	t.Helper()
	var out [][32]byte
	for r, err := range s.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r.Digest())
	}
	return out
}
