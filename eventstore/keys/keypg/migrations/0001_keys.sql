-- The key store. Ids are uuid, times timestamptz, secrets and tags bytea.
--
-- What erasure must remove (wrapped keys, tags) stands in tables of its own, cut into 64 shelves by the
-- subject, and is removed by rewriting a shelf: see the package comment.

CREATE TABLE litopys_keys.meta (
	one      boolean PRIMARY KEY DEFAULT true CHECK (one),
	ledger   uuid NOT NULL,
	probe    bytea NOT NULL, -- wrapped by the key-management service: opens only with the right one
	indexkey bytea NOT NULL, -- secret of the blind index, wrapped by the key-management service
	followed bigint NOT NULL DEFAULT 0, -- position of the log up to which fates are carried out, bits of a u64
	changes  bigint NOT NULL DEFAULT 0 CHECK (changes >= 0) -- number of the last change of any key's state
);

-- Master keys, one a month, wrapped by the key-management service.
CREATE TABLE litopys_keys.masters (
	id      uuid PRIMARY KEY,
	month   text NOT NULL UNIQUE CHECK (month ~ '^\d{4}-\d{2}$'),
	wrapped bytea NOT NULL,
	made    timestamptz NOT NULL DEFAULT now()
);

-- One row for each (subject, field, epoch). A destroyed key stays here as a tombstone.
CREATE TABLE litopys_keys.keys (
	n       bigint GENERATED ALWAYS AS IDENTITY, -- rises in the order in which keys are made
	id      uuid PRIMARY KEY,
	subject uuid NOT NULL,
	field   text COLLATE "C" NOT NULL CHECK (field <> ''),
	epoch   text COLLATE "C" NOT NULL CHECK (epoch <> ''),
	state   text NOT NULL CHECK (state IN ('live', 'retained', 'destroyed')),
	until   timestamptz,
	rule    text,
	master  uuid, -- masters.id, which nobody may delete; NULL when the ref was closed before a key was made
	shelf   smallint NOT NULL CHECK (shelf BETWEEN 0 AND 63),
	changed bigint NOT NULL DEFAULT 0, -- meta.changes of the last change of the state; 0 for none
	UNIQUE (subject, field, epoch),
	CHECK (state = 'destroyed' OR master IS NOT NULL),
	CHECK (state = 'retained' OR (until IS NULL AND rule IS NULL))
);
CREATE INDEX keys_changed ON litopys_keys.keys (changed) WHERE changed > 0;

-- States move forward only, whoever writes them.
CREATE FUNCTION litopys_keys.forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.state = 'destroyed' OR NEW.state = 'live' THEN
		RAISE EXCEPTION 'a key that is % does not become %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER forward BEFORE UPDATE OF state ON litopys_keys.keys FOR EACH ROW EXECUTE FUNCTION litopys_keys.forward();

-- Wrapped keys: nonce, ciphertext, tag. A destroyed key has no row.
CREATE TABLE litopys_keys.secrets (
	shelf   smallint NOT NULL,
	key     uuid NOT NULL,
	wrapped bytea NOT NULL CHECK (octet_length(wrapped) = 60),
	PRIMARY KEY (shelf, key)
) PARTITION BY LIST (shelf);

-- Blind-index tags. A destroyed key has none. No index may hold more of a tag than its bucket.
CREATE TABLE litopys_keys.tags (
	shelf smallint NOT NULL,
	key   uuid NOT NULL,
	tag   bytea NOT NULL CHECK (octet_length(tag) = 32)
) PARTITION BY LIST (shelf);
CREATE INDEX tags_key ON litopys_keys.tags (shelf, key);

-- ANALYZE would copy samples of the columns into the catalogue, where no erasure reaches them. Plain storage,
-- which the shelves take over, spares each of them a TOAST table that would be rewritten with it.
ALTER TABLE litopys_keys.secrets ALTER COLUMN wrapped SET STATISTICS 0, ALTER COLUMN wrapped SET STORAGE PLAIN;
ALTER TABLE litopys_keys.tags ALTER COLUMN tag SET STATISTICS 0, ALTER COLUMN tag SET STORAGE PLAIN;

DO $$
BEGIN
	FOR shelf IN 0 .. 63 LOOP
		EXECUTE format('CREATE TABLE litopys_keys.secrets_%1$s PARTITION OF litopys_keys.secrets FOR VALUES IN (%1$s)', shelf);
		EXECUTE format('CREATE TABLE litopys_keys.tags_%1$s PARTITION OF litopys_keys.tags FOR VALUES IN (%1$s)', shelf);
		EXECUTE format('ALTER TABLE litopys_keys.secrets_%s ALTER COLUMN wrapped SET STATISTICS 0', shelf);
		EXECUTE format('ALTER TABLE litopys_keys.tags_%s ALTER COLUMN tag SET STATISTICS 0', shelf);
	END LOOP;
END $$;

-- The way from a value to its tags: the first 16 bits of the tag, too few to tell one value from another.
CREATE TABLE litopys_keys.buckets (
	bucket integer NOT NULL CHECK (bucket BETWEEN 0 AND 65535),
	key    uuid NOT NULL,
	PRIMARY KEY (bucket, key)
);
CREATE INDEX buckets_key ON litopys_keys.buckets (key);

-- Fields of which every epoch up to this one is closed, whether or not it ever had a key.
CREATE TABLE litopys_keys.closed (
	subject uuid NOT NULL,
	field   text COLLATE "C" NOT NULL,
	kind    text NOT NULL CHECK (kind IN ('attribute', 'trace')),
	through text COLLATE "C" NOT NULL,
	PRIMARY KEY (subject, field, kind)
);

-- erase rewrites the shelf without the wrapped keys and tags of the given keys, which must be destroyed.
-- TRUNCATE gives a table new files and empties the old ones at the commit. It runs with its owner's rights,
-- so that nobody else needs the right to delete or overwrite a key.
CREATE FUNCTION litopys_keys.erase(shelf smallint, gone uuid[]) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = on AS $$
DECLARE
	kept  uuid[];
	bytes bytea[];
BEGIN
	IF EXISTS (SELECT FROM litopys_keys.keys k WHERE k.id = ANY (gone) AND k.state <> 'destroyed') THEN
		RAISE EXCEPTION 'only destroyed keys are erased' USING ERRCODE = 'check_violation';
	END IF;
	EXECUTE format('SELECT array_agg(key), array_agg(wrapped) FROM litopys_keys.secrets_%s WHERE key <> ALL ($1)', shelf)
		INTO kept, bytes USING gone;
	EXECUTE format('TRUNCATE litopys_keys.secrets_%s', shelf);
	EXECUTE format('INSERT INTO litopys_keys.secrets_%s (shelf, key, wrapped)
		SELECT $1, u.key, u.wrapped FROM unnest($2, $3) AS u (key, wrapped)', shelf) USING shelf, kept, bytes;

	DELETE FROM litopys_keys.buckets b WHERE b.key = ANY (gone);
	IF NOT FOUND THEN
		RETURN; -- no key had a tag
	END IF;
	EXECUTE format('SELECT array_agg(key), array_agg(tag) FROM litopys_keys.tags_%s WHERE key <> ALL ($1)', shelf)
		INTO kept, bytes USING gone;
	EXECUTE format('TRUNCATE litopys_keys.tags_%s', shelf);
	EXECUTE format('INSERT INTO litopys_keys.tags_%s (shelf, key, tag)
		SELECT $1, u.key, u.tag FROM unnest($2, $3) AS u (key, tag)', shelf) USING shelf, kept, bytes;
END $$;
REVOKE ALL ON FUNCTION litopys_keys.erase(smallint, uuid[]) FROM PUBLIC;
