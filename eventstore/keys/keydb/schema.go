package keydb

// layouts are the steps to the present layout: a new store takes all, an older one those that it lacks. Steps
// are only ever added, and their number is the format in table meta; a store with a greater one is not opened.
var layouts = [...]string{firstLayout, certificates}

// format is the number of the present layout.
const format = len(layouts)

// firstLayout: times are microseconds since 1970 UTC, ids 16 bytes.
const firstLayout = `
CREATE TABLE meta (
	one       INTEGER PRIMARY KEY CHECK (one = 1),
	format    INTEGER NOT NULL,
	ledger    BLOB NOT NULL CHECK (length(ledger) = 16),
	probe     BLOB NOT NULL, -- wrapped by the key-management service: opens only with the right one
	indexkey  BLOB NOT NULL, -- secret of the blind index, wrapped by the key-management service
	followed  INTEGER NOT NULL DEFAULT 0 -- position of the log up to which fates are carried out
) STRICT;

-- Master keys, one a month, wrapped by the key-management service.
CREATE TABLE masters (
	n       INTEGER PRIMARY KEY,
	id      BLOB NOT NULL CHECK (length(id) = 16),
	month   TEXT NOT NULL UNIQUE,
	wrapped BLOB NOT NULL
) STRICT;

-- One row for each (subject, field, epoch). A destroyed key stays here as a tombstone.
CREATE TABLE keys (
	n       INTEGER PRIMARY KEY,
	id      BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	subject BLOB NOT NULL CHECK (length(subject) = 16),
	field   TEXT NOT NULL,
	epoch   TEXT NOT NULL,
	state   INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
	until   INTEGER,
	rule    TEXT,
	master  INTEGER REFERENCES masters(n), -- NULL when the ref was closed before a key was made
	UNIQUE (subject, field, epoch)
) STRICT;

-- Wrapped keys; zeros when destroyed. Row ids equal keys.n and only rise: see the package comment.
CREATE TABLE secrets (
	n       INTEGER PRIMARY KEY,
	wrapped BLOB NOT NULL CHECK (length(wrapped) = 60)
) STRICT;

-- Blind-index tags; zeros when destroyed. Row ids only rise: see the package comment.
CREATE TABLE tags (
	n   INTEGER PRIMARY KEY,
	key INTEGER NOT NULL,
	tag BLOB NOT NULL CHECK (length(tag) = 32)
) STRICT;
CREATE INDEX tags_key ON tags (key);

-- The way from a value to its tags: the first 16 bits of the tag.
CREATE TABLE buckets (
	bucket INTEGER NOT NULL,
	tag    INTEGER NOT NULL, -- tags.n
	PRIMARY KEY (bucket, tag)
) STRICT, WITHOUT ROWID;

-- Fields of which every epoch up to this one is closed, whether or not it ever had a key.
CREATE TABLE closed (
	subject BLOB NOT NULL,
	field   TEXT NOT NULL,
	kind    TEXT NOT NULL,
	through TEXT NOT NULL,
	PRIMARY KEY (subject, field, kind)
) STRICT, WITHOUT ROWID;
`

// certificates adds what sweeping, certificates and rotation need.
const certificates = `
ALTER TABLE meta ADD COLUMN rotating INTEGER; -- masters.n of a rotation that has not ended

ALTER TABLE keys ADD COLUMN destroyed INTEGER; -- when; for older stores when they got this column
ALTER TABLE keys ADD COLUMN through TEXT;      -- epoch of the fate through the field that has retained it
ALTER TABLE keys ADD COLUMN owed INTEGER;      -- 1 for a destroyed key that no certificate names yet

CREATE INDEX keys_due    ON keys (until, subject)  WHERE state = 2 AND until IS NOT NULL;
CREATE INDEX keys_open   ON keys (rule, subject)   WHERE state = 2 AND until IS NULL;
CREATE INDEX keys_traces ON keys (field, epoch)    WHERE state = 1 AND substr(epoch, 5, 1) = '-';
CREATE INDEX keys_master ON keys (master)          WHERE state < 3;
CREATE INDEX keys_owed   ON keys (subject)         WHERE owed = 1;
`
