package sqlite

import (
	"context"
	"errors"
	"sync"

	"imagine.ua/litopys/eventstore"
)

// Pool lends read-only connections to one file, at most size at a time. It opens them when first needed
// and keeps them. It is safe for concurrent use.
type Pool struct {
	cfg   Config
	slots chan struct{} // one token for every connection that may be out

	mu     sync.Mutex
	idle   []*Conn // guarded by mu
	closed bool    // guarded by mu
}

// NewPool makes a pool over an existing file. Nothing is opened yet.
func NewPool(cfg Config, size int) *Pool {
	cfg.ReadOnly = true
	return &Pool{cfg: cfg, slots: make(chan struct{}, size)}
}

// Read lends a connection to do. It waits for one until the context ends; after Close it gives
// eventstore.ErrClosed.
func (p *Pool) Read(ctx context.Context, do func(*Conn) error) error {
	c, err := p.Take(ctx)
	if err != nil {
		return err
	}
	defer p.Put(c)
	return do(c)
}

// Take lends a connection as Read does, until it is Put back.
func (p *Pool) Take(ctx context.Context) (*Conn, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.slots
		return nil, eventstore.ErrClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c, err := Open(ctx, p.cfg)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return c, nil
}

// Put takes back a connection, which must be as it was when it was lent.
func (p *Pool) Put(c *Conn) {
	p.mu.Lock()
	p.idle = append(p.idle, c)
	p.mu.Unlock()
	<-p.slots
}

// Close waits until every connection is back and closes them all. Closing twice is a no-op.
func (p *Pool) Close() error {
	p.mu.Lock()
	already := p.closed
	p.closed = true
	p.mu.Unlock()
	if already {
		return nil
	}
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	for range cap(p.slots) {
		<-p.slots
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, c := range p.idle {
		errs = append(errs, c.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}
