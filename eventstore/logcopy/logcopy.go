package logcopy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// Config says what to copy and how.
type Config struct {
	// From and To are open stores; they stay the caller's. Required.
	From, To eventstore.Store
	// BatchEvents and BatchBytes bound one append; 0 means 500 events and 512 KiB, and more than
	// eventstore.MaxAppendBytes is no use. They bound the memory of the copy too.
	BatchEvents, BatchBytes int
	// Attempts is how often an append whose outcome is unknown is sent; 0 means 8. FirstWait is the pause
	// after the first, which then doubles; 0 means 50 ms.
	Attempts  int
	FirstWait time.Duration
	// AtOnce is how many appends may be under way; 0 means 1, which keeps the order of the whole log. With
	// more a copy to a server is several times as fast and keeps the order that the package comment says. A
	// data folder needs no more than 1.
	AtOnce int
	// Watch is told how far the copy is, after every append and now and then while reading; nil: nobody.
	// It is called in the goroutine of Copy.
	Watch func(Progress)
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *int
		value int
	}{{&c.BatchEvents, 500}, {&c.BatchBytes, 512 << 10}, {&c.Attempts, 8}, {&c.AtOnce, 1}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.FirstWait == 0 {
		c.FirstWait = 50 * time.Millisecond
	}
	if c.Watch == nil {
		c.Watch = func(Progress) {}
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	if c.From == nil || c.To == nil {
		errs = append(errs, errors.New("want a store to copy from and one to copy to"))
	}
	if min(c.BatchEvents, c.BatchBytes, c.Attempts, c.AtOnce) < 1 || c.FirstWait < 0 || c.BatchBytes > eventstore.MaxAppendBytes {
		errs = append(errs, fmt.Errorf("a bound is negative, or a batch above %d bytes", eventstore.MaxAppendBytes))
	}
	return errors.Join(errs...)
}

// Stage is what a copy does.
type Stage string

// The stages, in order.
const (
	Comparing Stage = "comparing" // what the target holds already
	Copying   Stage = "copying"
	Verifying Stage = "verifying" // what was copied is read again from both
)

// Progress tells how far a copy is.
type Progress struct {
	Stage   Stage
	Records int64               // of the ledger that the stage has passed, also those of earlier runs
	Place   eventstore.Position // in the source
	Head    eventstore.Position // of the source when the copy began
}

// Report is what a copy did. It is valid as far as it came when Copy fails.
type Report struct {
	Identity uuid.UUID
	Records  int64 // in the copy
	Copied   int64 // by this run
	From, To eventstore.Position
	// Digest is SHA-256 over the digests of all records, read back from the target, in the order of the
	// source.
	Digest [sha256.Size]byte
	// Grown says that the source has gained records since, which the copy does not hold.
	Grown bool
}

// ErrDifferent says that the target holds something that is not in the source at that place. Nothing of it
// was overwritten.
var ErrDifferent = errors.New("the target is no beginning of the source")

// DifferentError says where the two part.
type DifferentError struct {
	Number int64 // of the record in the log, from 1
	Stream string
	Detail string
}

// Error names the record and what is wrong with it.
func (e *DifferentError) Error() string {
	return fmt.Sprintf("record %d (stream %s): %s", e.Number, e.Stream, e.Detail)
}

// Is makes it an ErrDifferent.
func (e *DifferentError) Is(target error) bool { return target == ErrDifferent }

// Copy brings the target level with the source and compares the two. It is done when it returns nil; after
// any error, or a killed process, the same call goes on where it stopped.
//
// Errors: eventstore.ErrForeign when the target is of another ledger, ErrDifferent, and those of the stores.
func Copy(ctx context.Context, cfg Config) (Report, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return Report{}, fmt.Errorf("copy log: %w", err)
	}
	c := &copying{cfg: cfg, pairs: newPairs()}
	if err := c.run(ctx); err != nil {
		return c.report, fmt.Errorf("copy log: %w", err)
	}
	c.sum.Sum(c.report.Digest[:0])
	return c.report, nil
}

// copying is one run of Copy.
type copying struct {
	cfg    Config
	head   eventstore.Position
	report Report
	agreed int64 // records that the target held before
	// filling says that what is appended lies within what the target holds already.
	filling bool
	// inOrder is the target, if it takes records of many streams at once and has no holes to be filled.
	inOrder sequencer
	pairs
}

func (c *copying) run(ctx context.Context) (err error) {
	if err := c.agree(ctx); err != nil {
		return err
	}
	if c.head, err = c.cfg.From.Head(ctx); err != nil {
		return fmt.Errorf("head of the source: %w", err)
	}
	more, err := c.compare(ctx, Comparing)
	if err != nil || !more {
		return err
	}
	c.agreed = c.report.Records
	if err := c.append(ctx); err != nil {
		return err
	}
	c.report.Grown, err = c.compare(ctx, Verifying)
	return err
}

func (c *copying) agree(ctx context.Context) error {
	from, err := c.cfg.From.Identity(ctx)
	if err != nil {
		return fmt.Errorf("identity of the source: %w", err)
	}
	to, err := c.cfg.To.Identity(ctx)
	if err != nil {
		return fmt.Errorf("identity of the target: %w", err)
	}
	if from != to {
		return fmt.Errorf("the source is ledger %s, the target %s: %w", from, to, eventstore.ErrForeign)
	}
	c.report.Identity = from
	return nil
}

func (c *copying) tell(stage Stage, records int64, place eventstore.Position) {
	c.cfg.Watch(Progress{Stage: stage, Records: records, Place: place, Head: c.head})
}
