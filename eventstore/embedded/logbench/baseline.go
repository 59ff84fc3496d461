package logbench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"imagine.ua/litopys/eventstore"
)

// Baseline drives the load against a plain file in dir, which is removed afterwards.
func Baseline(ctx context.Context, dir string, l Load) (rate Rate, err error) {
	f, err := os.Create(filepath.Join(dir, "baseline.log"))
	if err != nil {
		return Rate{}, fmt.Errorf("baseline: %w", err)
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	p := &plainLog{file: f}
	p.some.L = &p.mu
	var writer sync.WaitGroup
	writer.Go(p.run)
	rate, err = l.drive(ctx, func(n int) (func(context.Context) error, error) {
		m := newMaker(uint64(n))
		batch := make([]eventstore.Event, l.Batch)
		name := StreamName(0, uint64(n))
		done := make(chan error, 1)
		return func(context.Context) error {
			m.fill(batch)
			return p.append(name, batch, done)
		}, nil
	})
	p.close()
	writer.Wait()
	return rate, err
}

// plainLog appends bytes to a file; one goroutine writes what has gathered meanwhile and syncs it.
type plainLog struct {
	file *os.File

	mu      sync.Mutex
	some    sync.Cond
	buf     []byte         // guarded by mu
	waiting []chan<- error // guarded by mu
	closed  bool           // guarded by mu
}

func (p *plainLog) append(stream string, batch []eventstore.Event, done chan error) error {
	p.mu.Lock()
	for i := range batch {
		e := &batch[i]
		p.buf = append(p.buf, e.ID[:]...)
		p.buf = append(p.buf, stream...)
		p.buf = append(p.buf, e.Type...)
		p.buf = append(p.buf, e.Data...)
		p.buf = append(p.buf, e.Meta...)
	}
	p.waiting = append(p.waiting, done)
	p.some.Signal()
	p.mu.Unlock()
	return <-done
}

func (p *plainLog) run() {
	var buf []byte
	var waiting []chan<- error
	for {
		p.mu.Lock()
		for len(p.waiting) == 0 && !p.closed {
			p.some.Wait()
		}
		buf, p.buf = p.buf, buf[:0]
		waiting, p.waiting = p.waiting, waiting[:0]
		p.mu.Unlock()
		if len(waiting) == 0 {
			return
		}
		_, err := p.file.Write(buf)
		if err == nil {
			err = p.file.Sync()
		}
		for _, done := range waiting {
			done <- err
		}
	}
}

func (p *plainLog) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.some.Broadcast()
}
