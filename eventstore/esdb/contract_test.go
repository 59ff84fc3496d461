package esdb_test

import (
	"os"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
	"imagine.ua/litopys/eventstore/storetest"
)

// TestContract proves the store on the test server of the present version and of one that never says
// caught_up.
func TestContract(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"24.10.14", "22.10.5"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, storetest.Backend{Fresh: func(t testing.TB) func() eventstore.Store {
				server := testserver.New(t, esdbtest.Config{Version: version})
				return func() eventstore.Store {
					cfg := quick(server.URL())
					cfg.WholeDatabase = true
					return openBare(t, cfg)
				}
			}})
		})
	}
}

// TestContractOnACluster proves it where the client may turn from node to node.
func TestContractOnACluster(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Backend{Fresh: func(t testing.TB) func() eventstore.Store {
		cluster, err := esdbtest.StartCluster(3, esdbtest.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Stop)
		return func() eventstore.Store {
			cfg := quick(cluster.URL())
			cfg.WholeDatabase = true
			return openBare(t, cfg)
		}
	}})
}

// openBare opens a store that the suite closes itself.
func openBare(t testing.TB, cfg esdb.Config) eventstore.Store {
	t.Helper()
	s, err := esdb.Open(testserver.Bounded(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestContractRealServer proves the store on a server of yours: LITOPYS_TEST_ESDB=esdb://host:2113?tls=false.
// Each rule has a namespace of its own, so the database may be used again.
func TestContractRealServer(t *testing.T) {
	t.Parallel()
	url := os.Getenv("LITOPYS_TEST_ESDB")
	if url == "" {
		t.Skip("LITOPYS_TEST_ESDB is not set: no server to prove the store on")
	}
	storetest.Run(t, storetest.Backend{Fresh: func(t testing.TB) func() eventstore.Store {
		namespace := "t" + uuid.NewString() + "/"
		return func() eventstore.Store {
			return openBare(t, esdb.Config{URL: url, Namespace: namespace, WholeDatabase: true})
		}
	}})
}
