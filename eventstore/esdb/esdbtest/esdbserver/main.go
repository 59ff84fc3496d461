// Command esdbserver serves an in-memory EventStoreDB for development and tests. Nothing survives its end.
//
//	esdbserver -listen 127.0.0.1:2113
//
// is one node. With several addresses it is a cluster in one process whose nodes share the database:
//
//	esdbserver -listen 127.0.0.1:2111,127.0.0.1:2112,127.0.0.1:2113
//
// Three processes make a cluster when each is told all members, the leader first; those that do not lead
// hand what they get to the leader:
//
//	esdbserver -listen 127.0.0.1:2112 -members 127.0.0.1:2111,127.0.0.1:2112,127.0.0.1:2113
//
// It serves in clear text; the connection string is printed.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"

	"imagine.ua/litopys/eventstore/esdb/esdbtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "esdbserver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("esdbserver", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:2113", "addresses to serve on, separated by commas")
	members := flags.String("members", "", "all members of a cluster of several processes, the leader first")
	version := flags.String("version", "24.10.14", "server version to pretend to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	nodes, err := start(strings.Split(*listen, ","), *members, *version)
	defer func() {
		for _, n := range nodes {
			n.Stop()
		}
	}()
	if err != nil {
		return err
	}
	fmt.Printf("esdb://%s?tls=false\n", *listen)
	<-ctx.Done()
	return nil
}

// start starts a node an address. With members given, the node whose address stands first leads and the
// others forward to it; without, the nodes of this process share one database.
func start(addresses []string, members, version string) ([]*esdbtest.Server, error) {
	base := esdbtest.Config{Version: version, Log: esdbtest.NewLog(esdbtest.LogConfig{})}
	leader := ""
	switch {
	case members != "":
		list, err := membership(strings.Split(members, ","))
		if err != nil {
			return nil, err
		}
		base.Cluster = esdbtest.NewMembership(list)
		leader, _, _ = strings.Cut(members, ",")
	case len(addresses) > 1:
		base.Cluster = &esdbtest.Cluster{}
	}
	var nodes []*esdbtest.Server
	for _, address := range addresses {
		cfg := base
		cfg.Address = address
		if leader != "" && address != leader {
			cfg.Log, cfg.Forward = nil, leader
		}
		n, err := esdbtest.Start(cfg)
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func membership(addresses []string) ([]esdbtest.Member, error) {
	list := make([]esdbtest.Member, len(addresses))
	for i, address := range addresses {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return nil, fmt.Errorf("port of %s: %w", address, err)
		}
		list[i] = esdbtest.Member{Host: host, Port: n, State: gossip.MemberInfo_Follower, Alive: true}
		if i == 0 {
			list[i].State = gossip.MemberInfo_Leader
		}
	}
	return list, nil
}
