package keypg_test

import (
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

func TestTurn(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	keytest.RunTurn(t, s.opener, func(ledger uuid.UUID, from, to uint64) error {
		return keypg.Turn(t.Context(), s.cfg.URL, ledger, from, to)
	})
}
