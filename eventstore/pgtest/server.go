package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// controlTimeout bounds a start or stop; recovery after StopHard is the longest of them.
	controlTimeout = 60 * time.Second
	// portTries is how often another port is tried when one was taken between being chosen and being used.
	portTries = 5
)

// Config says how a private server differs from the common one.
type Config struct {
	// Fsync makes commits durable against the death of the machine, as in production: for benchmarks.
	Fsync bool
	// Settings are lines of postgresql.conf: name to value, unquoted.
	Settings map[string]string
}

// settings of every server. The first group is about speed, the second about many tests at once.
func (c Config) settings() map[string]string {
	all := map[string]string{
		"shared_buffers": "128MB", "max_wal_size": "1GB", "autovacuum_naptime": "60s",

		"max_connections": "200", "log_min_messages": "warning", "log_line_prefix": "%m [%p] %d ",
		"unix_socket_permissions": "0777", "timezone": "UTC", "lc_messages": "C",
	}
	if !c.Fsync {
		all["fsync"], all["full_page_writes"], all["synchronous_commit"] = "off", "off", "off"
	}
	for name, value := range c.Settings {
		all[name] = value
	}
	return all
}

// Server is a PostgreSQL for tests. Its methods may be called by several goroutines, but for Restart, Stop,
// StopHard and Start, which belong to one.
type Server struct {
	private bool // made by New, for one test
	bin     string
	dir     string // temporary folder: data, socket, log
	account *account
	port    int
	base    *url.URL // of an existing server; nil for one of our own
	leash   *os.File // the watchdog acts when this is closed

	templates templates
}

// launch makes a server and starts it. On failure nothing is left behind.
func launch(cfg Config) (_ *Server, err error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	who, err := findAccount()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "litopys-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, account: who}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.remove())
		}
	}()
	if err = who.own(dir); err != nil {
		return nil, err
	}
	if err = s.guard(); err != nil {
		return nil, err
	}
	if err = s.run("initdb", "--pgdata", s.DataDir(), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8",
		"--locale", "C", "--no-sync", "--no-instructions"); err != nil {
		return nil, err
	}
	if err = s.configure(cfg); err != nil {
		return nil, err
	}
	return s, s.startAnywhere()
}

// guard starts the watchdog. It waits for the end of its input, which comes when this process closes the
// leash or dies, then stops the server and removes the folder.
func (s *Server) guard() error {
	const script = `trap '' INT TERM HUP; cd /; read -r _; "$1/pg_ctl" -D "$2/data" -m immediate -w stop; rm -rf "$2"`
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	dog := exec.Command("/bin/sh", "-c", script, "litopys-pg-watchdog", s.bin, s.dir) //nolint:gosec // own folder
	dog.Stdin, dog.Dir, dog.SysProcAttr = read, "/", s.account.attributes()
	if err := dog.Start(); err != nil {
		return errors.Join(err, read.Close(), write.Close())
	}
	go func() { _ = dog.Wait() }() // so that it is no zombie; its result interests nobody
	s.leash = write
	return read.Close()
}

// remove gives the server to the watchdog.
func (s *Server) remove() error {
	if s.leash != nil {
		return s.leash.Close()
	}
	return os.RemoveAll(s.dir)
}

func (s *Server) configure(cfg Config) error {
	f, err := os.OpenFile(filepath.Join(s.DataDir(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	var lines strings.Builder
	for name, value := range cfg.settings() {
		fmt.Fprintf(&lines, "%s = '%s'\n", name, strings.ReplaceAll(value, "'", "''"))
	}
	_, err = f.WriteString(lines.String())
	return errors.Join(err, f.Close())
}

// startAnywhere looks for a port that stays free until the server has it.
func (s *Server) startAnywhere() (err error) {
	for range portTries {
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.start(); err == nil {
			return nil
		}
	}
	return err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func (s *Server) start() error {
	options := fmt.Sprintf("-p %d -k %s -c listen_addresses=127.0.0.1", s.port, s.dir)
	return s.run("pg_ctl", "-D", s.DataDir(), "-l", s.logPath(), "-o", options, "-w", "-t", seconds(), "start")
}

func seconds() string { return strconv.Itoa(int(controlTimeout / time.Second)) }

func (s *Server) logPath() string { return filepath.Join(s.dir, "server.log") }

// run runs one of PostgreSQL's programs. Its output goes to a file, not to a pipe: the server that pg_ctl
// leaves behind would hold the pipe open.
func (s *Server) run(program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*controlTimeout)
	defer cancel()
	out, err := os.CreateTemp("", "litopys-pg-out-")
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(out.Close(), os.Remove(out.Name())) }()
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...) //nolint:gosec // the program we found
	cmd.Stdout, cmd.Stderr, cmd.Dir, cmd.SysProcAttr = out, out, "/", s.account.attributes()
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		log, _ := os.ReadFile(s.logPath())
		return fmt.Errorf("%s: %w\n%s%s", program, err, bytes.TrimSpace(said), tail(log))
	}
	return nil
}

func tail(log []byte) []byte { return log[max(0, len(log)-2000):] }

// DataDir is the server's data folder, or "" for an existing server whose files are out of reach.
func (s *Server) DataDir() string {
	if s.base != nil {
		return ""
	}
	return filepath.Join(s.dir, "data")
}

// URL is the connection string of a database, by the unix socket; of an existing server, as it was given.
func (s *Server) URL(database string) string {
	if s.base != nil {
		u := *s.base
		u.Path = "/" + database
		return u.String()
	}
	return fmt.Sprintf("postgres://postgres@/%s?host=%s&port=%d", database, url.QueryEscape(s.dir), s.port)
}

// TCP is the connection string of a database by the loopback interface.
func (s *Server) TCP(database string) string {
	if s.base != nil {
		return s.URL(database)
	}
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s", s.port, database)
}

// Restart stops the server in order, cutting every connection, and starts it again on the same address.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.Start(t)
}

// Stop stops the server in order (pg_ctl's mode fast): transactions are rolled back, connections cut.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.stop(t, "fast")
}

// StopHard stops the server at once, as if it had been killed: the next Start recovers from the WAL.
func (s *Server) StopHard(t testing.TB) {
	t.Helper()
	s.stop(t, "immediate")
}

func (s *Server) stop(t testing.TB, mode string) {
	t.Helper()
	s.requirePrivate(t)
	if err := s.run("pg_ctl", "-D", s.DataDir(), "-m", mode, "-w", "-t", seconds(), "stop"); err != nil {
		t.Fatal(err)
	}
}

// Start starts a stopped server on the address that it had.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.requirePrivate(t)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) requirePrivate(t testing.TB) {
	t.Helper()
	if !s.private {
		t.Fatal("pgtest: only a private server (New) may be stopped; others depend on the shared one")
	}
}
