// Package sqlite keeps read models in SQLite files, the backend of the embedded ledger.
//
// Layout, for who opens it with the sqlite3 shell:
//
//	read.db                                    the catalogue
//	    projection_builds                      one row a build: projection, number, version, state, identity of the log,
//	                                           and of an old build the checkpoint that it had
//	    projection_tables                      which tables a build has
//	read.db-builds/<projection>.<number>.db    one build
//	    projection_build                       its one row: checkpoint, events, failure
//	    <table>                                its rows
//
// A build has a file of its own so that a rebuild can write it without the others waiting, and so that a build
// that is no longer wanted goes at once and leaves no room behind. What readers see is decided in the catalogue
// alone: a switch is one transaction there.
//
// Ids are 16-byte blobs, times microseconds since 1970 UTC, lists JSON arrays, truths 0 and 1. All of it is
// derivable from the log: rows are committed without an fsync (a crash of the machine may set the rows of a
// build and its checkpoint back together, never apart), and the files may be removed and rebuilt at any time.
// A file is synced before the catalogue names it, and the catalogue at each change.
package sqlite
