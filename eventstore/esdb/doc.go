// Package esdb keeps a ledger in EventStoreDB (KurrentDB), for more than one machine. It is the only importer
// of the official client v4.2.0 and knows its traps; the rest of the house sees an eventstore.Store.
//
// # Positions
//
// A record's position is its commit position in the server's log plus one, because the server's positions
// begin at 0 and Start stands before every record. Every event of an append has its own position. Commit and
// prepare position are equal for everything that a single append wrote, so one number is enough; a record
// where they differ was not written through this package and is reported as damage.
//
// # What belongs to the ledger
//
// The server's log also holds its own records and perhaps those of other programs. The ledger is what stands
// in streams whose names begin with one of Config.Prefixes (after Config.Namespace, where several ledgers share
// a database); the server filters by them. Appends to other streams are refused, since no reader of the log would find them. The stream ledger-identity is the
// adapter's own: one record with the ledger's id, written once when the stream did not exist, which no
// reader of the contract is shown. So a ledger has the same records, and the same digests, in every store.
//
// # Appends
//
// An append names the expected revision and carries the caller's ids, so the server recognises a repeated
// batch exactly and for ever, also after restarts and changes of leader. Where the outcome is unknown (the
// connection broke, the server gave up, the client lost the answer) the identical batch is sent again, a
// bounded number of times with jittered waits; what then stays unknown is ErrUnknownOutcome. Any, the
// expectation that relies on the server's memory, is never used. The same ids at a newer revision are new
// events to the server: whoever re-bases a batch must first look at what he wrote.
//
// # Reads
//
// The client can't read $all through a filter, and reading everything to throw most of it away costs the
// reader what the server's statistics cost. So ReadAll is a subscription with the server-side filter that
// ends at the head as it stood at the call (or where the server says that all is sent). The other way, raw
// protocol calls over a connection of our own, would double discovery, TLS and credentials for the sake of
// one call. Every read and append demands the leader, so what was appended is found.
//
// A position that is no record of this ledger (a swapped or restored database) is ErrForeign, not an empty log.
// Reading $all is for administrators unless the server's default access list says otherwise.
//
// # Connections
//
// The client dies when its discovery fails, leaks a connection at every "unavailable" and holds callers
// whatever their context. So each client is used for one connection only, under one rule: nobody enters it
// once anything has said that the connection is of no use. See link.
package esdb
