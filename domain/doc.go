// Package domain is where Litopys decides: what may be recorded about a person, on what ground and for
// what purpose, and what must be refused.
//
// The way of a fact through the ledger, one folder a step:
//
//	command ─▶ ledger.Handle        load the stream, fold it, decide, append, retry on conflict   domain/ledger
//	             subject.Decide      command + state + policy → events | refusal (pure)           domain/subject
//	         ─▶ journal.Append      events → sealed, versioned, canonical records                 eventstore/journal
//	         ─▶ eventstore.Store    one durable, totally ordered log                              eventstore/embedded
//	         ─▶ projections         folds of the log to rows: profile, history, consents, …       projections
//	         ─▶ cmd                 command line: the only place that opens personal values       cmd
//
// This package and its aggregates are pure: they know no clock, no randomness, no context and no I/O.
// Time, identifiers and the actor arrive inside the command; what a decision needs from outside (the
// policy in force, a recipient's card) is handed to it as data. Only domain/ledger talks to a journal.
//
// The vocabulary (fields, purposes, services, kinds of recipients) is not Go code: it is the published
// policy of the service, loaded by domain/policy. Whatever the policy does not name is refused.
package domain
