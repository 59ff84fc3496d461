package keypg

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

const (
	dueKeys = "SELECT k.n, " + columns + `FROM litopys_keys.keys k WHERE k.state = 'retained' AND k.until IS NOT NULL AND k.until <= $1
		AND (k.until, k.subject, k.n) > ($2, $3, $4) ORDER BY k.until, k.subject, k.n LIMIT $5`
	openEnded = "SELECT k.n, " + columns + `FROM litopys_keys.keys k WHERE k.state = 'retained' AND k.until IS NULL AND k.rule = $1
		AND (k.subject, k.n) > ($2, $3) ORDER BY k.subject, k.n LIMIT $4`
	liveTraces = "SELECT k.n, " + columns + `FROM litopys_keys.keys k WHERE k.state = 'live' AND substr(k.epoch, 5, 1) = '-'
		AND k.field = $1 AND k.epoch < $2 AND (k.epoch, k.n) > ($3, $4) ORDER BY k.epoch, k.n LIMIT $5`
	owedKeys = `SELECT k.id, k.subject, k.field, k.epoch, k.destroyed, m.month FROM litopys_keys.keys k
		JOIN litopys_keys.masters m ON m.id = k.master WHERE k.owed ORDER BY k.subject, k.n LIMIT $1`
)

// Due lists the retained keys whose term has ended, by the end of the term and then by subject.
func (s *Store) Due(ctx context.Context, at time.Time, after keys.Cursor, limit int) ([]keys.Key, keys.Cursor, error) {
	return s.page(ctx, dueKeys, at, after.Until, after.Subject.UUID, after.N, limit)
}

// OpenEnded lists the retained keys without a known end that are kept by this rule, by subject.
func (s *Store) OpenEnded(ctx context.Context, rule string, after keys.Cursor, limit int) ([]keys.Key, keys.Cursor, error) {
	return s.page(ctx, openEnded, rule, after.Subject.UUID, after.N, limit)
}

// LiveTraces lists the live keys of a field's traces up to a month, by month.
func (s *Store) LiveTraces(ctx context.Context, field domain.Field, through domain.Month, after keys.Cursor, limit int) ([]keys.Key, keys.Cursor, error) {
	// Whatever generation a month has, "2015-05.9" too, stands before "2015-05~".
	return s.page(ctx, liveTraces, string(field), string(through)+"~", string(after.Epoch), after.N, limit)
}

// page reads one page of a list and gives its end.
func (s *Store) page(ctx context.Context, query string, args ...any) (page []keys.Key, end keys.Cursor, err error) {
	var rows []numbered
	err = s.read(ctx, func(ctx context.Context, q querier) (err error) {
		rows, err = collect(ctx, q, query, args...)
		return err
	})
	if err != nil {
		return nil, end, err
	}
	for _, r := range rows {
		page = append(page, r.key)
		end = keys.Cursor{Until: r.key.Until, Epoch: r.key.Ref.Epoch, Subject: r.key.Ref.Subject, N: r.number}
	}
	return page, end, nil
}

// Uncertified lists the destroyed keys that no certificate names yet, by subject.
func (s *Store) Uncertified(ctx context.Context, limit int) (gone []keys.Gone, err error) {
	err = s.read(ctx, func(ctx context.Context, q querier) error {
		rows, err := q.Query(ctx, owedKeys, limit)
		if err != nil {
			return err
		}
		gone, err = pgx.CollectRows(rows, scanGone)
		return err
	})
	return gone, err
}

func scanGone(row pgx.CollectableRow) (g keys.Gone, err error) {
	var field, epoch string
	err = row.Scan(&g.ID, &g.Ref.Subject.UUID, &field, &epoch, &g.At, &g.Master)
	g.Ref.Field, g.Ref.Epoch, g.At = domain.Field(field), domain.Epoch(epoch), g.At.UTC()
	return g, err
}

// Certified takes keys off that list.
func (s *Store) Certified(ctx context.Context, ids []uuid.UUID) error {
	return s.read(ctx, func(ctx context.Context, q querier) error {
		_, err := q.Exec(ctx, "UPDATE litopys_keys.keys SET owed = false WHERE id = ANY ($1) AND owed", ids)
		return err
	})
}

// Bury makes sure that the keys are gone. See keys.Certifier.
func (s *Store) Bury(ctx context.Context, gone []keys.Gone) (burial keys.Burial, err error) {
	err = s.Alone(ctx, func() error {
		return s.db.attempt(context.WithoutCancel(ctx), func(ctx context.Context) error {
			return s.db.turn(ctx, func(tx pgx.Tx) (err error) {
				burial, err = buryAll(ctx, tx, gone, s.db.cfg.Now())
				return err
			})
		})
	})
	if err == nil {
		err = s.db.Fresh(ctx)
	}
	return burial, err
}

// burying is the transaction of one Bury.
type burying struct {
	known map[uuid.UUID]keys.Key
	taken map[keys.Ref]row
	found keys.Burial
	fates []domain.Fate // of what is alive
}

func buryAll(ctx context.Context, tx pgx.Tx, gone []keys.Gone, now time.Time) (keys.Burial, error) {
	b := burying{known: map[uuid.UUID]keys.Key{}, taken: map[keys.Ref]row{}}
	if err := b.look(ctx, tx, gone); err != nil {
		return keys.Burial{}, err
	}
	for _, g := range gone {
		if err := b.one(ctx, tx, g); err != nil {
			return keys.Burial{}, err
		}
	}
	if len(b.fates) > 0 {
		if err := destroy(ctx, tx, b.fates, now); err != nil {
			return keys.Burial{}, err
		}
	}
	ids := make([]uuid.UUID, len(gone))
	for i, g := range gone {
		ids[i] = g.ID
	}
	_, err := tx.Exec(ctx, "UPDATE litopys_keys.keys SET owed = false WHERE id = ANY ($1) AND owed", ids)
	return b.found, err
}

// look reads what stands under the ids and the addresses.
func (b *burying) look(ctx context.Context, tx pgx.Tx, gone []keys.Gone) error {
	ids, refs := make([]uuid.UUID, len(gone)), make([]keys.Ref, len(gone))
	for i, g := range gone {
		ids[i], refs[i] = g.ID, g.Ref
	}
	rows, err := collect(ctx, tx, byIDs, ids)
	if err != nil {
		return err
	}
	for _, r := range rows {
		b.known[r.key.ID] = r.key
	}
	subjects, fields, epochs := refArrays(refs)
	if rows, err = collect(ctx, tx, byRefs, subjects, fields, epochs); err != nil {
		return err
	}
	for _, r := range rows {
		b.taken[r.key.Ref] = r.row
	}
	return nil
}

func (b *burying) one(ctx context.Context, tx pgx.Tx, g keys.Gone) error {
	if k, ok := b.known[g.ID]; ok {
		b.end(k)
		return nil
	}
	b.found.Unknown++
	r, taken := b.taken[g.Ref]
	switch {
	case !taken:
		_, err := tx.Exec(ctx, `INSERT INTO litopys_keys.keys (id, subject, field, epoch, state, shelf, destroyed)
			VALUES ($1, $2, $3, $4, 'destroyed', $5, $6)`,
			g.ID, g.Ref.Subject.UUID, string(g.Ref.Field), string(g.Ref.Epoch), shelfOf(g.Ref.Subject), g.At)
		return err
	case r.key.State == keys.Destroyed && r.master == uuid.Nil: // a tombstone that never was a key takes the name
		_, err := tx.Exec(ctx, "SELECT litopys_keys.name_tombstone($1, $2, $3)", r.key.ID, g.ID, g.At)
		return err
	case r.key.State != keys.Destroyed: // another key of the same address: nothing may be sealed under it
		b.end(r.key)
	}
	return nil
}

func (b *burying) end(k keys.Key) {
	if k.State == keys.Destroyed {
		b.found.Agreed++
		return
	}
	b.found.Destroyed++
	b.fates = append(b.fates, domain.Fate{Subject: k.Ref.Subject, Field: k.Ref.Field, Epoch: k.Ref.Epoch, Action: domain.Destroy})
}

// destroy carries out fates that the log's followed position knows already.
func destroy(ctx context.Context, tx pgx.Tx, fates []domain.Fate, now time.Time) error {
	b, err := readBook(ctx, tx, fates)
	if err != nil {
		return err
	}
	for _, fate := range fates {
		b.carryOut(fate)
	}
	changes, err := b.write(ctx, tx, now)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE litopys_keys.meta SET changes = greatest(changes, $1)", changes)
	return err
}

// Status counts what there is.
func (s *Store) Status(ctx context.Context) (st keys.Status, err error) {
	err = s.read(ctx, func(ctx context.Context, q querier) error {
		st, err = readStatus(ctx, q)
		return err
	})
	return st, err
}

func readStatus(ctx context.Context, q querier) (st keys.Status, err error) {
	var followed int64
	err = q.QueryRow(ctx, `SELECT count(*) FILTER (WHERE k.state = 'live'), count(*) FILTER (WHERE k.state = 'retained'),
			count(*) FILTER (WHERE k.state = 'retained' AND k.until IS NULL), count(*) FILTER (WHERE k.state = 'destroyed' AND k.master IS NOT NULL),
			count(*) FILTER (WHERE k.state = 'destroyed' AND k.master IS NULL), count(*) FILTER (WHERE k.owed),
			(SELECT followed FROM litopys_keys.meta),
			coalesce((SELECT m.month FROM litopys_keys.meta JOIN litopys_keys.masters m ON m.id = meta.rotating), '')
		FROM litopys_keys.keys k`).
		Scan(&st.Live, &st.Retained, &st.OpenEnded, &st.Destroyed, &st.Tombstones, &st.Uncertified, &followed, &st.Rotating)
	if err != nil {
		return st, err
	}
	st.Followed = uint64(followed) //nolint:gosec // the same bits
	rows, err := q.Query(ctx, `SELECT m.month, count(k.id), m.wrapped IS NULL FROM litopys_keys.masters m
		LEFT JOIN litopys_keys.keys k ON k.master = m.id AND k.state <> 'destroyed' GROUP BY m.id ORDER BY m.n`)
	if err != nil {
		return st, err
	}
	st.Masters, err = pgx.CollectRows(rows, pgx.RowToStructByPos[keys.MasterStatus])
	return st, err
}
