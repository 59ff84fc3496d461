//go:build linux

package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"imagine.ua/litopys/eventstore/pgtest"
	"imagine.ua/litopys/projections/projtest"
)

// The server's disk is full in the middle of a load: nothing of the batch is written, the error says why,
// readers see what they saw, and when there is room the run goes on from where it stood.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Config{})
	dir := filepath.Join(filepath.Dir(server.DataDir()), "small")
	must(t, os.Mkdir(dir, 0o700))
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("a small file system can't be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	var owner unix.Stat_t
	must(t, unix.Stat(server.DataDir(), &owner))
	must(t, os.Chown(dir, int(owner.Uid), int(owner.Gid)))
	pgtest.Exec(t, server.URL("postgres"), fmt.Sprintf("CREATE TABLESPACE small LOCATION '%s'", dir))
	pgtest.Exec(t, server.URL("postgres"), "CREATE DATABASE small TEMPLATE template0 TABLESPACE small")
	b := open(t, Config{URL: server.URL("small")})
	log, crowd := people(3, 500)
	e := engine(t, log, b)
	must(t, e.CatchUp(t.Context()))
	before := projtest.Read(t, b, projtest.All())
	log.Append(crowd.Some(40_000)...)
	want(t, e.CatchUp(t.Context()), ErrFull)
	if after := projtest.Read(t, b, projtest.All()); after.Rows() < before.Rows() {
		t.Errorf("%d rows, there were %d", after.Rows(), before.Rows())
	}
	must(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=400m"))
	must(t, e.CatchUp(t.Context()))
	sameAsRebuilt(t, log, b)
	must(t, b.Close())
	server.Stop(t) // before its file system goes
}
