// Package eventstore is the contract of the log: what every store promises about order, durability and
// idempotency, in prose and as interfaces. storetest is the same contract as tests; embedded, esdb and
// memory keep it.
//
// A record's bytes (id, stream, revision, type, data, metadata) and their Digest do not depend on the
// store, so a ledger can move between stores and prove that it is the same ledger.
package eventstore
