// Package sqlite keeps read models in one SQLite file (read.db), the backend of the embedded ledger.
//
// Layout, for who opens it with the sqlite3 shell:
//
//	projection_builds   one row a build: projection, number, version, state, checkpoint, identity of the log
//	projection_tables   which tables a build has
//	<table>__<number>   the rows of one build
//	<table>             a view of the live build's rows; a switch replaces it, in the same transaction
//
// Ids are 16-byte blobs, times microseconds since 1970 UTC, lists JSON arrays, truths 0 and 1. The file is
// derivable from the log: it is opened without an fsync a commit (a crash of the machine may set the rows
// and their checkpoint back together, never apart), and may be removed and rebuilt at any time.
package sqlite
