package journal

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/schema"
	"imagine.ua/litopys/eventstore/seal"
)

// The room made for the documents of an event, and for each personal value beside its sealed form in base64:
// nearly all events fit.
const (
	eventRoom = 640
	itemRoom  = 64
)

// room is how many bytes the documents of the facts take, about.
func room(facts []ledger.Fact) int {
	n := eventRoom * len(facts)
	for _, fact := range facts {
		for _, item := range fact.Event.Personal() {
			n += itemRoom + base64.StdEncoding.EncodedLen(seal.SealedLen(item.Value.Len()))
		}
	}
	return n
}

// prepare turns facts into what the store takes: keys ensured, values sealed, documents encoded. Nothing is
// written but keys.
func (j *Journal) prepare(ctx context.Context, stream domain.Stream, facts []ledger.Fact) ([]eventstore.Event, error) {
	if len(facts) == 0 {
		return nil, fmt.Errorf("%w: no event", eventstore.ErrInvalid)
	}
	found, err := j.ensure(ctx, facts)
	if err != nil {
		return nil, err
	}
	batch := make([]eventstore.Event, len(facts))
	docs := make([]byte, 0, room(facts))
	for i, fact := range facts {
		event, err := sealed(stream, fact, &found)
		if err != nil {
			return nil, err
		}
		if batch[i], docs, err = encode(docs, fact, event); err != nil {
			return nil, err
		}
	}
	return batch, nil
}

// encode appends both documents to docs. The slices in the event keep their bytes even when docs grows
// into another array.
func encode(docs []byte, fact ledger.Fact, event domain.Event) (eventstore.Event, []byte, error) {
	start := len(docs)
	name, docs, err := schema.AppendEvent(docs, event)
	if err != nil {
		return eventstore.Event{}, docs, err
	}
	middle := len(docs)
	docs, err = schema.AppendMeta(docs, fact.Meta)
	if err != nil {
		return eventstore.Event{}, docs, err
	}
	return eventstore.Event{
		ID: fact.ID, Type: name,
		Data: docs[start:middle:middle], Meta: docs[middle:len(docs):len(docs)],
	}, docs, nil
}

// ensure gives the live key of every personal value, in order, and checks what could not be undone once
// the facts stand: a fate that the key store cannot carry out would stop the follower for ever.
func (j *Journal) ensure(ctx context.Context, facts []ledger.Fact) ([]keys.Key, error) {
	wants := make([]keys.Want, 0, values(facts))
	for _, fact := range facts {
		if fact.Event == nil || fact.ID == uuid.Nil {
			return nil, fmt.Errorf("%w: an event without id or content", eventstore.ErrInvalid)
		}
		if err := checkFates(fact.Event.Fates()); err != nil {
			return nil, err
		}
		for _, item := range fact.Event.Personal() {
			want, err := j.want(item)
			if err != nil {
				return nil, err
			}
			wants = append(wants, want)
		}
	}
	if len(wants) == 0 {
		return nil, nil
	}
	return j.keys.Ensure(ctx, wants)
}

// values counts the personal values.
func values(facts []ledger.Fact) (n int) {
	for _, fact := range facts {
		if fact.Event != nil {
			n += len(fact.Event.Personal())
		}
	}
	return n
}

func checkFates(fates []domain.Fate) error {
	for _, f := range fates {
		if err := (keys.Ref{Subject: f.Subject, Field: f.Field, Epoch: f.Epoch}).Check(); err != nil {
			return fmt.Errorf("fate: %w", err)
		}
		if f.Action != domain.Destroy && f.Action != domain.Retain {
			return fmt.Errorf("%w: fate with the action %.20q", eventstore.ErrInvalid, string(f.Action))
		}
	}
	return nil
}

// want asks for the key of an item, with the blind-index tag when its field is findable.
func (j *Journal) want(item domain.Item) (keys.Want, error) {
	value, ok := item.Value.Reveal()
	if !ok {
		return keys.Want{}, fmt.Errorf("%w: the value of %s is %s, not clear", eventstore.ErrInvalid, item.Field, item.Value)
	}
	if len(value) > seal.MaxValue {
		return keys.Want{}, fmt.Errorf("value of %s: %w", item.Field, seal.ErrTooLong)
	}
	want := keys.Want{Ref: refOf(item)}
	if j.policy.Findable(item.Field) {
		tag := j.keys.Tag(item.Field, j.policy.Normal(item.Field, value))
		want.Tag = &tag
	}
	return want, nil
}

// scratch keeps buffers for sealed bytes, which domain.SealedValue copies. They hold nothing clear.
var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// sealed gives the event with every value sealed to its place, taking its keys from the front of found.
func sealed(stream domain.Stream, fact ledger.Fact, found *[]keys.Key) (domain.Event, error) {
	items := fact.Event.Personal()
	if len(items) == 0 {
		return fact.Event, nil
	}
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	out := slices.Clone(items)
	for i := range out {
		value, _ := out[i].Value.Reveal()
		at := addressOf(stream, fact.ID, out[i])
		bytes, err := (*found)[i].Cipher().Seal((*buf)[:0], at, value)
		if err != nil {
			return nil, fmt.Errorf("value of %s: %w", out[i].Field, err)
		}
		*buf = bytes
		out[i].Value = domain.SealedValue(bytes)
	}
	*found = (*found)[len(out):]
	return domain.WithPersonal(fact.Event, out), nil
}

func addressOf(stream domain.Stream, event uuid.UUID, i domain.Item) seal.Address {
	return seal.Address{Stream: stream, Event: event, Subject: i.Subject, Field: i.Field, Epoch: i.Epoch}
}
