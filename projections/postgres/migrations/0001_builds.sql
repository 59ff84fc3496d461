-- The books: which builds there are, what they are for, and the place in the log that their rows stand for.
CREATE TABLE {state}.builds (
	projection text COLLATE "C" NOT NULL CHECK (projection ~ '^[a-z][a-z0-9-]{0,31}$'),
	number     bigint           NOT NULL CHECK (number > 0),
	version    integer          NOT NULL CHECK (version > 0),
	state      text COLLATE "C" NOT NULL CHECK (state IN ('building', 'live', 'old')),
	log        uuid             NOT NULL,
	position   bigint           NOT NULL DEFAULT 0 CHECK (position >= 0),
	previous   bigint           NOT NULL DEFAULT 0,
	event      uuid             NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	events     bigint           NOT NULL DEFAULT 0 CHECK (events >= 0),
	indexed    boolean          NOT NULL,
	failure    jsonb            CHECK (jsonb_typeof(failure) = 'object'),
	schema     text COLLATE "C" NOT NULL UNIQUE,
	tables     text[]           NOT NULL CHECK (cardinality(tables) > 0),
	changed    timestamptz      NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (projection, number),
	-- Deferred, so that a rollback can exchange the live and the old build.
	CONSTRAINT builds_one_of_a_state UNIQUE (projection, state) DEFERRABLE INITIALLY DEFERRED,
	CONSTRAINT builds_mark CHECK (previous >= 0 AND (previous < position OR position = 0 AND previous = 0)),
	CONSTRAINT builds_shown_indexed CHECK (indexed OR state = 'building')
) WITH (fillfactor = 40); -- every batch updates a row; room on the page keeps that out of the indexes

-- Numbers are never given twice, also after the build is gone: they are part of the schema's name.
CREATE TABLE {state}.numbers (
	projection text COLLATE "C" PRIMARY KEY,
	last       bigint NOT NULL CHECK (last > 0)
);

-- Schemas to be dropped. A reader who came before the build was dropped may still be in its tables.
CREATE TABLE {state}.garbage (
	schema text COLLATE "C" PRIMARY KEY,
	since  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE SCHEMA IF NOT EXISTS {views};

CREATE VIEW {views}.projection_status AS
	SELECT projection, version, number, position, events, changed, failure IS NOT NULL AS stopped
	FROM {state}.builds WHERE state = 'live';
