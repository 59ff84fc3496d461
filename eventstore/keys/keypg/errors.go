package keypg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"imagine.ua/litopys/eventstore"
)

const (
	// firstPause and longestPause bound the wait between two attempts.
	firstPause   = 20 * time.Millisecond
	longestPause = 2 * time.Second
	// attemptTimeout bounds one attempt against a server that neither answers nor hangs up. The longest
	// honest attempt is a destruction in every shelf of a large store.
	attemptTimeout = 5 * time.Minute
)

// ErrUnavailable says that the database cannot be reached, or went away, for longer than the patience of the
// call. Nothing is known to be wrong with it.
var ErrUnavailable = errors.New("key store: PostgreSQL cannot be reached")

// errStale says that another process has changed what an attempt had read.
var errStale = errors.New("changed by another process")

// SQLSTATE codes, from the appendix of PostgreSQL's manual.
const (
	codeDiskFull       = "53100"
	codeNoPermission   = "42501"
	codeNoTable        = "42P01"
	codeNoColumn       = "42703"
	codeNoFunction     = "42883"
	codeDataCorrupted  = "XX001"
	codeIndexCorrupted = "XX002"
)

// passing are the codes of troubles that go away by themselves.
var passing = map[string]bool{
	"57P01": true, // admin_shutdown: also pg_terminate_backend
	"57P02": true, // crash_shutdown
	"57P03": true, // cannot_connect_now: starting or stopping
	"25P03": true, // idle_in_transaction_session_timeout
	"40001": true, // serialization_failure
	"40P01": true, // deadlock_detected
	"55P03": true, // lock_not_available: a reader is in the way of a destruction
	"53300": true, // too_many_connections
}

// isPassing tells whether another attempt may succeed. Every call may be attempted again after any error,
// also when it was committed without our hearing of it: what it did is found, and not done twice.
func isPassing(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return passing[server.Code] || strings.HasPrefix(server.Code, "08")
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.Is(err, errStale) || pgconn.SafeToRetry(err) || errors.As(err, &network) || errors.As(err, &connect) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// translate gives an error of the driver the name that the contract has for it.
func (b *backend) translate(err error) error {
	if err != nil && isPassing(err) {
		// In words: a socket that is not there would be taken for a key store that is not there.
		return fmt.Errorf("%w: %s", ErrUnavailable, err.Error())
	}
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return err
	}
	switch server.Code {
	case codeDiskFull:
		return fmt.Errorf("key store: %w: %w", eventstore.ErrFull, err)
	case codeDataCorrupted, codeIndexCorrupted:
		return b.corrupt("structure", server.Message)
	case codeNoTable, codeNoColumn, codeNoFunction:
		return b.corrupt("schema", server.Message)
	case codeNoPermission:
		return fmt.Errorf("key store: the role lacks a right (see RolesScript): %w", err)
	}
	return err
}

func (b *backend) corrupt(place, detail string) error {
	return &eventstore.CorruptError{File: b.name, Place: place, Detail: detail}
}

// attempt does something again, with pauses, until it succeeds, or fails for a reason that lasts, or
// patience ends.
func (b *backend) attempt(ctx context.Context, do func(context.Context) error) error {
	patience := time.Now().Add(b.cfg.Patience)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := once(ctx, do)
		b.note(ctx, err)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if !isPassing(err) || time.Now().After(patience) {
			return b.translate(err)
		}
		if errors.Is(err, errStale) {
			pause = firstPause
		}
		timer := time.NewTimer(pause/2 + rand.N(pause/2)) //nolint:gosec // jitter is no secret
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// note tells the log when trouble begins and when it has passed, whichever call meets it.
func (b *backend) note(ctx context.Context, err error) {
	switch {
	case err == nil:
		if b.trouble.CompareAndSwap(true, false) {
			b.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "key store goes on", slog.String("store", b.name))
		}
	case ctx.Err() == nil && isPassing(err) && !errors.Is(err, errStale):
		if b.trouble.CompareAndSwap(false, true) {
			b.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "key store has trouble, and tries again", slog.String("store", b.name), slog.Any("error", err))
		}
	}
}

func once(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return do(ctx)
}
