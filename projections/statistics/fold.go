package statistics

import (
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// New is the projection.
func New() *projections.Projection {
	return &projections.Projection{Name: Name, Version: version,
		Tables: []*projections.Table{periods, figures, cells, barred, marks}, Apply: apply}
}

func apply(r domain.Recorded, w *projections.Writer) error {
	switch e := r.Event.(type) {
	case statistics.Published:
		published(r, e, w)
	case subject.Registered:
		w.Upsert(marks, projections.OfText(domain.MonthOf(r.Meta.RecordedAt)), projections.OfPosition(r.Position))
	case subject.Objected:
		bar(w, e.Subject, byPurpose, e.Purposes)
	case subject.ObjectionWithdrawn:
		unbar(w, e.Subject, byPurpose, e.Purposes)
	case subject.Restricted:
		bar(w, e.Subject, byField, e.Fields)
	case subject.RestrictionLifted:
		unbar(w, e.Subject, byField, e.Fields)
	default:
		// They are counted when a month is closed, and leave nothing here.
		return projections.Others(r.Event)
	}
	return nil
}

func bar[T ~string](w *projections.Writer, id domain.SubjectID, kind string, list []T) {
	for _, x := range list {
		w.Upsert(barred, projections.OfUUID(id.UUID), projections.OfText(kind), projections.OfText(x))
	}
}

func unbar[T ~string](w *projections.Writer, id domain.SubjectID, kind string, list []T) {
	for _, x := range list {
		w.Delete(barred, projections.OfUUID(id.UUID), projections.OfText(kind), projections.OfText(x))
	}
}

func published(r domain.Recorded, e statistics.Published, w *projections.Writer) {
	month := projections.OfText(e.Period)
	var fields projections.List
	for _, o := range e.Opened {
		fields.Add(string(o.Field))
	}
	w.Upsert(periods, month,
		projections.OfText(e.Plan),
		projections.OfTime(r.Meta.OccurredAt),
		projections.OfTime(r.Meta.RecordedAt),
		projections.OptText(r.Meta.Actor.Kind),
		projections.OptText(r.Meta.Actor.ID),
		projections.OptText(r.Meta.Purpose),
		projections.OptText(r.Meta.Grounds),
		projections.OptText(r.Meta.Service),
		projections.OptText(r.Meta.Policy),
		projections.OfInt(int64(e.Budget)),
		fields.Value(),
		projections.OfUUID(r.ID))
	for i, t := range e.Tables {
		table(w, month, int64(i), t)
	}
}

func table(w *projections.Writer, month projections.Value, at int64, t statistics.Table) {
	w.Upsert(figures, month, projections.OfInt(at),
		projections.OfText(t.ID),
		projections.OfText(t.Title),
		projections.OfTexts(t.By),
		projections.OfInt(t.Total),
		projections.OfBool(t.Withheld),
		projections.OfText(t.Method),
		projections.OfInt(t.MaxCells),
		projections.OfInt(t.Threshold),
		projections.OfInt(t.Rounding),
		projections.OfInt(int64(t.Epsilon)),
		projections.OfInt(int64(t.Delta)),
		projections.OfText(t.Class),
		projections.OfTexts(t.Tests))
	for n, c := range t.Cells {
		persons := projections.OfInt(c.Persons)
		if c.Suppressed {
			persons = projections.Value{}
		}
		w.Upsert(cells, month, projections.OfInt(at), projections.OfInt(int64(n)), projections.OfTexts(c.Labels), persons)
	}
}
