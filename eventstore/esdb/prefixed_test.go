package esdb_test

import (
	"context"
	"errors"
	"iter"
	"strings"

	"imagine.ua/litopys/eventstore"
)

// prefixedStore puts every stream of a suite under one prefix, so that many ledgers can share a server.
type prefixedStore struct {
	eventstore.Store
	prefix string
}

func prefixed(s eventstore.Store, prefix string) eventstore.Store {
	return &prefixedStore{Store: s, prefix: prefix}
}

// long is what a stream's name may have when the prefix is taken off; longer ones must be refused with the
// whole length, shorter ones must pass, so names near the limit are cut to make room.
func (p *prefixedStore) name(stream string) string {
	if stream == "" || len(stream) > eventstore.MaxStreamName {
		return stream
	}
	if room := eventstore.MaxStreamName - len(p.prefix); len(stream) > room {
		return p.prefix + stream[len(stream)-room:]
	}
	return p.prefix + stream
}

func (p *prefixedStore) Append(ctx context.Context, stream string, expected int64, events []eventstore.Event) (eventstore.Appended, error) {
	a, err := p.Store.Append(ctx, p.name(stream), expected, events)
	var c *eventstore.WrongRevisionError
	if errors.As(err, &c) {
		c.Stream = stream
	}
	return a, err
}

func (p *prefixedStore) restore(r eventstore.Record) eventstore.Record {
	r.Stream = strings.TrimPrefix(r.Stream, p.prefix)
	return r
}

func (p *prefixedStore) records(seq iter.Seq2[eventstore.Record, error]) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for r, err := range seq {
			if !yield(p.restore(r), err) {
				return
			}
		}
	}
}

func (p *prefixedStore) ReadStream(ctx context.Context, stream string, after int64) iter.Seq2[eventstore.Record, error] {
	return p.records(p.Store.ReadStream(ctx, p.name(stream), after))
}

func (p *prefixedStore) StreamHead(ctx context.Context, stream string) (int64, error) {
	return p.Store.StreamHead(ctx, p.name(stream))
}

func (p *prefixedStore) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return p.records(p.Store.ReadAll(ctx, after))
}

func (p *prefixedStore) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Delivery, error] {
	return func(yield func(eventstore.Delivery, error) bool) {
		for d, err := range p.Store.Subscribe(ctx, after) {
			d.Record = p.restore(d.Record)
			if !yield(d, err) {
				return
			}
		}
	}
}
