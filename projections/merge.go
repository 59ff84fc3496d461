package projections

import (
	"bytes"
	"slices"
)

// cursor goes through one sorted run of blocks, each key once.
type cursor struct {
	in    *runReader
	block block  // the present one
	head  uint64 // of its key
	order int    // of the run, the oldest first
}

// next moves on, and tells whether there was another.
func (c *cursor) next() (more bool, err error) {
	if c.block, err = c.in.next(); c.block == nil || err != nil {
		return false, err
	}
	c.head = head(c.block.key())
	return true, nil
}

// cursors is a heap: the least key first, and of one key the newest run first.
type cursors []*cursor

func (h cursors) less(i, j int) bool {
	a, b := h[i], h[j]
	if a.head != b.head {
		return a.head < b.head
	}
	c := bytes.Compare(a.block.key(), b.block.key())
	return c < 0 || c == 0 && a.order > b.order
}

func (h cursors) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h.less(child, least) {
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

// next moves the first cursor on.
func (h *cursors) next() error {
	more, err := (*h)[0].next()
	if !more {
		last := len(*h) - 1
		(*h)[0] = (*h)[last]
		*h = (*h)[:last]
	}
	h.down(0)
	return err
}

func (h cursors) at(key []byte) bool { return len(h) > 0 && bytes.Equal(h[0].block.key(), key) }

// begin moves every cursor to its first block.
func (h *cursors) begin(runs []*runReader) error {
	for i, r := range runs {
		c := &cursor{in: r, order: i}
		more, err := c.next()
		if err != nil {
			return err
		}
		if more {
			*h = append(*h, c)
		}
	}
	for i := len(*h)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
	return nil
}

// merge yields the rows that come of runs that began with an empty table, the oldest first, sorted by key. A
// row is valid until the next one.
func merge(t *Table, runs []*runReader, yield func(coded, error) bool) {
	var h cursors
	err := h.begin(runs)
	m := melting{table: t, row: make(Row, len(t.Columns))}
	for len(h) > 0 && err == nil {
		m.key = append(m.key[:0], h[0].block.key()...)
		var row coded
		if row, err = m.melt(&h); err == nil && row.Row != nil && !yield(row, nil) {
			return
		}
		// The row lies in the memory of a cursor that stands still until here.
		for err == nil && h.at(m.key) {
			err = h.next()
		}
	}
	if err != nil {
		yield(coded{}, err)
	}
}

// melting is what one merge works with.
type melting struct {
	table   *Table
	key     []byte
	row     Row
	changes []entry // of rows that are known further back, the newest first
}

// melt gives the row that comes of all that the runs say of one key, nil when there is none. Nothing that was
// said before a whole row or a deletion is looked at.
func (m *melting) melt(h *cursors) (row coded, err error) {
	m.changes = m.changes[:0]
	for h.at(m.key) && (*h)[0].block.kind() == unknown {
		e, err := block(bytes.Clone((*h)[0].block)).entry(m.table)
		if err == nil {
			err = h.next()
		}
		if err != nil {
			return coded{}, err
		}
		m.changes = append(m.changes, e)
	}
	if h.at(m.key) {
		switch b := (*h)[0].block; b.kind() {
		case whole:
			row = coded{m.row, b.code()}
			err = b.row(m.table, m.row)
		case gone:
		default:
			err = errSpoiled
		}
	}
	for _, e := range slices.Backward(m.changes) {
		for _, c := range e.changes {
			row.code = nil
			switch {
			case row.Row != nil:
				changeRow(row.Row, c)
			case c.Add:
				row.Row = made(m.table, c)
			}
		}
	}
	return row, err
}
