// Package ledger is the one door for writes, and the library that an app uses. Handle takes a typed command
// of domain/subject, domain/recipient or domain/request, or policy.Publish, loads the state of its stream, lets
// the aggregate decide, appends what it decided and answers with a Receipt, or with a *domain.Refusal.
//
//	command ─▶ check time, policy, names ─▶ lock the stream ─▶ seen this key before? ─▶ first receipt again
//	                                                              │ no
//	                     state (cached, or folded from the log) ─▶ decide ─▶ append at the known revision
//	                                     ▲                                        │ somebody was faster
//	                                     └────────────── catch up ◀───────────────┘
//
// Commands on one stream wait for one another inside this process, so only another process can be faster.
package ledger
