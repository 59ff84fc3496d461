package projtest

import (
	"context"
	"fmt"
	"testing"

	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/consents"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/notices"
	"imagine.ua/litopys/projections/obligations"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/register"
	"imagine.ua/litopys/projections/requests"
	"imagine.ua/litopys/projections/retained"
	"imagine.ua/litopys/projections/statistics"
	"imagine.ua/litopys/projections/transfers"
)

// All is the ledger's projections.
func All() []*projections.Projection {
	return []*projections.Projection{profile.New(), history.New(), consents.New(), transfers.New(), retained.New(),
		obligations.New(law.UA()), requests.New(), notices.New(), statistics.New(), register.New()}
}

// Dump is all live rows of a set of projections, by table, in the order of their keys.
type Dump map[string][]string

// Read dumps the live builds.
func Read(t testing.TB, b projections.Viewer, set []*projections.Projection) Dump {
	t.Helper()
	d := Dump{}
	err := b.View(context.Background(), func(s projections.Snapshot) error {
		for _, p := range set {
			for _, table := range p.Tables {
				rows, err := dump(s, table)
				if err != nil {
					return err
				}
				d[table.Name] = rows
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("dump: %v", err)
	}
	return d
}

func dump(s projections.Snapshot, table *projections.Table) ([]string, error) {
	rows := []string{}
	for row, err := range s.Select(context.Background(), projections.Select{Table: table}) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, text(row))
	}
	return rows, nil
}

func text(row projections.Row) string {
	var b []byte
	for _, v := range row {
		t, n, s := v.Parts()
		b = fmt.Appendf(b, "%d:%d:%q ", t, n, s)
	}
	return string(b)
}

// Rows is the number of rows in the dump.
func (d Dump) Rows() (n int) {
	for _, rows := range d {
		n += len(rows)
	}
	return n
}
