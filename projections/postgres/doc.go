// Package postgres keeps read models in PostgreSQL 14 or newer, the backend of a ledger on servers.
//
// Layout, with the default Config.Schema, for who opens the database with psql or a BI tool:
//
//	litopys.<table>                   a view of the live build's rows: the only thing readers need
//	litopys.projection_status         which build is live, and up to which place in the log it stands
//	litopys_state.builds              one row a build: version, state, checkpoint, identity of the log
//	litopys_state.migrations          which layouts of the bookkeeping were applied, and when
//	litopys_state.garbage             schemas that nobody points at any more, to be dropped when no reader is in them
//	litopys_state.outcomes            names of the last transactions, so that a lost answer to a commit can be made out
//	litopys_profile_v1_b3.<table>     the rows of build 3 of projection profile, version 1
//
// A switch points the views at another build and moves the states in one transaction. Columns have native
// types (uuid, timestamptz, bytea, text[], bigint, boolean); texts are collated "C", so that every backend
// sorts alike. RolesSQL gives the script for two roles: a runner who writes, and readers who only select.
//
// New rows go out by binary COPY, changes as arrays, sorted by key, that one statement merges. Rows and checkpoint commit together without waiting for
// the disk (a crash of the server may set both back, never apart); what changes which build is live waits.
//
// Connections must be sessions: a pooler in transaction mode breaks the runner's lock.
package postgres
