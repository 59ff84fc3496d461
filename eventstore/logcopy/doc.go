// Package logcopy moves a ledger from one store into another: out of a data folder into EventStoreDB, back,
// or into memory.
//
// # What a copy is
//
// The target gets every record of the source with its id, type, data, metadata, stream and revision, in the
// order of the source's log; only positions are the target's own. So order per stream, global order and the
// canonical digest of every record are the same, and so is the digest over all of them, which is the one that
// a verification of either ledger reports. The identity of the ledger goes along: the target is opened for it
// (embedded.Config.Identity, esdb.Config.Identity), and a target of another ledger is refused.
//
// # Going on
//
// A copy writes one batch after the other, each of consecutive records of one stream, each whole or not at
// all. So what a killed copy leaves is a beginning of the source, and nothing has to be remembered: the next
// copy reads both, side by side, for as far as the target goes, and appends the rest. A target that holds
// anything else than a beginning of the source gives ErrDifferent and is left as it is. A batch whose outcome
// is unknown is sent again unchanged, which the contract of eventstore.Appender makes safe.
//
// # Why each append is awaited
//
// The source is read ahead while an append is under way, but the next append waits for its answer. Let A and
// B be neighbours in the source, in different streams, both sent, and A be refused or lost: a restart, a full
// disk, a time that has run out. No condition that Append knows keeps B out, for it looks at the stream of B
// alone; so B stands in the target, A can only be put behind it, nothing is ever taken out of a log, and the
// copy is not in order for ever. That holds also where a server handles what comes over one connection in
// order, since the failure is what parts them, and EventStoreDB, which takes every append on a call of its own,
// does not promise even that. Neighbours of one stream could follow each other unawaited (B would expect the
// revision that A makes), but they are one batch already, unless they fill one.
//
// A target that knows the condition is spared the wait: a data folder takes some hundred records of any
// streams at once (embedded.Store.AppendRecords), writes them with one commit, and never what comes behind
// something that it did not write. The order is then exact whatever Config.AtOnce says.
//
// # Several appends at once
//
// A server acknowledges one append after another, so a copy that awaits each is as slow as its answers are.
// With Config.AtOnce appends under way the copy keeps the order of every stream, the order of everything that
// is said of one subject, the order in which streams appear, and the place of every record that is nobody's
// (recipients, policies, requests); later records of different subjects may change places within a window of
// so many batches. Every record is compared all the same, and the digest of the report is that of the source;
// but a verification of the copy, which reads it in its own order, reports another. A copy that was stopped
// goes on with the same or a larger AtOnce: it fills the holes in that window first.
//
// # Who else writes
//
// The source may grow while it is copied, and what it has gained may be missing at the end (Report.Grown):
// stop its writers, then copy again. Nobody else may write to the target; what is found behind the copy's own
// records gives ErrDifferent.
package logcopy
