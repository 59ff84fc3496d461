// Package projections turns the log into answers. A Projection is a pure fold of recorded events to rows;
// the Engine follows the log and commits the rows of a batch together with the place they stand for in one
// transaction; Rebuild makes the next build of the rows beside the old one and switches in one transaction.
//
//	Source ──▶ Projection.Apply ──▶ Batch (coalesced, sorted) ──▶ Backend.Commit   rows + checkpoint, compare-and-set
//	                                                               Backend.Switch   the next build becomes the live one
//	reader ──▶ Backend.View ──▶ Snapshot.Select                    never sees half a build
//
// Rows are disposable: everything here can be made again from the log. They never hold a personal value in
// clear, only sealed bytes copied with the address they were bound to; who may see a value opens it with an
// Opener at the last moment.
//
// One folder below answers one question (profile, history, consents, transfers); one folder is one backend
// (sqlite); projtest is the suite that every backend passes; export writes what an auditor takes away.
package projections
