package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	counts "imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/register"
)

// counted closes the month in which everybody visited (2.2.5, 2.2.8).
func (t *tour) counted(ctx context.Context) error {
	t.title("A month is closed: figures that name nobody, for ever (2.2.5, 2.2.8)")
	op, plan := t.by("employee", "statistics", "ua.11.1.6", "site"), counts.Builtin()
	if err := t.quietly(func() error { return t.p.publishMonth(ctx, t.app, op, t.month, plan, false) }); err != nil {
		return err
	}
	t.note("%s is published. Cells of fewer than %d persons are hidden.", t.month, plan.MinimumCell)
	t.note("Every figure is rounded up or down to a multiple of %d, by chance.", plan.Rounding)
	t.show()
	var err error
	if t.figures, err = t.published(ctx); err == nil {
		_, err = fmt.Fprint(t.p.Out, t.figures)
	}
	return err
}

// quietly keeps a step from answering.
func (t *tour) quietly(step func() error) error {
	_, err := t.captured(step)
	return err
}

// captured gives the answer of a step as text.
func (t *tour) captured(step func() error) (string, error) {
	var answer bytes.Buffer
	out, quiet := t.p.Out, t.p.quiet
	t.p.Out, t.p.quiet = &answer, true
	defer func() { t.p.Out, t.p.quiet = out, quiet }()
	err := step()
	return answer.String(), err
}

// published is a table of the month as it is shown.
func (t *tour) published(ctx context.Context) (string, error) {
	return t.captured(func() error { return t.p.showPublished(ctx, t.app, t.month, "browsers") })
}

// recounted shows that the erasure changed no figure (4.2).
func (t *tour) recounted(ctx context.Context) error {
	t.title("The figures of the month are what they were (4.2)")
	now, err := t.published(ctx)
	if err != nil {
		return err
	}
	if now != t.figures {
		return errors.New("the published figures changed with an erasure")
	}
	_, err = fmt.Fprintf(t.p.Out, "figures of %s before and after the erasure: equal, byte for byte\n", t.month)
	return err
}

// registered shows a part of the record of processing activities.
func (t *tour) registered(ctx context.Context) error {
	t.title("The record of processing: who holds what? (GDPR art. 30)")
	var r *register.Register
	err := t.app.View(ctx, func(s projections.Snapshot) (err error) {
		r, err = register.Make(ctx, s, t.app.Policy)
		return err
	})
	if err != nil {
		return err
	}
	pairs(t.p.Out, [2]string{"controller", r.Controller.Name}, [2]string{"policy", r.Policy + " " + r.Version}, [2]string{"class", registerNote})
	t.p.registerRecipients(r)
	t.show()
	t.note("The whole of it, as a page: litopys register show --format html")
	return nil
}
