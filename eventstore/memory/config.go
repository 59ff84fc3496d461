package memory

import (
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"
)

// Config makes the store more or less awkward. The zero value never aborts.
type Config struct {
	// Seed fixes positions and aborts, for repeatable runs; 0 draws one.
	Seed uint64
	// AbortRate is the share of appends, 0 to below 1, that end in eventstore.ErrUnknownOutcome. Half of
	// them are written all the same.
	AbortRate float64
	// Identity is the id of the ledger; nil draws one.
	Identity uuid.UUID
}

func (c Config) withDefaults() Config {
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	if c.Identity == uuid.Nil {
		c.Identity = uuid.New()
	}
	return c
}

func (c Config) validate() error {
	if !(c.AbortRate >= 0 && c.AbortRate < 1) {
		return fmt.Errorf("memory: AbortRate is %v, want 0 to below 1", c.AbortRate)
	}
	return nil
}
