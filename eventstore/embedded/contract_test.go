package embedded_test

import (
	"testing"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/storetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]embedded.Config{
		"Default": {},
		// Every batch goes through run files, merges, a forgetful head cache and a small write-ahead log.
		"Small": {TailEvents: 100, HeadCache: 1, Readers: 1, CheckpointPages: 1, GroupBytes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, storetest.Backend{Fresh: func(t testing.TB) func() eventstore.Store {
				cfg := cfg
				cfg.Dir = t.TempDir()
				return func() eventstore.Store { return open(t, cfg) }
			}})
		})
	}
}
