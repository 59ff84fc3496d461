package cli

import (
	"context"
	"fmt"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
)

// following tells entries one by one as they come.
type following struct {
	p       *program
	keeping history.Keeping
	lateness
	told    int
	leftOut int
}

// tell prints one entry as soon as it is there.
func (f *following) tell(e history.Entry) error {
	f.told++
	late := f.late(e)
	if f.p.json {
		return f.p.answer(timelineJSON(e, nil, f.keeping, late))
	}
	_, err := fmt.Fprintln(f.p.Out, visible(entryLine(e, late)))
	return err
}

// follow prints the entries that there are, line by line, and each new one when it is recorded.
func (p *program) follow(ctx context.Context, a *app.App, h *historyFlags, id domain.SubjectID) error {
	filter, err := h.filter()
	if err != nil {
		return err
	}
	f := following{p: p, keeping: p.keeping(h)}
	after, err := f.past(ctx, a, id, filter)
	if err != nil {
		return err
	}
	p.leftOut(f.leftOut)
	if filter.Limit > 0 {
		if filter.Limit -= f.told; filter.Limit == 0 {
			return nil
		}
	}
	p.say("following from position %d", after)
	filter.After = after
	for e, err := range history.Follow(ctx, a.Journal, id, filter) {
		if err == nil {
			err = f.tell(e)
		}
		if err != nil {
			return err
		}
	}
	return nil // an interrupt is how it ends
}

// past tells the entries that there are, and gives the position up to which it did.
func (f *following) past(ctx context.Context, a *app.App, id domain.SubjectID, filter history.Filter) (after uint64, err error) {
	err = a.View(ctx, func(s projections.Snapshot) (err error) {
		if err = asked(ctx, a, s, id, filter); err != nil {
			return err
		}
		if after, err = history.Level(ctx, s); err != nil {
			return err
		}
		for e, err := range f.keeping.Timeline(ctx, s, id, filter, &f.leftOut) {
			if err == nil {
				err = f.tell(e)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return after, err
}

// entryLine is an entry on one line. What was recorded late says when: no legend stands below a line that is
// followed by the next one tomorrow.
func entryLine(e history.Entry, late bool) string {
	at, recorded := when(e.Occurred), ""
	if late {
		at, recorded = at+lateMark, "  (recorded "+when(e.Recorded)+")"
	}
	return fmt.Sprintf("%-21s  %-18s  %s  %s %s  %s%s", at, typeName(e.Type), actor(e.Actor), e.Purpose, e.Grounds, aboutEntry(e, nil), recorded)
}
