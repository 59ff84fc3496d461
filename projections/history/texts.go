package history

import (
	"context"
	"fmt"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/projections"
)

// PolicyText is one published version of the policy.
type PolicyText struct {
	Name      string
	Version   string
	TextHash  string    // SHA-256 of the text, hex
	Effective time.Time // first moment at which it is in force
	Recorded  time.Time // when the ledger took the publication
}

// Columns of policy_texts.
const (
	textPosition = iota
	textName
	textVersion
	textHash
	textEffective
	textRecorded
)

var textTable = &projections.Table{
	Name: "policy_texts", Key: 1, Log: true,
	Columns: []projections.Column{
		{Name: "position", Type: projections.Int},
		{Name: "name", Type: projections.Text},
		{Name: "version", Type: projections.Text},
		{Name: "text_hash", Type: projections.Text},
		{Name: "effective", Type: projections.Time},
		{Name: "recorded", Type: projections.Time},
	},
}

func published(r domain.Recorded, e policy.Published, w *projections.Writer) {
	w.Append(textTable,
		projections.OfPosition(r.Position),
		projections.OptText(e.Policy),
		projections.OptText(e.Version),
		projections.OptText(e.TextHash),
		projections.OfTime(e.EffectiveFrom),
		projections.OfTime(r.Meta.RecordedAt))
}

// texts lists the publications that were recorded by then; zero: all.
func texts(ctx context.Context, s projections.Snapshot, by time.Time) ([]PolicyText, error) {
	var where []projections.Where
	if !by.IsZero() {
		where = []projections.Where{{Column: textRecorded, Op: projections.Le, Value: projections.OfTime(by)}}
	}
	var out []PolicyText
	for row, err := range s.Select(ctx, projections.Select{Table: textTable, Where: where}) {
		if err != nil {
			return nil, fmt.Errorf("history: policy texts: %w", err)
		}
		out = append(out, PolicyText{Name: row[textName].Text(), Version: row[textVersion].Text(), TextHash: row[textHash].Text(),
			Effective: row[textEffective].Time(), Recorded: row[textRecorded].Time()})
	}
	return out, nil
}

// Text gives the text of a version, by which an entry was recorded, as published last by then.
func (p Past) Text(version string) (PolicyText, bool) {
	for i := len(p.Texts) - 1; i >= 0; i-- {
		if p.Texts[i].Version == version {
			return p.Texts[i], true
		}
	}
	return PolicyText{}, false
}

// InForce gives the text that was in force at the moment, of those whose publication was known; without a
// moment, the one that comes into force last.
func (p Past) InForce() (text PolicyText, found bool) {
	for _, t := range p.Texts {
		began := p.Moment.At.IsZero() || !t.Effective.After(p.Moment.At)
		if began && (!found || !t.Effective.Before(text.Effective)) {
			text, found = t, true
		}
	}
	return text, found
}
