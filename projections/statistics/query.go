package statistics

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/projections"
)

// Month is what was published of one month, by whom and on what ground.
type Month struct {
	statistics.Published
	At       time.Time // when it was published
	Recorded time.Time
	Actor    domain.Actor
	Purpose  domain.Purpose
	Grounds  domain.Grounds
	Service  domain.Service
	Policy   string
	Event    uuid.UUID
}

// Published lists the closed months, the oldest first, without their tables.
func Published(ctx context.Context, s projections.Snapshot) ([]Month, error) {
	return months(ctx, s, projections.Select{Table: periods})
}

// Get gives what was published of a month, and whether it is closed.
func Get(ctx context.Context, s projections.Snapshot, m domain.Month) (Month, bool, error) {
	of := []projections.Where{{Column: periodMonth, Value: projections.OfText(m)}}
	list, err := months(ctx, s, projections.Select{Table: periods, Where: of})
	if err != nil || len(list) == 0 {
		return Month{}, false, err
	}
	month := list[0]
	for row, err := range s.Select(ctx, projections.Select{Table: figures, Where: of}) {
		if err != nil {
			return Month{}, false, fmt.Errorf("statistics: %w", err)
		}
		month.Tables = append(month.Tables, tableOf(row))
	}
	for row, err := range s.Select(ctx, projections.Select{Table: cells, Where: of}) {
		if err != nil {
			return Month{}, false, fmt.Errorf("statistics: %w", err)
		}
		t := row[cellTable].Int()
		if t < 0 || t >= int64(len(month.Tables)) {
			return Month{}, false, fmt.Errorf("statistics: a cell of table %d, which is not there", t)
		}
		month.Tables[t].Cells = append(month.Tables[t].Cells, statistics.Cell{
			Labels:     projections.Strings[statistics.Label](row[cellLabels]),
			Persons:    row[cellPersons].Int(),
			Suppressed: row[cellPersons].IsNull(),
		})
	}
	return month, true, nil
}

func months(ctx context.Context, s projections.Snapshot, q projections.Select) ([]Month, error) {
	var out []Month
	for row, err := range s.Select(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("statistics: %w", err)
		}
		out = append(out, monthOf(row))
	}
	return out, nil
}

func monthOf(row projections.Row) Month {
	return Month{
		Published: statistics.Published{
			Period: domain.Month(row[periodMonth].Text()),
			Plan:   row[periodPlan].Text(),
			Opened: openedOf(row),
			Budget: statistics.Billionths(row[periodBudget].Int()),
		},
		At:       row[periodPublished].Time(),
		Recorded: row[periodRecorded].Time(),
		Actor:    domain.Actor{Kind: domain.ActorKind(row[periodActorKind].Text()), ID: domain.Reference(row[periodActor].Text())},
		Purpose:  domain.Purpose(row[periodPurpose].Text()),
		Grounds:  domain.Grounds(row[periodGrounds].Text()),
		Service:  domain.Service(row[periodService].Text()),
		Policy:   row[periodPolicy].Text(),
		Event:    row[periodEvent].UUID(),
	}
}

func openedOf(row projections.Row) (out []statistics.Opened) {
	for _, f := range row[periodOpened].Texts() {
		out = append(out, statistics.Opened{Field: domain.Field(f)})
	}
	return out
}

func tableOf(row projections.Row) statistics.Table {
	return statistics.Table{
		ID:        row[tableID].Text(),
		Title:     row[tableTitle].Text(),
		By:        projections.Strings[statistics.Dimension](row[tableBy]),
		Total:     row[tableTotal].Int(),
		Withheld:  row[tableWithheld].Bool(),
		Method:    statistics.Method(row[tableMethod].Text()),
		MaxCells:  row[tableMaxCells].Int(),
		Threshold: row[tableThreshold].Int(),
		Rounding:  row[tableRounding].Int(),
		Epsilon:   statistics.Billionths(row[tableEpsilon].Int()),
		Delta:     statistics.Billionths(row[tableDelta].Int()),
		Class:     statistics.Class(row[tableClass].Text()),
		Tests:     projections.Strings[statistics.Test](row[tableTests]),
	}
}

// Barred is who must not be counted.
type Barred struct {
	// Persons object to statistics: nothing of theirs is counted.
	Persons map[domain.SubjectID]bool
	// Fields are restricted to storage: what rests on them is not counted.
	Fields map[domain.SubjectID][]domain.Field
}

// WhoIsBarred gives who must not be counted under this policy: those who object to a purpose that it names as one of
// statistics on depersonalised data, and those whose fields are restricted.
func WhoIsBarred(ctx context.Context, s projections.Snapshot, p *policy.Policy) (Barred, error) {
	b := Barred{Persons: map[domain.SubjectID]bool{}, Fields: map[domain.SubjectID][]domain.Field{}}
	for row, err := range s.Select(ctx, projections.Select{Table: barred}) {
		if err != nil {
			return b, fmt.Errorf("statistics: %w", err)
		}
		id, what := domain.SubjectID{UUID: row[barredSubject].UUID()}, row[barredWhat].Text()
		if row[barredKind].Text() == byField {
			b.Fields[id] = append(b.Fields[id], domain.Field(what))
		} else if x, ok := p.Purpose(domain.Purpose(what)); ok && x.Depersonalised {
			b.Persons[id] = true
		}
	}
	return b, nil
}

// Start gives a position in the log before which nothing of the month is recorded. A month of margin is left, since
// clocks of two machines differ.
func Start(ctx context.Context, s projections.Snapshot, m domain.Month) (uint64, error) {
	from, _, ok := statistics.Span(m)
	if !ok {
		return 0, fmt.Errorf("statistics: %q is no month", string(m))
	}
	before := domain.MonthOf(from.AddDate(0, -1, 0))
	q := projections.Select{Table: marks, Where: []projections.Where{{Column: markMonth, Op: projections.Lt, Value: projections.OfText(before)}}, Reverse: true, Limit: 1}
	for row, err := range s.Select(ctx, q) {
		if err != nil {
			return 0, fmt.Errorf("statistics: %w", err)
		}
		return row[markPosition].Position(), nil
	}
	return 0, nil
}

// Table finds a table of the month by its id.
func (m Month) Table(id string) (statistics.Table, bool) {
	i := slices.IndexFunc(m.Tables, func(t statistics.Table) bool { return t.ID == id })
	if i < 0 {
		return statistics.Table{}, false
	}
	return m.Tables[i], true
}
