package keypg

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/eventstore/keys"
)

// Archive is a key store in PostgreSQL, at rest; see keys.Archive. While it is open no process can write a
// key there.
type Archive struct {
	conn *pgx.Conn
	tx   pgx.Tx // holds the turn; its statements see what was committed before
}

var _ keys.Archive = (*Archive)(nil)

// archiveWait is how long an archive waits for the writers that are at it; one database that is opened as two
// archives at once waits for itself.
const archiveWait = "10s"

// OpenArchive opens the key store, after it was laid out or brought up to date where the role may.
func OpenArchive(ctx context.Context, url string) (*Archive, error) {
	settings, err := Config{URL: url, Connections: 1}.pool()
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	settings.ConnConfig.RuntimeParams["lock_timeout"] = archiveWait
	delete(settings.ConnConfig.RuntimeParams, "idle_in_transaction_session_timeout") // the other store may be slow
	conn, err := pgx.ConnectConfig(ctx, settings.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("open keys: %w: %s", ErrUnavailable, err.Error())
	}
	a := &Archive{conn: conn}
	if err = migrateIfPending(ctx, conn); err == nil {
		a.tx, err = conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginTurn})
	}
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx)) // nothing was done
		return nil, fmt.Errorf("open keys: %w", err)
	}
	return a, nil
}

func migrateIfPending(ctx context.Context, conn *pgx.Conn) error {
	pending, err := pendingMigrations(ctx, conn)
	if err != nil || len(pending) == 0 {
		return err
	}
	return migrate(ctx, conn)
}

// Close lets go of the turn.
func (a *Archive) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	return a.conn.Close(ctx) // what was written is committed
}

// Head gives what stands once in the store.
func (a *Archive) Head(ctx context.Context) (out keys.Head, found bool, err error) {
	rows, err := a.tx.Query(ctx, "SELECT ledger, probe, indexkey, followed, rotating IS NOT NULL FROM litopys_keys.meta")
	if err != nil {
		return out, false, err
	}
	var followed int64
	_, err = pgx.ForEachRow(rows, []any{&out.Ledger, &out.Lock.Probe, &out.Lock.IndexKey, &followed, &out.Rotating}, func() error {
		out.Followed, found = uint64(followed), true //nolint:gosec // the same bits
		return nil
	})
	if err != nil || !found {
		return out, false, err
	}
	rows, err = a.tx.Query(ctx, "SELECT id, month, wrapped FROM litopys_keys.masters ORDER BY n")
	if err != nil {
		return out, false, err
	}
	out.Masters, err = pgx.CollectRows(rows, pgx.RowToStructByPos[keys.ArchivedMaster])
	return out, err == nil, err
}

// Marks gives the marks that close epochs.
func (a *Archive) Marks(ctx context.Context) (marks []keys.Mark, err error) {
	rows, err := a.tx.Query(ctx, "SELECT subject, field, kind, through FROM litopys_keys.closed")
	if err != nil {
		return nil, err
	}
	found, err := scanMarks(rows)
	for p, through := range found {
		marks = append(marks, keys.Mark{Subject: p.subject, Field: p.field, Kind: p.kind, Through: through})
	}
	return marks, err
}

const archivePage = "SELECT k.n, " + columns + `, k.destroyed, k.owed, s.wrapped,
	(SELECT array_agg(t.tag) FROM litopys_keys.tags t WHERE t.shelf = k.shelf AND t.key = k.id)
	FROM litopys_keys.keys k LEFT JOIN litopys_keys.secrets s ON s.shelf = k.shelf AND s.key = k.id
	WHERE k.n > $1 ORDER BY k.n LIMIT 2000`

// Rows yields all keys in the order in which they were made.
func (a *Archive) Rows(ctx context.Context) iter.Seq2[[]keys.StoredKey, error] {
	return func(yield func([]keys.StoredKey, error) bool) {
		for after := int64(0); ; {
			page, last, err := a.page(ctx, after)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) == 0 || !yield(page, nil) {
				return
			}
			after = last
		}
	}
}

func (a *Archive) page(ctx context.Context, after int64) (page []keys.StoredKey, last int64, err error) {
	rows, err := a.tx.Query(ctx, archivePage, after)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var k keys.StoredKey
		var destroyed *time.Time
		var tags [][]byte
		number, r, err := scan(rows, &destroyed, &k.Owed, &k.Wrapped, &tags)
		if err != nil {
			return nil, 0, err
		}
		if k.Key, k.Master, k.Through, last = r.key, r.master, r.through, number; destroyed != nil {
			k.Destroyed = destroyed.UTC()
		}
		if k.Key.State != keys.Destroyed && len(k.Wrapped) != keys.WrappedSize {
			return nil, 0, fmt.Errorf("key %s: its wrapped bytes are missing", k.Key.ID)
		}
		for _, tag := range tags {
			k.Tags = append(k.Tags, keys.Tag(tag))
		}
		page = append(page, k)
	}
	return page, last, rows.Err()
}

// Fill writes everything of another archive in one transaction, by COPY.
func (a *Archive) Fill(ctx context.Context, from keys.Archive) error {
	head, _, err := from.Head(ctx)
	if err != nil {
		return err
	}
	if _, err := a.tx.Exec(ctx, "INSERT INTO litopys_keys.meta (ledger, probe, indexkey, followed) VALUES ($1, $2, $3, $4)",
		head.Ledger, head.Lock.Probe, head.Lock.IndexKey, int64(head.Followed)); err != nil { //nolint:gosec // the same bits
		return err
	}
	for _, m := range head.Masters {
		if _, err := a.tx.Exec(ctx, "INSERT INTO litopys_keys.masters (id, month, wrapped) VALUES ($1, $2, $3)", m.ID, m.Name, m.Wrapped); err != nil {
			return err
		}
	}
	for page, err := range from.Rows(ctx) {
		if err != nil {
			return err
		}
		if err := a.fillPage(ctx, page); err != nil {
			return err
		}
	}
	marks, err := from.Marks(ctx)
	if err != nil {
		return err
	}
	if err := a.copyRows(ctx, "closed", []string{"subject", "field", "kind", "through"}, len(marks), func(i int) []any {
		m := marks[i]
		return []any{m.Subject.UUID, string(m.Field), string(m.Kind), string(m.Through)}
	}); err != nil {
		return err
	}
	return a.commit(ctx)
}

// fillPage writes keys, their wrapped bytes, and their tags.
func (a *Archive) fillPage(ctx context.Context, page []keys.StoredKey) error {
	var living, tagged []keys.StoredKey // tagged: once for each tag, which alone it has
	buckets := map[bucketed]bool{}
	for _, k := range page {
		if k.Key.State == keys.Destroyed {
			continue
		}
		living = append(living, k)
		for _, tag := range k.Tags {
			one := k
			one.Tags = []keys.Tag{tag}
			tagged = append(tagged, one)
			buckets[bucketed{int32(tag.Bucket()), k.Key.ID}] = true
		}
	}
	err := a.copyRows(ctx, "keys", []string{"id", "subject", "field", "epoch", "state", "until", "rule", "master", "shelf", "destroyed", "owed", "through"},
		len(page), func(i int) []any {
			k := page[i]
			return []any{k.Key.ID, k.Key.Ref.Subject.UUID, string(k.Key.Ref.Field), string(k.Key.Ref.Epoch), k.Key.State.String(),
				orNull(k.Key.Until), orNull(k.Key.Rule), orNull(k.Master), shelfOf(k.Key.Ref.Subject), orNull(k.Destroyed), k.Owed, orNull(string(k.Through))}
		})
	if err != nil {
		return err
	}
	err = a.copyRows(ctx, "secrets", []string{"shelf", "key", "wrapped"}, len(living), func(i int) []any {
		return []any{shelfOf(living[i].Key.Ref.Subject), living[i].Key.ID, living[i].Wrapped}
	})
	if err != nil {
		return err
	}
	err = a.copyRows(ctx, "tags", []string{"shelf", "key", "tag"}, len(tagged), func(i int) []any {
		return []any{shelfOf(tagged[i].Key.Ref.Subject), tagged[i].Key.ID, tagged[i].Tags[0][:]}
	})
	if err != nil {
		return err
	}
	list := make([]bucketed, 0, len(buckets))
	for b := range buckets {
		list = append(list, b)
	}
	return a.copyRows(ctx, "buckets", []string{"bucket", "key"}, len(list), func(i int) []any { return []any{list[i].bucket, list[i].key} })
}

// bucketed is a row of table buckets: a key stands in a bucket once, however many of its tags fall there.
type bucketed struct {
	bucket int32
	key    uuid.UUID
}

func (a *Archive) copyRows(ctx context.Context, table string, columns []string, n int, row func(int) []any) error {
	_, err := a.tx.CopyFrom(ctx, pgx.Identifier{"litopys_keys", table}, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil }))
	return err
}

// commit makes what was written durable, and takes the turn again.
func (a *Archive) commit(ctx context.Context) (err error) {
	if err := a.tx.Commit(ctx); err != nil {
		return err
	}
	a.tx, err = a.conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginTurn})
	return err
}

// Retire makes the store refuse to be opened from now on.
func (a *Archive) Retire(ctx context.Context) error {
	if _, err := a.tx.Exec(ctx, "UPDATE litopys_keys.meta SET followed = $1", int64(keys.Moved)); err != nil {
		return err
	}
	return a.commit(ctx)
}
