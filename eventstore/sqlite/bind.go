package sqlite

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"
)

// Bind binds one argument, from 1. Times are stored as microseconds since 1970 UTC (zero time: NULL),
// UUIDs as 16 bytes, nil slices as NULL.
func Bind(s *sqlite3.Stmt, param int, value any) error {
	switch v := value.(type) {
	case nil:
		return s.BindNull(param)
	case bool:
		return s.BindBool(param, v)
	case int:
		return s.BindInt(param, v)
	case int64:
		return s.BindInt64(param, v)
	case uint32:
		return s.BindInt64(param, int64(v))
	case uint64:
		return s.BindInt64(param, int64(v))
	case float64:
		return s.BindFloat(param, v)
	case string:
		return s.BindText(param, v)
	case []byte:
		return bindBytes(s, param, v)
	case uuid.UUID:
		return s.BindBlob(param, v[:])
	case time.Time:
		return bindTime(s, param, v)
	}
	return fmt.Errorf("sqlite: no binding for %T", value)
}

func bindBytes(s *sqlite3.Stmt, param int, b []byte) error {
	if b == nil {
		return s.BindNull(param)
	}
	return s.BindBlob(param, b)
}

func bindTime(s *sqlite3.Stmt, param int, t time.Time) error {
	if t.IsZero() {
		return s.BindNull(param)
	}
	return s.BindInt64(param, t.UnixMicro())
}

// ColumnUUID reads a 16-byte column, from 0; anything else gives the nil UUID.
func ColumnUUID(s *sqlite3.Stmt, col int) uuid.UUID {
	id, err := uuid.FromBytes(s.ColumnRawBlob(col))
	if err != nil {
		return uuid.Nil
	}
	return id
}

// ColumnTime reads a time stored by Bind; NULL gives the zero time.
func ColumnTime(s *sqlite3.Stmt, col int) time.Time {
	if s.ColumnType(col) == sqlite3.NULL {
		return time.Time{}
	}
	return time.UnixMicro(s.ColumnInt64(col)).UTC()
}
