package embedded

import (
	"context"
	"runtime"

	"imagine.ua/litopys/eventstore"
)

const (
	// readDepth is how many pages of a scan are read at the same time. Two keep two processors busy; each
	// takes a connection of the pool. Where they are worked on as well there may be more, one for each
	// processor, up to workDepth: a page has its connection only while it is read.
	readDepth = 2
	workDepth = 4
	// lentRecords is how many records are worked on at a time: few enough that they are still in the
	// processor's cache when they have been read.
	lentRecords = 512
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
	most   uint64 // and up to where it grows
	steady bool   // size has found its measure
	depth  int    // pages that are on their way at the same time
	work   func([]eventstore.Record) (hand func() bool)
	coming []*comingPage
	spare  []*page
}

// comingPage is a page that is being read.
type comingPage struct {
	page    *page
	first   uint64 // what is still to be read of it
	last    uint64
	records []eventstore.Record
	hand    func() bool // what the work on the records gave
	err     error
	done    chan struct{} // closed when all is done with the page, or err is set
}

// newReadAhead reads pages whose records stay as they are. What work is given, if it is not nil, are records
// of which nothing stays when it returns; it runs in the goroutines that read.
func newReadAhead(l *log, from, end uint64, work func([]eventstore.Record) (hand func() bool)) *readAhead {
	r := &readAhead{log: l, from: from, end: end, size: firstPage, most: pageRecords, depth: readDepth, work: work}
	if work != nil {
		r.most, r.depth = lentRecords, min(max(runtime.GOMAXPROCS(0), readDepth), workDepth)
	}
	return r
}

// next gives the next page, with at least one record: the caller knows that there are some. It is good until
// the next call.
func (r *readAhead) next(ctx context.Context) (*comingPage, error) {
	for len(r.coming) < r.depth && r.from <= r.end {
		last := min(r.from+r.size-1, r.end)
		r.coming = append(r.coming, r.read(ctx, r.from, last))
		r.from = last + 1
		if !r.steady {
			r.size = min(4*r.size, r.most)
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
	return c, nil
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
		if c.err == nil && r.work != nil {
			c.hand = r.work(c.records)
			c.page.takeBack()
		}
	}()
	return c
}

// wait returns when no page is being read any more.
func (r *readAhead) wait() {
	for _, c := range r.coming {
		<-c.done
	}
}
