// Package embedded is the event store of one machine: one SQLite file laid out as an append-only log, and
// beside it an index of the streams that is derived from the log and can be lost without loss.
//
//	Append ──▶ queue ──▶ writer: check revisions, insert, commit (one fsync for the whole group)
//	                        │                       events.db
//	                        ▼ after the commit
//	                     tail in memory ──▶ flusher ──▶ index/*.run ──▶ merger
//
// Nothing but the log takes part in a commit. Everything that can be read (Head, StreamHead, ReadAll, a
// subscription) ends at the last committed group, so every reader sees the same log. FORMAT.md gives the
// bytes on disk and how an auditor reads them with the sqlite3 shell.
package embedded
