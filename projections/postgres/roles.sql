-- Roles for the read models. An administrator runs this after the bookkeeping was made (Migrate), and again
-- after an update of the program; doing it twice changes nothing. Give the runner and the readers their
-- logins by granting them these roles, or by ALTER ROLE ... LOGIN.

DO $$ BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{runner}') THEN CREATE ROLE {runner} NOLOGIN; END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{reader}') THEN CREATE ROLE {reader} NOLOGIN; END IF;
	-- CREATE for the schema of each build.
	EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO {runner}', current_database());
	EXECUTE format('GRANT CONNECT ON DATABASE %I TO {reader}', current_database());
END $$;

-- The runner keeps the books and shows views, but cannot change the layout of the books.
GRANT USAGE ON SCHEMA {state} TO {runner};
GRANT SELECT ON {state}.migrations TO {runner};
GRANT SELECT, INSERT, UPDATE, DELETE ON {state}.builds, {state}.numbers, {state}.garbage, {state}.outcomes TO {runner};
GRANT USAGE, CREATE ON SCHEMA {views} TO {runner};

-- Readers see the views, those that stand now and those to come, and nothing else.
GRANT USAGE ON SCHEMA {views} TO {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA {views} TO {reader};
ALTER DEFAULT PRIVILEGES FOR ROLE {runner} IN SCHEMA {views} GRANT SELECT ON TABLES TO {reader};
