// Package esdbtest is an EventStoreDB in memory: a gRPC server that speaks the protocol as the official Go
// client v4.2.0 uses it, for tests that need the server's rules without the server.
//
// It keeps the rules that a client can see: expected revisions and the idempotency of appends, byte-like
// sparse positions, the boundaries of reads in both directions, catch-up subscriptions with their
// checkpoints and their 32-record live buffer, stream metadata with truncation, soft deletes and
// tombstones, links, size limits, the errors with their trailers, gossip, TLS and basic authentication.
// The tests of this package state those rules one by one.
//
// A Log is the database, a Server is one node that serves it; several servers may share a log, which makes
// a cluster whose replication is instant. Hooks fail, delay, cut and drop what a test wants failed: see
// Fault, Server.CutConnections, Server.DropSubscriptions, Server.Stop and Server.Start.
//
// Left out: BatchAppend, persistent subscriptions (except that Create answers), projections, users,
// scavenging, transactions of the old TCP protocol, per-stream access lists. Filters use RE2, where the
// server uses .NET expressions; the common ones mean the same in both.
//
//	db := esdbtest.NewLog(esdbtest.LogConfig{})
//	node, err := esdbtest.Start(esdbtest.Config{Log: db})
//	client, err := esdb.NewClient(esdb.ParseConnectionString(node.URL()))
package esdbtest
