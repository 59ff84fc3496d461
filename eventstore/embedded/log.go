package embedded

import (
	"context"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
)

// log reads events.db. It is safe for concurrent use.
type log struct {
	path string
	pool *sqlite.Pool
}

var _ records = (*log)(nil)

// one implements records.
func (l *log) one(ctx context.Context, seq uint64) (eventstore.Record, error) {
	p := newPage()
	err := l.pool.Read(ctx, func(conn *sqlite.Conn) error {
		_, err := p.fill(conn, seq, seq)
		return err
	})
	if err != nil {
		return eventstore.Record{}, err
	}
	return p.records()[0], nil
}

// between implements records. No connection is held while do runs.
func (l *log) between(ctx context.Context, first, last uint64, do func(eventstore.Record)) error {
	p := newPage()
	for first <= last {
		if err := ctx.Err(); err != nil {
			return err
		}
		records, err := l.page(ctx, p, first, last)
		if err != nil {
			return err
		}
		for _, r := range records {
			do(r)
		}
		first += uint64(len(records))
	}
	return nil
}

// page reads the records first..last, or as many of them as make a page.
func (l *log) page(ctx context.Context, p *page, first, last uint64) ([]eventstore.Record, error) {
	err := l.pool.Read(ctx, func(conn *sqlite.Conn) error {
		_, err := p.fill(conn, first, last)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.records(), nil
}

// skim reads the records first..last, or as many of them as make a page, and gives those that the page wants
// and the place after the last that it has passed.
func (l *log) skim(ctx context.Context, p *page, first, last uint64) (wanted []eventstore.Record, next uint64, err error) {
	err = l.pool.Read(ctx, func(conn *sqlite.Conn) error {
		next, err = p.fill(conn, first, last)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return p.records(), next, nil
}

// pick reads the records of the entries, or as many of them as make a page.
func (l *log) pick(ctx context.Context, p *page, entries []entry) ([]eventstore.Record, error) {
	err := l.pool.Read(ctx, func(conn *sqlite.Conn) error {
		return conn.Snapshot(func() error { return p.gather(conn, entries) })
	})
	if err != nil {
		return nil, err
	}
	return p.records(), nil
}
