package projtest

import (
	"math/rand/v2"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// scribble is a projection without sense that uses every kind of change on few keys, so that changes of
// one batch meet in every order. The events it folds are uses whose values say what to do.
var scribble = &projections.Projection{Name: "scribble", Version: 1, Tables: []*projections.Table{scribbles, scribbleLog}, Apply: scribbled}

var scribbles = &projections.Table{
	Name: "scribbles", Key: 2,
	Columns: []projections.Column{
		{Name: "place", Type: projections.Int}, {Name: "name", Type: projections.Text},
		{Name: "total", Type: projections.Int}, {Name: "word", Type: projections.Text}, {Name: "raw", Type: projections.Bytes},
		{Name: "words", Type: projections.Texts}, {Name: "flag", Type: projections.Bool}, {Name: "at", Type: projections.Time}, {Name: "id", Type: projections.UUID},
	},
	Indexes: []projections.Index{{Name: "word", Columns: []int{3}}},
}

var scribbleLog = &projections.Table{
	Name: "scribble_log", Key: 1, Log: true,
	Columns: []projections.Column{{Name: "position", Type: projections.Int}, {Name: "word", Type: projections.Text}},
}

// counters is a log of instructions.
func counters(seed uint64, events int) *Log {
	dice := rand.New(rand.NewPCG(seed, 7)) // #nosec G404 -- to be made again
	c := NewCrowd(dice.IntN)
	log := NewLog(ledger)
	for range events {
		var values []domain.FieldEpoch
		for range 1 + dice.IntN(3) {
			values = append(values, domain.FieldEpoch{
				Field: domain.Field([]string{"upsert", "patch", "when", "add", "delete", "below"}[dice.IntN(6)]),
				Epoch: domain.AttributeEpoch(dice.IntN(8)),
			})
		}
		p := &person{id: domain.SubjectID{UUID: c.id()}}
		log.Append(c.trace(p, subject.Used{Subject: p.id, Values: values}))
	}
	return log
}

func scribbled(r domain.Recorded, w *projections.Writer) error {
	e, ok := r.Event.(subject.Used)
	if !ok {
		return projections.UnknownEvent(r.Event)
	}
	at := projections.OfTime(r.Meta.RecordedAt)
	for _, v := range e.Values {
		n := projections.EpochRank(v.Epoch)
		key := []projections.Value{projections.OfInt(n%4 - 2), projections.OfText([]string{"a", "b"}[n/4])}
		word := projections.Set{Column: 3, Value: projections.OfText(v.Field)}
		switch v.Field {
		case "upsert":
			w.Upsert(scribbles, key[0], key[1], projections.OfPosition(r.Position), word.Value, projections.OfBytes(r.ID[:]),
				projections.OfTexts([]string{"plain", `quo"ted`, "укр,\n"}), projections.OfBool(n%2 == 0), at, projections.OfUUID(r.ID))
		case "patch":
			w.Patch(scribbles, projections.Edit{Key: key, Set: []projections.Set{word, {Column: 4}, {Column: 7, Value: at}}})
		case "when":
			w.Patch(scribbles, projections.Edit{Key: key, Set: []projections.Set{word, {Column: 6, Value: projections.OfBool(true)}},
				When: []projections.Where{{Column: 3, Value: projections.OfText("upsert")}}})
		case "below":
			w.Patch(scribbles, projections.Edit{Key: key, Set: []projections.Set{{Column: 2, Value: projections.OfInt(-n)}, {Column: 8}},
				When: []projections.Where{{Column: 2, Op: projections.Le, Value: projections.OfPosition(r.Position / 2)}, {Column: 6, Value: projections.OfBool(true)}}})
		case "add":
			w.Add(scribbles, key, projections.Set{Column: 2, Value: projections.OfInt(n + 1)})
		case "delete":
			w.Delete(scribbles, key...)
		}
	}
	w.Append(scribbleLog, projections.OfPosition(r.Position), projections.OptText(e.Values[0].Field))
	return nil
}
