// Package keypg is the key store in a PostgreSQL database of its own, schema litopys_keys.
//
// One goroutine of each process writes: it takes all calls that wait and commits them together. Any number
// of processes may have the store open; their writers take turns, by an advisory lock that a transaction
// holds (turn, in tx.go), so that no write races with another and a Follow sees every key that was made.
//
// # Caches of several processes
//
// A warm key comes out of memory, but only after the database was asked, since the call began, whether any
// key has changed its state (meta.changes; see fresh.go). So a call that begins after a destruction has
// returned, in whatever process, never gets the destroyed key. One question serves all calls that wait for
// it; it costs one round trip. LISTEN and NOTIFY would save the trip, and lie for as long as a message is on
// its way or a connection is dead unnoticed. The memory of a process that is idle forgets a destroyed key
// within a few seconds (Config.Sweep).
//
// # Erasure in a heap
//
// PostgreSQL writes a new version of a row that is updated. VACUUM frees the old one and leaves its bytes on
// the page until something is written over them, which may be never: of 25 rows deleted from a page of 50,
// 13 could still be read in the file after VACUUM and a checkpoint. So what must vanish, wrapped keys and
// tags, is neither updated nor deleted: it stands in 64 small tables (shelves), chosen by the subject, and
// destroying a key rewrites its shelf without it in the transaction that makes the tombstone. TRUNCATE gives
// the table and its indexes new files and empties the old ones when the transaction commits, so the call
// leaves nothing to clean up, whenever it is killed; old versions that other transactions might still see
// are not carried over. It costs the reading and writing of 1/64 of the wrapped keys. The columns have no
// statistics, since ANALYZE copies samples into the catalogue, and the only index over tags holds 16 bits of
// each, too few to tell one value from the many that share them.
//
// Outside of this: the WAL and what is made of it (archives, replicas, backups) hold the bytes until they
// are recycled; logs of statements with their parameters (set log_parameter_max_length to 0); a file that a
// crash of the server itself in the middle of a destruction leaves behind, which belongs to no table (a
// number in base/ that no pg_class.relfilenode of the database has) and which PostgreSQL never removes; and
// the blocks that the file system gives back. All that these hold is wrapped under a master key which is
// itself wrapped by the key-management service.
//
// # Operation
//
// Migrate lays the database out and brings it up to date; Open does so itself when its role may. RolesScript
// makes the roles: litopys_keys_writer for the ledger, which can make keys and tombstones but can't change a
// wrapped key, delete one that is not destroyed, or revive a tombstone; litopys_keys_auditor sees states only.
// Statements are prepared, so a pooler between must keep sessions. A standby is refused: what it answers
// is late.
package keypg
