package esdbtest

import (
	"bytes"
	"math"
	"strconv"
)

// pageSize is how many records the server reads at once; between two pages other appends get in, so a
// stream read is no snapshot.
const pageSize = 32

// streamState is what a read finds where it looks for a stream.
type streamState int

const (
	streamFound streamState = iota
	streamMissing
	streamTombstoned
)

// streamPage is one page of one stream.
type streamPage struct {
	state   streamState
	entries []*entry
	next    int64 // revision to go on from
	end     bool  // nothing further in this direction, for now
}

// readStream reads up to limit visible events from a revision, inclusive. Backwards from beyond the end
// begins at the last event; forwards from beyond the end is empty.
func (l *Log) readStream(name string, from int64, backwards bool, limit int) streamPage {
	l.mu.RLock()
	defer l.mu.RUnlock()
	last, gone := l.last(name)
	meta := l.metadata(name)
	switch {
	case gone:
		return streamPage{state: streamTombstoned}
	case last == noRevision || meta.softDeleted():
		return streamPage{state: streamMissing}
	}
	history := l.history(name)
	now := l.now()
	page := streamPage{next: from}
	step := int64(1)
	if backwards {
		step = -1
		page.next = min(from, last)
	} else {
		page.next = max(from, min(meta.TruncateBefore, last+1))
	}
	for ; page.next >= 0 && page.next <= last && len(page.entries) < limit; page.next += step {
		if e := history[page.next]; meta.visible(e, last, now) {
			page.entries = append(page.entries, e)
		}
	}
	page.end = page.next < 0 || page.next > last
	return page
}

// allPage is one page of $all.
type allPage struct {
	entries    []*entry
	considered int    // records looked at, filtered out or not
	lastPos    uint64 // position of the last record looked at
	end        bool
}

// readAllForwards reads from an index of the log on; hidden records are passed over.
func (l *Log) readAllForwards(from int, keep filter, limit, window int) (allPage, int) {
	entries, _ := l.snapshot()
	var page allPage
	i := from
	for ; i < len(entries) && len(page.entries) < limit && page.considered < window; i++ {
		page.take(entries[i], keep)
	}
	page.end = i >= len(entries)
	return page, i
}

// readAllBackwards reads from just before an index of the log towards its start.
func (l *Log) readAllBackwards(before int, keep filter, limit int) (allPage, int) {
	entries, _ := l.snapshot()
	var page allPage
	i := before
	for ; i > 0 && len(page.entries) < limit; i-- {
		page.take(entries[i-1], keep)
	}
	page.end = i == 0
	return page, i
}

func (p *allPage) take(e *entry, keep filter) {
	if e.hidden {
		return
	}
	p.considered++
	p.lastPos = e.pos
	if keep.allows(e) {
		p.entries = append(p.entries, e)
	}
}

// target finds the event that a link points at ("revision@stream"); nil when it is gone.
func (l *Log) target(link *entry) *entry {
	rev, name, ok := bytes.Cut(link.data, []byte("@"))
	if !ok {
		return nil
	}
	revision, err := strconv.ParseInt(string(rev), 10, 64)
	if err != nil || revision < 0 || revision == math.MaxInt64 {
		return nil
	}
	page := l.readStream(string(name), revision, false, 1)
	if len(page.entries) == 0 || page.entries[0].revision != revision {
		return nil
	}
	return page.entries[0]
}
