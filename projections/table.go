package projections

import (
	"errors"
	"fmt"
	"regexp"
)

// Type is the type of a column. Backends store it in their native type.
type Type uint8

// The types. The zero Type is NULL and is the type of a missing value only.
const (
	Null  Type = iota
	Int        // 64-bit signed
	Text       // UTF-8
	Bytes      // octets
	Time       // microseconds, UTC
	UUID       // 16 bytes
	Bool       //
	Texts      // a list of strings
)

// Column is one column of a table. Every column outside the key may be NULL.
type Column struct {
	Name string
	Type Type
}

// Table is one table of a projection. Tables are defined once and never changed while in use; another shape
// is another Version of the projection.
type Table struct {
	// Name is unique among all projections: lower-case letters, digits and "_".
	Name string
	// Columns, those of the key first.
	Columns []Column
	// Key is how many leading columns make the primary key. Key columns are Int, Text (without a zero byte),
	// Time or UUID.
	Key int
	// Log says that rows are only appended, with keys that rise along the log. Such a table takes
	// Writer.Append and nothing else, and loads fastest.
	Log bool
	// Indexes beside the key. A rebuild makes them after the load.
	Indexes []Index
}

// KeyColumns gives the numbers of the columns of the key.
func (t *Table) KeyColumns() []int {
	columns := make([]int, t.Key)
	for i := range columns {
		columns[i] = i
	}
	return columns
}

// Index is a secondary index over columns, by their number.
type Index struct {
	Name    string
	Columns []int
}

// maxColumns lets the number of a column be a byte.
const maxColumns = 255

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// validate names all that is wrong with the definition.
func (t *Table) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("table "+t.Name+": "+format, args...))
		}
	}
	check(identifier.MatchString(t.Name), "bad name")
	check(len(t.Columns) <= maxColumns, "%d columns, %d are the most", len(t.Columns), maxColumns)
	check(t.Key > 0 && t.Key <= len(t.Columns), "key of %d columns", t.Key)
	seen := map[string]bool{}
	for i, c := range t.Columns {
		check(identifier.MatchString(c.Name) && !seen[c.Name], "column %q: bad or repeated name", c.Name)
		seen[c.Name] = true
		check(c.Type > Null && c.Type <= Texts, "column %s: no type", c.Name)
		keyable := c.Type == Int || c.Type == Text || c.Type == Time || c.Type == UUID
		check(i >= t.Key || keyable, "column %s: type not allowed in a key", c.Name)
	}
	for _, x := range t.Indexes {
		check(identifier.MatchString(x.Name), "index %q: bad name", x.Name)
		for _, c := range x.Columns {
			check(c >= 0 && c < len(t.Columns), "index %s: no column %d", x.Name, c)
		}
	}
	return errors.Join(errs...)
}
