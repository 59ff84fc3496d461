// Package subject is the file of one data subject: the aggregate of the ledger.
//
// commands.go says what may be asked, events.go what can have happened, state.go what a decision needs to
// know, and each remaining file decides one operation. Everything here is pure.
package subject
