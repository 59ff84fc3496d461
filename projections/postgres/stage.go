package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"imagine.ua/litopys/projections"
)

// Staging tables are temporary: nobody else sees them, nothing of them is logged, and a commit empties them.
// They belong to a connection and are told apart by the types of their columns, not by whose rows they hold,
// so that a handful serves all tables and their making does not bloat the server's catalogue.

// staged is the name of a staging table's n-th column, from 1.
func staged(n int) string { return fmt.Sprintf("c%d", n) }

// stage puts n rows into a staging table that nothing in this transaction has used, and names it.
func (l *loader) stage(types []projections.Type, n int, row func(i int, b []byte) []byte) (string, error) {
	form := formOf(types)
	l.used[form]++
	name := fmt.Sprintf("pg_temp.stage_%s_%d", form, l.used[form])
	if !l.stages[name] && !l.made[name] {
		columns := make([]string, len(types))
		for i, t := range types {
			columns[i] = staged(i+1) + " " + storage(t)
		}
		// It may be there: made by a transaction whose end we did not hear of.
		if err := script(l.ctx, l.conn, "CREATE TEMPORARY TABLE IF NOT EXISTS "+name+" ("+strings.Join(columns, ", ")+") ON COMMIT DELETE ROWS"); err != nil {
			return "", err
		}
		l.made[name] = true
	}
	return name, copyRows(l.ctx, l.conn, name, len(types), n, row)
}

// formOf writes types as letters, or as a digest when they are too many for a name.
func formOf(types []projections.Type) string {
	letters := make([]byte, len(types))
	for i, t := range types {
		letters[i] = "-itbmuol"[t]
	}
	if len(letters) <= 40 {
		return string(letters)
	}
	sum := sha256.Sum256(letters)
	return hex.EncodeToString(sum[:16])
}
