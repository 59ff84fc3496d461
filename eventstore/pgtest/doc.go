// Package pgtest gives tests a PostgreSQL of their own.
//
// A server is made in a temporary folder from the binaries of this machine, answers on a unix socket and on a
// free loopback port, and is stopped and removed when the test process ends, however it ends: a watchdog
// process holds the other end of a pipe and acts when the pipe breaks. PostgreSQL refuses to run as root, so
// tests that do are served by the system user postgres (or nobody).
//
//	func TestX(t *testing.T) {
//		url := pgtest.Shared(t).Database(t) // a fresh database, dropped at the end of the test
//
// Shared is one server for each test process, started by the first test that wants it. A test that stops or
// restarts its server takes a private one from New. LITOPYS_TEST_POSTGRES=postgres://... makes Shared use an
// existing server instead, by a role that may create databases and roles; New still makes private ones.
//
// Trust and speed: everybody on this machine may log in, so nothing real belongs there. Unless Config.Fsync
// is set, the server does not sync (fsync, full_page_writes and synchronous_commit are off). It then survives
// its own sudden death (StopHard), because the operating system keeps what was written, and not the machine's.
package pgtest
