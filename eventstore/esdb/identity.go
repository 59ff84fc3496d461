package esdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// The record that names the ledger. It is written once, when the stream does not exist, and is the only
// record of the stream. Its form is for ever.
const (
	identityStream = "ledger-identity"
	identityType   = "LedgerIdentity.v1"
)

type identityData struct {
	Ledger uuid.UUID `json:"ledger"`
}

// identify reads the ledger's id, or writes one. Of several who write at once one wins; the others read
// again.
func (s *Store) identify(ctx context.Context) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	for range 2 {
		id, err := s.readIdentity(ctx)
		if err != nil {
			return err
		}
		if id != uuid.Nil {
			return s.settle(id)
		}
		if s.cfg.MustExist {
			return fmt.Errorf("%s holds no ledger: %w", s.place, fs.ErrNotExist)
		}
		if err := s.writeIdentity(ctx); !errors.Is(err, eventstore.ErrWrongRevision) && err != nil {
			return err
		}
	}
	return s.damage(identityStream, "the stream says that it exists and shows no record")
}

func (s *Store) settle(id uuid.UUID) error {
	if s.cfg.Identity != uuid.Nil && s.cfg.Identity != id {
		return fmt.Errorf("%s holds ledger %s, not %s: %w", s.place, id, s.cfg.Identity, eventstore.ErrForeign)
	}
	s.identity = id
	return nil
}

func (s *Store) readIdentity(ctx context.Context) (uuid.UUID, error) {
	records, err := s.page(ctx, identityStream, eventstore.NoStream, 1)
	if err != nil || len(records) == 0 {
		return uuid.Nil, err
	}
	return s.parseIdentity(records[0])
}

func (s *Store) parseIdentity(r eventstore.Record) (uuid.UUID, error) {
	id, ok := decodeIdentity(r.Data)
	if r.Type != identityType || !ok {
		return uuid.Nil, s.damage(identityStream, "the record names no ledger")
	}
	return id, nil
}

// decodeIdentity reads the one spelling that encodeIdentity writes, and no other.
func decodeIdentity(data []byte) (uuid.UUID, bool) {
	var d identityData
	if json.Unmarshal(data, &d, json.RejectUnknownMembers(true)) != nil || d.Ledger == uuid.Nil {
		return uuid.Nil, false
	}
	again, err := encodeIdentity(d.Ledger)
	return d.Ledger, err == nil && bytes.Equal(again, data)
}

func encodeIdentity(id uuid.UUID) ([]byte, error) {
	return json.Marshal(identityData{Ledger: id}, json.Deterministic(true))
}

func (s *Store) writeIdentity(ctx context.Context) error {
	id := s.cfg.Identity
	if id == uuid.Nil {
		id = uuid.New()
	}
	data, err := encodeIdentity(id)
	if err != nil {
		return err
	}
	_, err = s.insist(ctx, identityStream, eventstore.NoStream, proposals([]eventstore.Event{
		{ID: uuid.NewSHA1(id, []byte(identityStream)), Type: identityType, Data: data, Meta: []byte("{}")},
	}))
	return err
}
