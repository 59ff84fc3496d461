package postgres

import (
	"encoding/binary"
	"fmt"
	"strings"

	"imagine.ua/litopys/projections"
)

// A statement of a live batch takes its rows as one array a column: a batch of a second is some hundred rows,
// and one statement with its rows is one round trip. Temporary tables would each be emptied by every commit of
// the connection, used or not, which cost more than all the rest.

// A statement takes so many rows, or the row that reaches so many bytes; what is left goes with the next.
const (
	statementRows  = 4096
	statementBytes = 4 << 20
)

// staged is the name of the n-th column of the rows that a statement takes, from 1.
func staged(n int) string { return fmt.Sprintf("c%d", n) }

// each runs a statement with n rows of values of these types, which it names as s; row gives the i-th, and may
// overwrite the one before.
func (l *loader) each(types []projections.Type, n int, row func(i int) projections.Row, sql func(from string) string) error {
	text := sql(given(types))
	a := newArrays(types)
	for i := range n {
		a.add(row(i))
		if a.rows < statementRows && a.bytes < statementBytes && i < n-1 {
			continue
		}
		if err := l.conn.PgConn().ExecParams(l.ctx, text, a.params(), nil, a.formats(), nil).Read().Err; err != nil {
			return err
		}
		a.reset()
	}
	return nil
}

// given is the rows as a part of FROM. A list travels as its text, since arrays of arrays are all of one length.
func given(types []projections.Type) string {
	var columns, params, names []string
	for i, t := range types {
		name, form := staged(i+1), element(t).name
		names, params = append(names, name), append(params, fmt.Sprintf("$%d::%s[]", i+1, form))
		switch t {
		case projections.Text:
			name += ` COLLATE "C" AS ` + name
		case projections.Texts:
			name += "::text[] AS " + name
		}
		columns = append(columns, name)
	}
	return "(SELECT " + strings.Join(columns, ", ") + " FROM unnest(" + strings.Join(params, ", ") + ") AS u (" + strings.Join(names, ", ") + ")) AS s"
}

// form is a type on the wire.
type form struct {
	name string
	oid  uint32
}

func element(t projections.Type) form {
	switch t {
	case projections.Int:
		return form{"bigint", 20}
	case projections.Bytes:
		return form{"bytea", 17}
	case projections.Time:
		return form{"timestamptz", 1184}
	case projections.UUID:
		return form{"uuid", 2950}
	case projections.Bool:
		return form{"boolean", 16}
	}
	return form{"text", textOID}
}

// arrays is rows, a column after the other, each in the binary form of an array; see appendArray.
type arrays struct {
	types   []projections.Type
	columns [][]byte
	rows    int
	bytes   int
}

func newArrays(types []projections.Type) *arrays {
	a := &arrays{types: types, columns: make([][]byte, len(types))}
	a.reset()
	return a
}

func (a *arrays) reset() {
	a.rows, a.bytes = 0, 0
	for i, t := range a.types {
		a.columns[i] = appendArray(a.columns[i][:0], 1, element(t).oid)
	}
}

func (a *arrays) add(row projections.Row) {
	a.rows++
	for i, v := range row {
		before := len(a.columns[i])
		if a.types[i] == projections.Texts {
			a.columns[i] = appendLiteral(a.columns[i], v)
		} else {
			a.columns[i] = appendValue(a.columns[i], v)
		}
		a.bytes += len(a.columns[i]) - before
	}
}

func (a *arrays) params() [][]byte {
	for _, c := range a.columns {
		binary.BigEndian.PutUint32(c[arrayCount:], uint32(a.rows)) // #nosec G115 -- statementRows at most
	}
	return a.columns
}

func (a *arrays) formats() []int16 {
	out := make([]int16, len(a.columns))
	for i := range out {
		out[i] = 1
	}
	return out
}

var literal = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// appendLiteral writes a list as the text of an array.
func appendLiteral(b []byte, v projections.Value) []byte {
	if v.IsNull() {
		return appendValue(b, v)
	}
	at := len(b)
	b = append(appendLength(b, 0), '{')
	for s := range elements(v) {
		b = append(append(append(b, '"'), literal.Replace(s)...), '"', ',')
	}
	b[len(b)-1] = '}'                                       // a list that is not NULL has an element
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4)) // #nosec G115 -- a value is far under 2 GiB
	return b
}
