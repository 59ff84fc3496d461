-- Least-privilege roles of the key store. Run in the database of the keys, as its owner or an administrator
-- who may create roles, after the migrations; running it again brings the rights up to date. Give a login
-- one of the roles:
--
--   CREATE ROLE ledger LOGIN PASSWORD '...' IN ROLE litopys_keys_writer;
--
-- litopys_keys_writer   the ledger: makes keys and tombstones. It cannot change or delete a wrapped key, nor
--                       bring a destroyed one back; erasing goes through the function erase.
-- litopys_keys_rotator  a writer that may rotate the master keys as well, which rewrites wrapped keys.
-- litopys_keys_auditor  sees which keys there are and their states, no wrapped key, no tag.

DO $$
BEGIN
	IF to_regrole('litopys_keys_writer') IS NULL THEN
		CREATE ROLE litopys_keys_writer NOLOGIN;
	END IF;
	IF to_regrole('litopys_keys_rotator') IS NULL THEN
		CREATE ROLE litopys_keys_rotator NOLOGIN;
	END IF;
	IF to_regrole('litopys_keys_auditor') IS NULL THEN
		CREATE ROLE litopys_keys_auditor NOLOGIN;
	END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
	NULL; -- another database of the server was given them at the same moment
END $$;

GRANT USAGE ON SCHEMA litopys_keys TO litopys_keys_writer, litopys_keys_auditor;

REVOKE ALL ON ALL TABLES IN SCHEMA litopys_keys FROM litopys_keys_writer, litopys_keys_rotator, litopys_keys_auditor;

GRANT SELECT, INSERT ON litopys_keys.meta, litopys_keys.masters, litopys_keys.keys, litopys_keys.secrets,
	litopys_keys.tags, litopys_keys.buckets, litopys_keys.closed TO litopys_keys_writer;
GRANT SELECT ON litopys_keys.migrations TO litopys_keys_writer, litopys_keys_auditor;
GRANT UPDATE (followed, changes) ON litopys_keys.meta TO litopys_keys_writer;
GRANT UPDATE (state, until, rule, changed, destroyed, through, owed) ON litopys_keys.keys TO litopys_keys_writer;
GRANT UPDATE (through) ON litopys_keys.closed TO litopys_keys_writer;
GRANT EXECUTE ON FUNCTION litopys_keys.erase(smallint, uuid[]), litopys_keys.name_tombstone(uuid, uuid, timestamptz) TO litopys_keys_writer;

GRANT litopys_keys_writer TO litopys_keys_rotator;
GRANT UPDATE (rotating, rotations) ON litopys_keys.meta TO litopys_keys_rotator;
GRANT EXECUTE ON FUNCTION litopys_keys.rewrap(smallint, uuid, uuid[], bytea[]), litopys_keys.erase_masters(uuid[]) TO litopys_keys_rotator;

GRANT SELECT ON litopys_keys.keys, litopys_keys.closed TO litopys_keys_auditor;
GRANT SELECT (one, ledger, followed, changes) ON litopys_keys.meta TO litopys_keys_auditor;
