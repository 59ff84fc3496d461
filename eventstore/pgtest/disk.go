package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// diskMegabytes is the size of a small disk.
const diskMegabytes = 48

// Disk is a database that runs out of space when it is told to.
type Disk struct {
	// URL of the database.
	URL string
	// Real tells that the database has a small file system of its own, which Fill fills. Where this machine
	// lets nobody mount one, Fill puts triggers on the tables instead, which raise what the server raises.
	Real bool
}

// SmallDisk makes an empty database on a small disk, on a private server. The server is stopped at the end
// of the test.
func (s *Server) SmallDisk(t testing.TB) *Disk {
	t.Helper()
	dir := filepath.Join(s.dir, "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	unmount, err := mountSmall(dir, diskMegabytes)
	if err != nil {
		t.Logf("no small file system can be mounted here (%v): triggers say that the disk is full", err)
		return &Disk{URL: s.Database(t)}
	}
	t.Cleanup(func() {
		s.Stop(t) // before its file system goes
		if err := unmount(); err != nil {
			t.Error(err)
		}
	})
	if err := s.account.own(dir); err != nil {
		t.Fatal(err)
	}
	Exec(t, s.URL("postgres"), fmt.Sprintf("CREATE TABLESPACE small LOCATION '%s'", dir))
	Exec(t, s.URL("postgres"), "CREATE DATABASE small TEMPLATE template0 TABLESPACE small")
	return &Disk{URL: s.URL("small"), Real: true}
}

const (
	makeFiller = `CREATE TABLE public.filler (t text); ALTER TABLE public.filler ALTER COLUMN t SET STORAGE PLAIN`
	fillMuch   = `INSERT INTO public.filler SELECT repeat('x', 7900) FROM generate_series(1, 256)`
	fillLittle = `INSERT INTO public.filler VALUES (repeat('x', 7900))`

	refuseAll = `CREATE FUNCTION public.disk_full() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
	DO $$ DECLARE r record; BEGIN
		FOR r IN SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname LIKE 'litopys%' AND c.relkind = 'r' LOOP
			EXECUTE format('CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION public.disk_full()', r.name);
		END LOOP;
	END $$`
)

// Fill takes all the space there is: whoever wants more is told 53100.
func (d *Disk) Fill(t testing.TB) {
	t.Helper()
	if !d.Real {
		Exec(t, d.URL, refuseAll)
		return
	}
	Exec(t, d.URL, makeFiller)
	for _, fill := range []string{fillMuch, fillLittle} {
		for {
			err := execute(d.URL, fill)
			if isFull(err) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Free gives the space back.
func (d *Disk) Free(t testing.TB) {
	t.Helper()
	if !d.Real {
		Exec(t, d.URL, "DROP FUNCTION public.disk_full CASCADE")
		return
	}
	Exec(t, d.URL, "DROP TABLE public.filler")
}

func isFull(err error) bool {
	server, ok := errors.AsType[*pgconn.PgError](err)
	return ok && server.Code == "53100"
}
