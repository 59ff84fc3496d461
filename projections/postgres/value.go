package postgres

import (
	"encoding/binary"
	"errors"

	"imagine.ua/litopys/projections"
)

// errMalformed: a cell is not of the form that its type has on the wire. The table is not the one that the
// program knows.
var errMalformed = errors.New("a value that is not of its column's type")

// fixed is the length of a cell of the type on the wire; 0 for what varies.
func fixed(t projections.Type) int {
	switch t {
	case projections.Int, projections.Time:
		return 8
	case projections.UUID:
		return 16
	case projections.Bool:
		return 1
	}
	return 0
}

// value reads one cell in the binary form of its type; nil is NULL.
func (s *snapshot) value(cell []byte, t projections.Type) (projections.Value, error) {
	if cell == nil {
		return projections.Value{}, nil
	}
	if n := fixed(t); n > 0 && len(cell) != n {
		return projections.Value{}, errMalformed
	}
	switch t {
	case projections.Int:
		return projections.Stored(t, int64(binary.BigEndian.Uint64(cell)), ""), nil // #nosec G115 -- bits
	case projections.Time:
		return projections.Stored(t, int64(binary.BigEndian.Uint64(cell))+epoch2000, ""), nil // #nosec G115 -- bits
	case projections.Bool:
		return projections.OfBool(cell[0] != 0), nil
	case projections.Text:
		return projections.Stored(t, 0, s.word(cell)), nil
	case projections.Texts:
		return texts(cell)
	default:
		return projections.Stored(t, 0, string(cell)), nil
	}
}

// texts reads an array of one dimension without NULLs; see appendTexts.
func texts(cell []byte) (projections.Value, error) {
	if len(cell) < 20 || binary.BigEndian.Uint32(cell) != 1 || binary.BigEndian.Uint32(cell[8:]) != textOID {
		return projections.Value{}, errMalformed
	}
	n := binary.BigEndian.Uint32(cell[12:])
	var list projections.List
	for cell = cell[20:]; n > 0; n-- {
		element, rest, err := field(cell)
		if err != nil || element == nil {
			return projections.Value{}, errMalformed
		}
		list.Add(string(element))
		cell = rest
	}
	if len(cell) > 0 {
		return projections.Value{}, errMalformed
	}
	return list.Value(), nil
}
