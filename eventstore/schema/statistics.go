package schema

import (
	"fmt"
	"math"
	"strconv"

	"imagine.ua/litopys/domain/statistics"
)

func walkStatisticsPublished(c *coder, e *statistics.Published) {
	c.mark('{')
	text(c, "period", &e.Period)
	text(c, "plan", &e.Plan)
	count(c, "counted", &e.Counted)
	list(c, "tables", &e.Tables, c.statisticsTable)
	list(c, "opened", &e.Opened, func(o *statistics.Opened) {
		c.mark('{')
		text(c, "field", &o.Field)
		count(c, "values", &o.Values)
		c.mark('}')
	})
	count(c, "budgetNano", &e.Budget)
	c.mark('}')
}

func (c *coder) statisticsTable(t *statistics.Table) {
	c.mark('{')
	text(c, "id", &t.ID)
	text(c, "title", &t.Title)
	words(c, "by", &t.By)
	list(c, "cells", &t.Cells, func(cell *statistics.Cell) {
		c.mark('{')
		words(c, "labels", &cell.Labels)
		count(c, "persons", &cell.Persons)
		c.flag("suppressed", &cell.Suppressed)
		c.mark('}')
	})
	count(c, "total", &t.Total)
	c.flag("withheld", &t.Withheld)
	text(c, "method", &t.Method)
	count(c, "maxCells", &t.MaxCells)
	count(c, "threshold", &t.Threshold)
	count(c, "rounding", &t.Rounding)
	count(c, "epsilonNano", &t.Epsilon)
	count(c, "deltaNano", &t.Delta)
	text(c, "class", &t.Class)
	words(c, "tests", &t.Tests)
	c.mark('}')
}

// count walks an optional number from 0; 0 is left out. It is written in decimal digits.
func count[T ~int64 | ~uint64](c *coder, name string, v *T) {
	if c.writing && *v == 0 {
		return
	}
	if !c.key(name) || c.err != nil {
		return
	}
	if !c.writing {
		*v = T(c.readNumber())
		return
	}
	if *v < 0 || uint64(*v) > math.MaxInt64 {
		c.fail(fmt.Errorf("%w: %s is no number from 0 to 2^63-1", ErrIncomplete, name))
		return
	}
	c.b = strconv.AppendUint(c.b, uint64(*v), 10)
}

// readNumber reads a number from 1 to 2^63-1 without leading zeros.
func (c *coder) readNumber() uint64 {
	from := c.pos
	for c.pos < len(c.b) && c.b[c.pos] >= '0' && c.b[c.pos] <= '9' {
		c.pos++
	}
	n, err := strconv.ParseUint(string(c.b[from:c.pos]), 10, 63)
	if err != nil || c.b[from] == '0' {
		c.pos = from
		c.malformed("a number from 1 without leading zeros")
		return 0
	}
	return n
}
