package keydb

// format is the number of the layout below; a store with another one is not opened.
const format = 1

// schema is the layout. Times are microseconds since 1970 UTC, ids 16 bytes.
const schema = `
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
