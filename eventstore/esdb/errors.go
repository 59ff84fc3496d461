package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"imagine.ua/litopys/eventstore"
)

// ErrUnavailable says that the server cannot be reached, or gave no answer, as often as was tried. Nothing is
// known to be wrong with it.
var ErrUnavailable = errors.New("EventStoreDB cannot be reached")

// fate is what an error of the client means for the call.
type fate int

const (
	fateUnknown     fate = iota // it may have been done or not
	fateUnsent                  // it never left
	fateClosed                  // it never left, and the client is dead
	fateUnavailable             // unknown, and the connection is of no use
	fateNotLeader               // refused by a follower; the client turns to the leader
	fateLost                    // the server answered and the client threw the answer away
	fateConflict                // wrong expected revision
	fateMissing                 // no such stream
	fateDeleted                 // tombstoned stream
	fateDenied                  // no right, or bad credentials
	fateTooLarge                // refused for its size
	fateInvalid                 // refused for its form; for a read: a position that is no record
)

// written tells that the events of a failed append may stand in the log.
func (f fate) written() bool {
	return f == fateUnknown || f == fateUnavailable || f == fateLost
}

// final tells that trying again gives the same answer.
func (f fate) final() bool { return f >= fateConflict }

// judge reads an error of the client. Some of them are *esdb.Error, some wrap one (esdb.FromError does not
// look inside), and subscriptions give bare statuses.
func judge(err error) fate {
	var u unsent
	if errors.As(err, &u) {
		return fateUnsent
	}
	var e *esdb.Error
	if !errors.As(err, &e) {
		return judgeStatus(err)
	}
	switch e.Code() {
	case esdb.ErrorCodeWrongExpectedVersion:
		return fateConflict
	case esdb.ErrorCodeStreamDeleted:
		return fateDeleted
	case esdb.ErrorCodeAccessDenied, esdb.ErrorCodeUnauthenticated, esdb.ErrorCodeUnsupportedFeature:
		return fateDenied
	case esdb.ErrorCodeNotLeader:
		return fateNotLeader
	case esdb.ErrorCodeConnectionClosed:
		return fateClosed
	case esdb.ErrorUnavailable:
		return fateUnavailable
	case esdb.ErrorCodeResourceNotFound:
		// The message "no such stream" comes without a status. The status NotFound is a follower that
		// could not name the leader: taken for a missing stream, it would hide the whole ledger.
		if _, fromServer := statusOf(err); fromServer {
			return fateUnknown
		}
		return fateMissing
	}
	return judgeStatus(err)
}

func judgeStatus(err error) fate {
	s, fromServer := statusOf(err)
	if !fromServer {
		// "could not send append request ... EOF": the server has answered before everything was sent.
		if errors.Is(err, io.EOF) {
			return fateLost
		}
		return fateUnknown
	}
	switch s.Code() {
	case codes.InvalidArgument:
		if strings.Contains(s.Message(), "Maximum Append") {
			return fateTooLarge // the trailers that say so are not passed on by the client
		}
		return fateInvalid
	case codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented:
		return fateDenied
	case codes.Unavailable:
		return fateUnavailable
	}
	return fateUnknown
}

// statusOf finds a gRPC status anywhere in the chain.
func statusOf(err error) (*status.Status, bool) {
	var s interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &s) {
		return nil, false
	}
	return s.GRPCStatus(), true
}

// explain turns a final error into one of the contract's.
func (s *Store) explain(op, stream string, err error) error {
	switch judge(err) {
	case fateDeleted:
		return s.damage(stream, "the stream is tombstoned")
	case fateTooLarge:
		return fmt.Errorf("%s %s: %w: %w", op, stream, eventstore.ErrTooLarge, err)
	case fateInvalid:
		return fmt.Errorf("%s %s: %w: %w", op, stream, eventstore.ErrInvalid, err)
	}
	return fmt.Errorf("%s %s: %w", op, stream, err)
}

func (s *Store) damage(stream, detail string) error {
	return &eventstore.CorruptError{File: s.place, Place: "stream " + stream, Detail: detail}
}

// over gives the context's error, or ErrClosed when the store's closing ended it, or nil while it lives. The
// client hides it: a cancelled call is an unknown error to it.
func over(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), eventstore.ErrClosed) {
		return eventstore.ErrClosed
	}
	return ctx.Err()
}
