-- Each transaction leaves its name here, until the next one on its connection: whoever lost the answer to a
-- commit finds out by leaving the same name again. The server's own transaction ids cannot tell: after a crash
-- it may give an id a second time, when nothing of the first transaction had reached the disk.
CREATE TABLE {state}.outcomes (
	id   uuid        PRIMARY KEY,
	made timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
