package projtest

import (
	"context"
	"errors"
	"sync"

	"github.com/google/uuid"

	"imagine.ua/litopys/projections"
)

// ErrDied is what every call gives after the end.
var ErrDied = errors.New("the process died here")

// Dying is a backend whose At-th write, from 1, and every call after it, fails. With Persisted the write is
// carried out first: it took effect, but nobody lives to hear of it.
type Dying struct {
	projections.Backend
	At        int
	Persisted bool

	mu    sync.Mutex
	steps int
}

// Died reports whether the end has come.
func (d *Dying) Died() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.steps >= d.At
}

func (d *Dying) step(do func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.steps++
	switch {
	case d.steps < d.At:
		return do()
	case d.steps == d.At && d.Persisted:
		return errors.Join(ErrDied, do())
	}
	return ErrDied
}

// Create counts as a step.
func (d *Dying) Create(ctx context.Context, p *projections.Projection, log uuid.UUID, s projections.BuildState) (b projections.Build, err error) {
	err = d.step(func() error {
		b, err = d.Backend.Create(ctx, p, log, s)
		return err
	})
	return b, err
}

// Load counts as a step.
func (d *Dying) Load(ctx context.Context, l projections.Load) error {
	return d.step(func() error { return d.Backend.Load(ctx, l) })
}

// SpoolDir is that of the backend.
func (d *Dying) SpoolDir() string {
	if s, ok := d.Backend.(projections.Spooler); ok {
		return s.SpoolDir()
	}
	return ""
}

// Commit counts as a step.
func (d *Dying) Commit(ctx context.Context, c projections.Commit) error {
	return d.step(func() error { return d.Backend.Commit(ctx, c) })
}

// Index counts as a step.
func (d *Dying) Index(ctx context.Context, p *projections.Projection, b projections.Build) error {
	return d.step(func() error { return d.Backend.Index(ctx, p, b) })
}

// Switch counts as a step.
func (d *Dying) Switch(ctx context.Context, set []projections.Build) error {
	return d.step(func() error { return d.Backend.Switch(ctx, set) })
}

// Drop counts as a step.
func (d *Dying) Drop(ctx context.Context, set []projections.Build) error {
	return d.step(func() error { return d.Backend.Drop(ctx, set) })
}
