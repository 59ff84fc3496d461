// Package subject is the file of one data subject: the aggregate of the ledger.
//
// commands.go says what may be asked, events.go what can have happened, fact.go when, state.go what a decision
// needs to know, and each remaining file decides one operation. Everything here is pure.
//
// An operation is held against two things: the file as it is recorded, and the time at which it happened, which may
// be long ago. What it rests on must be there now and must have been there then. So a consent that was withdrawn
// carries nothing more, however early a transfer is dated, and one that was given later never did.
package subject
