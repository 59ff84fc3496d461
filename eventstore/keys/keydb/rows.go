package keydb

import (
	"context"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// row is a key as it stands in the file.
type row struct {
	n       int64
	key     keys.Key // without secret
	master  int64
	wrapped []byte
}

const (
	bare     = "k.n, k.id, k.subject, k.field, k.epoch, k.state, k.until, k.rule, k.master"
	columns  = bare + ", s.wrapped"
	fromKeys = " FROM keys k LEFT JOIN secrets s ON s.n = k.n "

	byID      = "SELECT " + columns + fromKeys + "WHERE k.id = ?"
	byRef     = "SELECT " + columns + fromKeys + "WHERE k.subject = ? AND k.field = ? AND k.epoch = ?"
	bySubject = "SELECT " + columns + fromKeys + "WHERE k.subject = ? ORDER BY k.n"
	byNumber  = "SELECT " + columns + fromKeys + "WHERE k.n > ? ORDER BY k.n LIMIT 1000"
	liveOf    = "SELECT " + columns + fromKeys + "WHERE k.subject = ? AND k.field = ? AND k.state = 1"

	retainedThrough = "SELECT " + columns + fromKeys + "WHERE k.subject = ? AND k.field = ? AND k.state = 2 AND k.through = ?"
)

func scan(s *sqlite3.Stmt) row {
	return row{
		n: s.ColumnInt64(0),
		key: keys.Key{
			ID: sqlite.ColumnUUID(s, 1),
			Ref: keys.Ref{
				Subject: domain.SubjectID{UUID: sqlite.ColumnUUID(s, 2)},
				Field:   domain.Field(s.ColumnText(3)),
				Epoch:   domain.Epoch(s.ColumnText(4)),
			},
			State: keys.State(s.ColumnInt(5)),
			Until: sqlite.ColumnTime(s, 6),
			Rule:  s.ColumnText(7),
		},
		master:  s.ColumnInt64(8),
		wrapped: s.ColumnBlob(9, nil),
	}
}

func find(conn *sqlite.Conn, query string, args ...any) (r row, found bool, err error) {
	found, err = conn.Row(func(s *sqlite3.Stmt) { r = scan(s) }, query, args...)
	return r, found, err
}

func findRef(conn *sqlite.Conn, ref keys.Ref) (row, bool, error) {
	return find(conn, byRef, ref.Subject.UUID, string(ref.Field), string(ref.Epoch))
}

// unwrap gives the key with its secret, or the bare key when it is destroyed.
func (r row) unwrap(ctx context.Context, conn *sqlite.Conn, m masters) (keys.Key, error) {
	if r.key.State == keys.Destroyed {
		return r.key, nil
	}
	master, err := m.get(ctx, conn, r.master)
	if err != nil {
		return keys.Key{}, err
	}
	key, err := master.Unwrap(r.key, r.wrapped)
	if err != nil {
		return keys.Key{}, damaged(conn.Path(), r.key)
	}
	return key, nil
}

func damaged(path string, k keys.Key) error {
	return corrupt(path, "key "+k.ID.String(), "wrapped bytes do not open")
}

// closedThrough reports whether the epoch is closed by a mark, whether or not it ever had a key.
func closedThrough(conn *sqlite.Conn, ref keys.Ref) (bool, error) {
	kind, _ := keys.KindOf(ref.Epoch)
	var through domain.Epoch
	found, err := conn.Row(func(s *sqlite3.Stmt) { through = domain.Epoch(s.ColumnText(0)) },
		"SELECT through FROM closed WHERE subject = ? AND field = ? AND kind = ?",
		ref.Subject.UUID, string(ref.Field), string(kind))
	return found && !keys.Earlier(through, ref.Epoch), err
}
