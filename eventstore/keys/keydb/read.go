package keydb

import (
	"context"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// Find gives the subjects under which the tag is recorded with a live key of the field, in the order in
// which their keys were made.
func (s *Store) Find(ctx context.Context, field domain.Field, tag keys.Tag) ([]domain.SubjectID, error) {
	var out []domain.SubjectID
	seen := map[domain.SubjectID]bool{}
	err := s.writer.read(ctx, func(conn *sqlite.Conn) error {
		for row, err := range conn.Rows(`SELECT k.subject FROM buckets b JOIN tags t ON t.n = b.tag JOIN keys k ON k.n = t.key
			WHERE b.bucket = ? AND t.tag = ? AND k.field = ? AND k.state = 1 ORDER BY k.n`, int(tag.Bucket()), tag[:], string(field)) {
			if err != nil {
				return err
			}
			if id := (domain.SubjectID{UUID: sqlite.ColumnUUID(row, 0)}); !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		}
		return nil
	})
	return out, err
}

// Of lists the keys of a subject in the order in which they were made, tombstones included, without secrets.
func (s *Store) Of(ctx context.Context, subject domain.SubjectID) ([]keys.Key, error) {
	var out []keys.Key
	err := s.writer.read(ctx, func(conn *sqlite.Conn) error {
		for row, err := range conn.Rows(bySubject, subject.UUID) {
			if err != nil {
				return err
			}
			out = append(out, scan(row).key)
		}
		return nil
	})
	return out, err
}

// Followed gives the position up to which Follow has been told everything.
func (s *Store) Followed(ctx context.Context) (position uint64, err error) {
	err = s.writer.read(ctx, func(conn *sqlite.Conn) error {
		_, err := conn.Row(func(row *sqlite3.Stmt) { position = uint64(row.ColumnInt64(0)) }, "SELECT followed FROM meta")
		return err
	})
	return position, err
}

// Verify checks the whole file: its structure, and that every key which is not destroyed opens. It gives the
// first damage as a *eventstore.CorruptError. It reads beside the other calls, but a destruction waits for
// each of its steps.
func (s *Store) Verify(ctx context.Context) error {
	err := s.writer.read(ctx, func(conn *sqlite.Conn) error {
		finding := ""
		if _, err := conn.Row(func(row *sqlite3.Stmt) { finding = row.ColumnText(0) }, "PRAGMA integrity_check(1)"); err != nil {
			return err
		}
		if finding != "ok" {
			return corrupt(s.writer.cfg.Path, "structure", finding)
		}
		return nil
	})
	for after := int64(0); err == nil && after >= 0; {
		after, err = s.verifySome(ctx, after)
	}
	return err
}

// verifySome opens the next keys and gives the number of the last, or -1 at the end.
func (s *Store) verifySome(ctx context.Context, after int64) (last int64, err error) {
	last = -1
	err = s.writer.read(ctx, func(conn *sqlite.Conn) error {
		var rows []row
		for stmt, err := range conn.Rows(byNumber, after) {
			if err != nil {
				return err
			}
			rows = append(rows, scan(stmt))
		}
		for _, r := range rows {
			if _, err := r.unwrap(ctx, conn, s.writer.masters); err != nil {
				return err
			}
			last = r.n
		}
		return ctx.Err()
	})
	return last, err
}
