package retention_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"imagine.ua/litopys/cmd/internal/portable"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/export"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/retained"
	"imagine.ua/litopys/projections/transfers"
)

// opener opens what a reader of this reach may see.
type opener struct {
	*journal.Journal
	reach journal.Reach
}

func (o opener) Open(ctx context.Context, values []projections.Sealed) ([]domain.Value, error) {
	opened, err := o.OpenAs(ctx, o.reach, values)
	out := make([]domain.Value, len(opened))
	for i := range opened {
		out[i] = opened[i].Value
	}
	return out, err
}

// answers is what every reader gets to see of one person in clear, sorted, by reader; and everything that is
// written for others.
type answers struct {
	seen    map[string][]string
	written map[string][]byte
}

// see notes an item that came out in clear.
func (a *answers) see(reader string, items ...domain.Item) {
	for _, item := range items {
		if text, clear := item.Value.Reveal(); clear {
			a.seen[reader] = append(a.seen[reader], line(item, text))
		}
	}
}

// ask asks every reader there is about a person.
func (h *house) ask(t testing.TB, who domain.SubjectID) answers {
	t.Helper()
	a := answers{map[string][]string{}, map[string][]byte{}}
	var draft *portable.Draft
	err := h.answers.View(t.Context(), func(s projections.Snapshot) (err error) {
		for _, step := range []func(context.Context, projections.Snapshot, domain.SubjectID, *answers) error{
			h.askProfile, h.askTimeline, h.askRetained, h.askTransfers,
		} {
			if err := step(t.Context(), s, who, &a); err != nil {
				return err
			}
		}
		draft, _, err = portable.Gather(t.Context(), s, h.policy, who, h.now())
		return err
	})
	if err == nil {
		err = h.askCopy(t.Context(), draft, &a)
	}
	if err == nil {
		var replay bytes.Buffer
		_, err = export.Log(t.Context(), &replay, export.LogSource{Log: h.journal.Store(), Keys: h.journal.Keys()}, export.LogFilter{Subject: who}, nil)
		a.written["replay"] = replay.Bytes()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range a.seen {
		slices.Sort(list)
	}
	return a
}

func (h *house) askProfile(ctx context.Context, s projections.Snapshot, who domain.SubjectID, a *answers) error {
	p, _, err := profile.Get(ctx, s, who)
	if err == nil {
		err = p.Open(ctx, h.journal)
	}
	for _, f := range p.Fields {
		a.see("profile", domain.Item{Field: f.Field, Epoch: f.Epoch, Value: f.Value})
	}
	return err
}

func (h *house) askTimeline(ctx context.Context, s projections.Snapshot, who domain.SubjectID, a *answers) error {
	var entries []history.Entry
	for e, err := range history.Timeline(ctx, s, who, history.Filter{}) {
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
	for name, reach := range map[string]journal.Reach{"timeline": journal.LiveOnly, "timeline of all": journal.WithRetained} {
		opened, err := history.Open(ctx, h.journal, opener{h.journal, reach}, entries)
		if err != nil {
			return err
		}
		a.see(name, slices.Concat(opened...)...)
	}
	return nil
}

func (h *house) askRetained(ctx context.Context, s projections.Snapshot, who domain.SubjectID, a *answers) error {
	list, _, err := retained.Reader{Policy: h.policy, Role: "officer"}.Of(ctx, s, who)
	if err != nil {
		return err
	}
	opened, err := retained.Open(ctx, s, h.journal, opener{h.journal, journal.WithRetained}, list)
	for _, v := range opened {
		a.see("retained", v.Item)
	}
	return err
}

func (h *house) askTransfers(ctx context.Context, s projections.Snapshot, who domain.SubjectID, a *answers) error {
	cards, err := transfers.Recipients(ctx, s)
	for _, form := range []export.Format{export.CSV, export.JSONL} {
		var text bytes.Buffer
		if err == nil {
			_, err = export.Transfers(&text, form, transfers.List(ctx, s, transfers.Filter{Subject: who}), cards)
		}
		a.written[string(form)] = text.Bytes()
	}
	return err
}

// askCopy takes the copy for the person himself.
func (h *house) askCopy(ctx context.Context, draft *portable.Draft, a *answers) error {
	given, err := draft.Complete(ctx, h.journal, h.journal)
	if err != nil {
		return err
	}
	var page, object bytes.Buffer
	if err := given.WriteHTML(&page); err != nil {
		return err
	}
	if err := given.WriteJSON(&object); err != nil {
		return err
	}
	a.written["copy as page"], a.written["copy as JSON"] = page.Bytes(), object.Bytes()
	for _, v := range given.Values {
		a.seen["copy"] = append(a.seen["copy"], v.Field+" "+v.Value) // a copy names no epochs
	}
	return nil
}
