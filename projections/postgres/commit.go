package postgres

import (
	"context"
	"fmt"
	"strings"

	"imagine.ua/litopys/projections"
)

// Commit writes rows and moves the checkpoint in one transaction.
func (b *Backend) Commit(ctx context.Context, c projections.Commit) error {
	return b.write(ctx, "commit", derivable, func(ctx context.Context, s *session) error {
		list, err := s.locked(ctx, c.Projection.Name)
		if err != nil {
			return err
		}
		have, ok := numbered(list, c.Projection.Name, c.Number)
		switch {
		case !ok || have.State == projections.Old:
			return projections.ErrConflict
		case have.Mark == c.To && c.From != c.To:
			return nil // applied before; the answer was lost on the way
		case have.Mark != c.From:
			return fmt.Errorf("%w: it stands at position %d, the batch begins after %d", projections.ErrConflict, have.Mark.Position, c.From.Position)
		}
		for _, changes := range c.Changes {
			l := loader{ctx: ctx, session: s, table: changes.Table, name: table(have.schema, changes.Table.Name), hidden: have.State == projections.Building, empty: c.From == projections.Mark{}}
			if err := l.load(changes); err != nil {
				return fmt.Errorf("table %s: %w", changes.Table.Name, err)
			}
		}
		return s.advance(ctx, c)
	})
}

func (s *session) advance(ctx context.Context, c projections.Commit) error {
	failure := c.Failure
	if failure != nil { // the reason may be any text, and the server takes no zero byte and nothing but UTF-8
		clean := *failure
		clean.Reason = strings.ToValidUTF8(strings.ReplaceAll(clean.Reason, "\x00", ""), "\uFFFD")
		failure = &clean
	}
	_, err := s.conn.Exec(ctx, "UPDATE "+s.state+`.builds SET position = $1, previous = $2, event = $3, events = events + $4, failure = $5,
		changed = clock_timestamp() WHERE projection = $6 AND number = $7`,
		c.To.Position, c.To.Previous, c.To.Event, c.Events, failure, c.Projection.Name, c.Number)
	return err
}

// loader writes one table's changes. It lives for one transaction only, so it may hold its context.
type loader struct {
	*session
	ctx   context.Context
	table *projections.Table
	name  string
	// hidden says that no reader sees the build, and that it is written in bulk.
	hidden bool
	empty  bool // nothing was ever written to the build
}

func (l *loader) load(c projections.Changes) error {
	if err := l.copy(c.Appends); err != nil {
		return err
	}
	if err := l.delete(c.Deletes); err != nil {
		return err
	}
	if err := l.upsert(c.Upserts); err != nil {
		return err
	}
	for _, round := range c.Rounds {
		for _, shape := range shapes(round) {
			if err := l.change(shape); err != nil {
				return err
			}
		}
	}
	return nil
}

// copy sends whole rows straight into the table.
func (l *loader) copy(rows []projections.Row) error {
	if len(rows) == 0 {
		return nil
	}
	return copyRows(l.ctx, l.conn, l.name, len(l.table.Columns), len(rows), func(i int, b []byte) []byte { return appendRow(b, rows[i]) })
}

func (l *loader) upsert(rows []projections.Row) error {
	if len(rows) == 0 {
		return nil
	}
	if l.empty {
		return l.copy(rows) // a batch names each key once, and there is nothing else
	}
	if l.hidden {
		// In bulk it is cheaper to take the old rows away by their keys and to copy the new ones than to
		// write each new row twice. In a live table a merge is better: it can leave the indexes as they are.
		if err := l.delete(rows); err != nil {
			return err
		}
		return l.copy(rows)
	}
	columns := allColumns(l.table)
	var sets []string
	for _, c := range columns[l.table.Key:] {
		sets = append(sets, l.column(c)+" = excluded."+l.column(c))
	}
	return l.each(typesOf(l.table, columns), len(rows), func(i int) projections.Row { return rows[i] },
		func(from string) string {
			return "INSERT INTO " + l.name + " SELECT * FROM " + from + l.onConflict(sets)
		})
}

func (l *loader) onConflict(sets []string) string {
	key := " ON CONFLICT (" + strings.Join(columnNames(l.table, l.table.KeyColumns()), ", ") + ")"
	if len(sets) == 0 {
		return key + " DO NOTHING"
	}
	return key + " DO UPDATE SET " + strings.Join(sets, ", ")
}

// delete removes the rows with these keys; what stands behind the key in them does not count.
func (l *loader) delete(keys []projections.Row) error {
	if len(keys) == 0 || l.empty {
		return nil
	}
	return l.each(typesOf(l.table, l.table.KeyColumns()), len(keys), func(i int) projections.Row { return keys[i][:l.table.Key] },
		func(from string) string {
			return "DELETE FROM " + l.name + " AS t USING " + from + " WHERE " + l.keyIs()
		})
}

// shape is changes of one round that set and compare the same columns: one statement does them all.
type shape struct {
	add     bool
	set     []int
	when    []projections.Where
	changes []projections.Change
}

// shapes sorts a round by shape. A round names each key once, so its changes may be done in any order; within
// a shape they stay sorted by key.
func shapes(round []projections.Change) []*shape {
	var out []*shape
	byForm := map[string]*shape{}
	var form []byte
	for _, c := range round {
		form = append(form[:0], byte(len(c.Set)))
		if c.Add {
			form[0] |= 0x80
		}
		for _, s := range c.Set {
			form = append(form, byte(s.Column))
		}
		for _, w := range c.When {
			form = append(form, byte(w.Column), byte(w.Op))
		}
		x := byForm[string(form)]
		if x == nil {
			x = &shape{add: c.Add, when: c.When}
			for _, s := range c.Set {
				x.set = append(x.set, s.Column)
			}
			byForm[string(form)] = x
			out = append(out, x)
		}
		x.changes = append(x.changes, c)
	}
	return out
}

// change does the changes of one shape, given as key, new values, values to compare with.
func (l *loader) change(x *shape) error {
	if l.empty && !x.add {
		return nil // there is no row to be changed
	}
	types := append(typesOf(l.table, l.table.KeyColumns()), typesOf(l.table, x.set)...)
	for _, w := range x.when {
		types = append(types, l.table.Columns[w.Column].Type)
	}
	sql := l.patchSQL
	if x.add {
		l.empty = false // a later round may change the rows that this one makes
		sql = l.addSQL
	}
	var row projections.Row
	return l.each(types, len(x.changes), func(i int) projections.Row {
		row = valuesOf(row[:0], x.changes[i])
		return row
	}, func(from string) string { return sql(x, from) })
}

func valuesOf(row projections.Row, c projections.Change) projections.Row {
	row = append(row, c.Key...)
	for _, s := range c.Set {
		row = append(row, s.Value)
	}
	for _, w := range c.When {
		row = append(row, w.Value)
	}
	return row
}

func (l *loader) patchSQL(x *shape, from string) string {
	var sets []string
	n := l.table.Key
	for _, c := range x.set {
		n++
		sets = append(sets, l.column(c)+" = s."+staged(n))
	}
	where := l.keyIs()
	for _, w := range x.when {
		n++
		where += " AND t." + l.column(w.Column) + " " + w.Op.String() + " s." + staged(n)
	}
	return "UPDATE " + l.name + " AS t SET " + strings.Join(sets, ", ") + " FROM " + from + " WHERE " + where
}

func (l *loader) addSQL(x *shape, from string) string {
	columns := append(l.table.KeyColumns(), x.set...)
	var sets []string
	for _, c := range x.set {
		sets = append(sets, l.column(c)+" = coalesce(t."+l.column(c)+", 0) + excluded."+l.column(c))
	}
	return "INSERT INTO " + l.name + " AS t (" + strings.Join(columnNames(l.table, columns), ", ") + ") SELECT * FROM " + from + l.onConflict(sets)
}

// keyIs compares the key of t with the first columns of the given rows s.
func (l *loader) keyIs() string {
	var parts []string
	for i := range l.table.Key {
		parts = append(parts, "t."+l.column(i)+" = s."+staged(i+1))
	}
	return strings.Join(parts, " AND ")
}

func (l *loader) column(c int) string { return quoted(l.table.Columns[c].Name) }

func allColumns(t *projections.Table) []int {
	columns := make([]int, len(t.Columns))
	for i := range columns {
		columns[i] = i
	}
	return columns
}

func typesOf(t *projections.Table, columns []int) []projections.Type {
	types := make([]projections.Type, len(columns))
	for i, c := range columns {
		types[i] = t.Columns[c].Type
	}
	return types
}
