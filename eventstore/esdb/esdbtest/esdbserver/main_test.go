package main

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// free gives addresses that nobody listens on, for now.
func free(t *testing.T, n int) []string {
	t.Helper()
	addresses := make([]string, n)
	for i := range addresses {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addresses[i] = lis.Addr().String()
		defer func() { _ = lis.Close() }()
	}
	return addresses
}

func appendTo(t *testing.T, url, stream string) {
	t.Helper()
	conf, err := esdb.ParseConnectionString(url)
	if err != nil {
		t.Fatal(err)
	}
	conf.Logger = esdb.NoopLogging()
	c, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, err = c.AppendToStream(t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, esdb.EventData{EventType: "T"})
	if err != nil {
		t.Fatal(err)
	}
}

func TestClusters(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"one process", "three processes"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			addresses := free(t, 3)
			all := strings.Join(addresses, ",")
			if kind == "one process" {
				nodes, err := start(addresses, "", "24.10.14")
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range nodes {
					t.Cleanup(n.Stop)
				}
			} else {
				for _, address := range addresses {
					nodes, err := start([]string{address}, all, "24.10.14")
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(nodes[0].Stop)
				}
			}
			appendTo(t, "esdb://"+all+"?tls=false", "by-gossip")
			for i, address := range addresses {
				appendTo(t, "esdb://"+address+"?tls=false", "at-node-"+string(rune('0'+i)))
			}
		})
	}
}

func TestRunEndsWithItsContextAndRefusesNonsense(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, []string{"-listen", "127.0.0.1:0"}); err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{
		{"-version", "next"}, {"-members", "nowhere"}, {"-members", "127.0.0.1:http"}, {"-listen", "nowhere"}, {"-what"},
	} {
		if err := run(ctx, args); err == nil {
			t.Errorf("%v: accepted", args)
		}
	}
}
