package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"imagine.ua/litopys/projections"
)

// The errors of this backend, beside those of the contract; compare with errors.Is.
var (
	// ErrUnavailable: the database cannot be reached, or went away. Nothing is known to be wrong with it.
	ErrUnavailable = errors.New("PostgreSQL cannot be reached")
	// ErrFull: the server has no space left. Nothing of the batch is written.
	ErrFull = errors.New("PostgreSQL has no space left")
	// ErrForbidden: the role may not do this; RolesSQL says what it needs.
	ErrForbidden = errors.New("the role may not do this in PostgreSQL; see the roles script")
	// ErrBusy: somebody reads a view that is to be replaced, or holds another lock, for longer than Patience.
	ErrBusy = errors.New("somebody holds a lock in PostgreSQL")
	// ErrDependent: other objects of the database use a view whose columns change, and would break.
	ErrDependent = errors.New("other objects in PostgreSQL depend on a view that changes its columns; drop them first")
	// ErrOutcome: the connection was lost while a change was being committed, and the server could not say
	// since whether it was. Look at the builds.
	ErrOutcome = errors.New("PostgreSQL cannot say whether the change was made")
)

// The codes that something hangs on (PostgreSQL, appendix A).
const (
	classConnection     = "08"
	uniqueViolation     = "23505"
	invalidPassword     = "28P01"
	invalidAuth         = "28000"
	dependentObjects    = "2BP01"
	noSuchDatabase      = "3D000"
	noSuchSchema        = "3F000"
	serialization       = "40001"
	deadlock            = "40P01"
	forbidden           = "42501"
	invalidDefinition   = "42P16"
	noSuchColumn        = "42703"
	noSuchTable         = "42P01"
	diskFull            = "53100"
	tooManyConnections  = "53300"
	lockNotAvailable    = "55P03"
	queryCanceled       = "57014"
	adminShutdown       = "57P01"
	crashShutdown       = "57P02"
	cannotConnectNow    = "57P03"
	idleSessionTimeout  = "57P05"
	idleInTransaction   = "25P03"
	transactionTimeout  = "25P04"
	readOnlyTransaction = "25006"
)

// code gives the server's code, or "".
func code(err error) string {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// lost tells whether the connection, not the request, is what failed.
func lost(err error) bool {
	switch c := code(err); c {
	case "":
	case adminShutdown, crashShutdown, cannotConnectNow, idleSessionTimeout, idleInTransaction, transactionTimeout, tooManyConnections:
		return true
	default:
		return strings.HasPrefix(c, classConnection)
	}
	var network net.Error
	var connect *pgconn.ConnectError
	var number syscall.Errno
	return errors.Is(err, errConnectionGone) || errors.As(err, &connect) || errors.As(err, &network) || errors.As(err, &number) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// errConnectionGone marks errors after which the connection was found closed, whatever the driver says.
var errConnectionGone = errors.New("connection closed")

// passing tells whether the same request may succeed a moment later.
func passing(err error) bool {
	switch code(err) {
	case serialization, deadlock, lockNotAvailable:
		return true
	}
	return lost(err)
}

// translate gives the error that callers compare with. The context's own error comes first, since the driver
// reports a cancelled query in many ways. The server's detail and its quotation of values are left out: they
// may hold what stands in a row.
func translate(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("read models: %s: %w", what, context.Cause(ctx))
	}
	return fmt.Errorf("read models: %s: %w", what, kind(err))
}

func kind(err error) error {
	switch code(err) {
	case uniqueViolation, noSuchTable, noSuchSchema:
		return fmt.Errorf("%w: %w", projections.ErrConflict, err)
	case diskFull:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case forbidden, invalidPassword, invalidAuth, readOnlyTransaction:
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	case noSuchDatabase:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case dependentObjects:
		return fmt.Errorf("%w: %w", ErrDependent, err)
	case serialization, deadlock, lockNotAvailable:
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	if lost(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
