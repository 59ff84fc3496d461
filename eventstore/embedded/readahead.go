package embedded

import (
	"context"

	"imagine.ua/litopys/eventstore"
)

const (
	// readDepth is how many pages of a scan are read at the same time. Two keep two processors busy; each
	// takes a connection of the pool.
	readDepth = 2
	// firstPage is how many records the first page of a scan asks for. Small, for many readers stop soon.
	firstPage = 128
)

// readAhead reads a stretch of the log page by page, and the pages after the one in use in goroutines of its
// own. Records stand in the log without a hole, so it is known in advance where each page begins. It serves
// one goroutine.
type readAhead struct {
	log    *log
	from   uint64 // the first record that nobody reads yet
	end    uint64
	size   uint64 // records in the next page
	steady bool   // size has found its measure
	coming []*comingPage
	spare  []*page
}

// comingPage is a page that is being read.
type comingPage struct {
	page    *page
	first   uint64 // what is still to be read of it
	last    uint64
	records []eventstore.Record
	err     error
	done    chan struct{} // closed when records or err is set
}

func newReadAhead(l *log, from, end uint64) *readAhead {
	return &readAhead{log: l, from: from, end: end, size: firstPage}
}

// next gives the next records, at least one: the caller knows that there are some. They are good until the
// next call.
func (r *readAhead) next(ctx context.Context) ([]eventstore.Record, error) {
	for len(r.coming) < readDepth && r.from <= r.end {
		last := min(r.from+r.size-1, r.end)
		r.coming = append(r.coming, r.read(ctx, r.from, last))
		r.from = last + 1
		if !r.steady {
			r.size = min(4*r.size, pageRecords)
		}
	}
	c := r.coming[0]
	<-c.done
	if c.err != nil {
		return nil, c.err
	}
	if first := c.first + uint64(len(c.records)); first <= c.last {
		// Large records have filled the page before its end: the rest of it is the next page.
		r.coming[0] = r.read(ctx, first, c.last)
		r.size, r.steady = max(r.size/2, 1), true
	} else {
		r.coming = r.coming[1:]
	}
	r.spare = append(r.spare, c.page)
	return c.records, nil
}

// read begins to read a page.
func (r *readAhead) read(ctx context.Context, first, last uint64) *comingPage {
	c := &comingPage{first: first, last: last, done: make(chan struct{})}
	// The page given back last is the one whose records are in use until the next call.
	if n := len(r.spare); n > 1 {
		c.page, r.spare = r.spare[0], r.spare[1:]
	} else {
		c.page = newPage()
	}
	go func() {
		defer close(c.done)
		c.records, c.err = r.log.page(ctx, c.page, first, last)
	}()
	return c
}

// wait returns when no page is being read any more.
func (r *readAhead) wait() {
	for _, c := range r.coming {
		<-c.done
	}
}
