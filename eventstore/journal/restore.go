package journal

import (
	"context"
	"fmt"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

// certificateType is the stored name of certificates.
const certificateType = "KeysDestroyed.v1"

// buryPage is how many keys of certificates are compared with the key store at once.
const buryPage = 1024

// RestoreReport is what RestoreCheck found.
type RestoreReport struct {
	Records      int64 // of the log that were read
	Certificates int   // among them
	Keys         int   // that they name
	keys.Burial
}

// RestoreCheck compares every certificate in the log with the key store: a key that a certificate names is
// destroyed if the store still has it, and gets its tombstone if the store never had it. It is for a key
// store that was put back from a backup, before anything is read through it. Opening the journal has carried
// out by then what the log says after the place to which the store had followed it, certificates included.
// Report is told now and then; it may be nil.
func (j *Journal) RestoreCheck(ctx context.Context, report func(RestoreReport)) (found RestoreReport, err error) {
	if err := j.enter(); err != nil {
		return found, err
	}
	j.leave() // Close must not wait for a long reading; what is read after it ends with ErrClosed
	var pending []keys.Gone
	flush := func() error {
		burial, err := j.keys.Bury(ctx, pending)
		found.Add(burial)
		pending = pending[:0]
		return err
	}
	for r, err := range j.store.ReadAll(ctx, eventstore.Start) {
		if err != nil {
			return found, fmt.Errorf("restore check: %w", err)
		}
		if found.Records++; found.Records%(64<<10) == 0 && report != nil {
			report(found)
		}
		if r.Type != certificateType {
			continue
		}
		certificate, err := certificateOf(r)
		if err != nil {
			return found, fmt.Errorf("restore check: %w", err)
		}
		found.Certificates++
		found.Keys += len(certificate.Keys)
		if pending = append(pending, goneOf(certificate)...); len(pending) >= buryPage {
			if err := flush(); err != nil {
				return found, fmt.Errorf("restore check: %w", err)
			}
		}
	}
	if err := flush(); err != nil {
		return found, fmt.Errorf("restore check: %w", err)
	}
	return found, nil
}

// goneOf gives the keys that a certificate names.
func goneOf(c subject.KeysDestroyed) []keys.Gone {
	gone := make([]keys.Gone, len(c.Keys))
	for i, k := range c.Keys {
		gone[i] = keys.Gone{ID: k.Key, Ref: refOf(domain.Item{Subject: c.Subject, Field: k.Field, Epoch: k.Epoch}), At: c.UnreadableAt, Master: k.Master}
	}
	return gone
}
