package keypg

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// shelves is into how many tables the wrapped keys are cut; the first migration has made so many.
const shelves = 64

// row is a key as it stands in the database.
type row struct {
	key     keys.Key // without secret
	shelf   int16
	master  uuid.UUID    // zero when the ref was closed before a key was made
	wrapped []byte       // nil when destroyed
	through domain.Epoch // of the fate through the field that has retained it
}

const (
	columns = "k.id, k.subject, k.field, k.epoch, k.state, k.until, k.rule, k.shelf, k.master, k.through "

	byIDs  = "SELECT w.i, " + columns + "FROM unnest($1::uuid[]) WITH ORDINALITY AS w (id, i) JOIN litopys_keys.keys k ON k.id = w.id"
	byRefs = "SELECT w.i, " + columns + `FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS w (subject, field, epoch, i)
		JOIN litopys_keys.keys k ON k.subject = w.subject AND k.field = w.field AND k.epoch = w.epoch`
	byFields = "SELECT k.n, " + columns + `FROM unnest($1::uuid[], $2::text[]) AS w (subject, field)
		JOIN litopys_keys.keys k ON k.subject = w.subject AND k.field = w.field`
	bySubject = "SELECT k.n, " + columns + "FROM litopys_keys.keys k WHERE k.subject = $1 ORDER BY k.n"
	byPages   = "SELECT k.n, " + columns + "FROM litopys_keys.keys k WHERE k.id > $1 ORDER BY k.id LIMIT 1000"

	// The master key is read once more, by the very statement that reads the bytes: a rotation changes both.
	wrappedOf = `SELECT s.key, s.wrapped, k.master FROM unnest($1::smallint[], $2::uuid[]) AS w (shelf, key)
		JOIN litopys_keys.secrets s ON s.shelf = w.shelf AND s.key = w.key JOIN litopys_keys.keys k ON k.id = w.key`
)

// states are the names of the states in the database.
var states = map[string]keys.State{
	keys.Live.String(): keys.Live, keys.Retained.String(): keys.Retained, keys.Destroyed.String(): keys.Destroyed,
}

// scan reads a row, without its wrapped bytes, and the number before it.
func scan(rows pgx.Rows, more ...any) (number int64, r row, err error) {
	var (
		field, epoch, state string
		until               *time.Time
		rule                *string
		through             *string
		master              *uuid.UUID
	)
	err = rows.Scan(append([]any{&number, &r.key.ID, &r.key.Ref.Subject.UUID, &field, &epoch, &state, &until, &rule, &r.shelf, &master, &through}, more...)...)
	if err != nil {
		return 0, r, err
	}
	r.key.Ref.Field, r.key.Ref.Epoch = domain.Field(field), domain.Epoch(epoch)
	r.key.State = states[state]
	if until != nil {
		r.key.Until = until.UTC()
	}
	if rule != nil {
		r.key.Rule = *rule
	}
	if master != nil {
		r.master = *master
	}
	if through != nil {
		r.through = domain.Epoch(*through)
	}
	return number, r, nil
}

// numbered is a row with its place in what was asked for, from 1.
type numbered struct {
	row
	number int64
}

// collect gives the rows of a query, without their wrapped bytes.
func collect(ctx context.Context, q querier, query string, args ...any) ([]numbered, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows)
}

func scanAll(rows pgx.Rows) (all []numbered, err error) {
	defer rows.Close()
	for rows.Next() {
		number, r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, numbered{row: r, number: number})
	}
	return all, rows.Err()
}

// addWrapped adds the wrapped bytes to the rows and tells whether none is missing.
func addWrapped(ctx context.Context, q querier, all []numbered) (whole bool, err error) {
	var shelf []int16
	var ids []uuid.UUID
	for _, r := range all {
		if r.key.State != keys.Destroyed {
			shelf, ids = append(shelf, r.shelf), append(ids, r.key.ID)
		}
	}
	if len(ids) == 0 {
		return true, nil
	}
	rows, err := q.Query(ctx, wrappedOf, shelf, ids)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	type stored struct {
		wrapped []byte
		master  uuid.UUID
	}
	found := make(map[uuid.UUID]stored, len(ids))
	for rows.Next() {
		var id uuid.UUID
		var s stored
		if err := rows.Scan(&id, &s.wrapped, &s.master); err != nil {
			return false, err
		}
		found[id] = s
	}
	whole = true
	for i, r := range all {
		if s, ok := found[r.key.ID]; ok {
			all[i].wrapped, all[i].master = s.wrapped, s.master
		}
		whole = whole && (r.key.State == keys.Destroyed || all[i].wrapped != nil)
	}
	return whole, rows.Err()
}

// unwrap gives the key with its secret, or the bare key when it is destroyed.
func (b *backend) unwrap(ctx context.Context, r row) (keys.Key, error) {
	if r.key.State == keys.Destroyed {
		return r.key, nil
	}
	master, err := b.masters.get(ctx, r.master)
	if err != nil {
		return keys.Key{}, err
	}
	key, err := master.Unwrap(r.key, r.wrapped)
	if err != nil {
		return keys.Key{}, b.corrupt("key "+r.key.ID.String(), "wrapped bytes do not open")
	}
	return key, nil
}

// refArrays cuts addresses into the arrays of byRefs.
func refArrays(refs []keys.Ref) (subjects []uuid.UUID, fields, epochs []string) {
	for _, r := range refs {
		subjects, fields, epochs = append(subjects, r.Subject.UUID), append(fields, string(r.Field)), append(epochs, string(r.Epoch))
	}
	return subjects, fields, epochs
}

// place is a field of a subject with one way of counting its epochs.
type place struct {
	subject domain.SubjectID
	field   domain.Field
	kind    keys.EpochKind
}

func placeOf(r keys.Ref) place {
	kind, _ := keys.KindOf(r.Epoch)
	return place{subject: r.Subject, field: r.Field, kind: kind}
}

const marksOf = `SELECT c.subject, c.field, c.kind, c.through FROM unnest($1::uuid[], $2::text[], $3::text[]) AS w (subject, field, kind)
	JOIN litopys_keys.closed c ON c.subject = w.subject AND c.field = w.field AND c.kind = w.kind`

// markArgs are the arguments of marksOf for the refs.
func markArgs(refs []keys.Ref) []any {
	wanted := map[place]bool{}
	var subjects []uuid.UUID
	var fields, kinds []string
	for _, r := range refs {
		if p := placeOf(r); !wanted[p] {
			wanted[p] = true
			subjects, fields, kinds = append(subjects, p.subject.UUID), append(fields, string(p.field)), append(kinds, string(p.kind))
		}
	}
	return []any{subjects, fields, kinds}
}

// readMarks gives the epochs through which the fields of the refs are closed.
func readMarks(ctx context.Context, q querier, refs []keys.Ref) (map[place]domain.Epoch, error) {
	rows, err := q.Query(ctx, marksOf, markArgs(refs)...)
	if err != nil {
		return nil, err
	}
	return scanMarks(rows)
}

func scanMarks(rows pgx.Rows) (map[place]domain.Epoch, error) {
	defer rows.Close()
	marks := map[place]domain.Epoch{}
	for rows.Next() {
		var p place
		var field, kind, through string
		if err := rows.Scan(&p.subject.UUID, &field, &kind, &through); err != nil {
			return nil, err
		}
		p.field, p.kind = domain.Field(field), keys.EpochKind(kind)
		marks[p] = domain.Epoch(through)
	}
	return marks, rows.Err()
}

// isClosed reports whether the marks close the ref, whether or not it ever had a key.
func isClosed(marks map[place]domain.Epoch, ref keys.Ref) bool {
	through, ok := marks[placeOf(ref)]
	return ok && !keys.Earlier(through, ref.Epoch)
}

// shelfOf spreads subjects over the shelves; subject ids are random.
func shelfOf(s domain.SubjectID) int16 { return int16(s.UUID[15] % shelves) }
