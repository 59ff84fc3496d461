package projections

import (
	"strings"
)

// cursor goes through one sorted run of entries, each key once.
type cursor struct {
	entry *entry // the present one
	// next moves on, and tells whether there was another.
	next  func(*cursor) (bool, error)
	stop  func()
	order int    // of the run, the oldest first
	head  uint64 // of the present key
}

// cursors is a heap: the least key first, and of one key the oldest run first.
type cursors []*cursor

func (h cursors) less(i, j int) bool {
	if h[i].head != h[j].head {
		return h[i].head < h[j].head
	}
	c := strings.Compare(h[i].entry.key, h[j].entry.key)
	return c < 0 || c == 0 && h[i].order < h[j].order
}

func (h cursors) down(i int) {
	for {
		least := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < len(h) && h.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

func (h *cursors) pop() *cursor {
	first, last := (*h)[0], len(*h)-1
	(*h)[0] = (*h)[last]
	*h = (*h)[:last]
	h.down(0)
	return first
}

func (h *cursors) push(c *cursor) {
	c.head = head(c.entry.key)
	*h = append(*h, c)
	for i := len(*h) - 1; i > 0 && h.less(i, (i-1)/2); i = (i - 1) / 2 {
		(*h)[i], (*h)[(i-1)/2] = (*h)[(i-1)/2], (*h)[i]
	}
}

// merge yields the rows that come of runs that began with an empty table, sorted by key. A row is valid until
// the next one.
func merge(t *Table, runs []*cursor, yield func(coded, error) bool) {
	var h cursors
	for i, c := range runs {
		c.order = i
		more, err := c.next(c)
		if err != nil {
			yield(coded{}, err)
			return
		}
		if more {
			h.push(c)
		}
	}
	var held []*cursor
	for len(h) > 0 {
		// Cursors stand still until their row was taken: it lies in their memory.
		held = append(held[:0], h.pop())
		for len(h) > 0 && h[0].entry.key == held[0].entry.key {
			held = append(held, h.pop())
		}
		if row := melted(t, held); row.Row != nil && !yield(row, nil) {
			return
		}
		for _, c := range held {
			more, err := c.next(c)
			if err != nil {
				yield(coded{}, err)
				return
			}
			if more {
				h.push(c)
			}
		}
	}
}

// melted is the row that comes of what several runs say of one key, the oldest first; nil when there is none.
func melted(t *Table, runs []*cursor) (row coded) {
	for _, c := range runs {
		switch e := c.entry; e.kind {
		case whole:
			row = coded{e.row, e.code}
		case gone:
			row = coded{}
		case unknown:
			row.code = nil
			for _, change := range e.changes {
				switch {
				case row.Row != nil:
					changeRow(row.Row, change)
				case change.Add:
					row.Row = made(t, change)
				}
			}
		}
	}
	return row
}
