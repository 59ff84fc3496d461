// Package statistics answers: how many persons did what in a month, and what was published of it?
//
// The projection keeps what is published, and nothing of who was counted. An open month has no rows: it is counted
// from the log when somebody asks, and once more when it is closed. The reasons:
//
//   - Rows of single persons would have to leave at an erasure and all together at the publication. A fold sees one
//     event and knows no keys of earlier rows, so it could only mark them; what is not written needs no removal.
//   - Tokens in place of ids would need a key that outlives the month nowhere and is yet there for every rebuild.
//     Without tokens there is no such key. The one secret of a month draws which cells are left out beside the
//     small ones and which way figures are rounded; it is made for the publication and destroyed with it.
//   - The keys of erased values are destroyed, so a count from the log cannot include them by mistake, whatever
//     order a deletion and the counting come in.
//
// Counter is the count of one month, in memory: it reads the log from shortly before the month to its end, adds what
// happened in the month and takes out whoever closed his account, values that were deleted, and persons who object
// to statistics or whose fields are restricted. What the controller did at somebody's demand (deletions, requests)
// stays counted. Requests that name no subject are not counted: what one person adds could not be bounded.
//
// An erasure that comes after the log was read and before the figures are appended is not in them. They are anonymous
// either way.
//
// Before the figures of a month are published they are put together as a stranger would (audit.go), and drawn again
// when they prove that somebody is in a small crowd. Months are audited one by one, since what earlier ones were
// counted from is erased; between them stands only that every figure of each was rounded by a chance of its own.
//
// Time is the time at which things happened. What is recorded after the month was closed is in no figure.
package statistics
