package cli

import (
	"context"
	"errors"

	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/obligations"
)

// supporting is what the first employee does on a duty of the law.
func (t *tour) supporting(who person) subject.About {
	return subject.About{Subject: who.id, Operation: t.by("employee", "contact", "ua.11.1.5", "support")}
}

// duties lists what is owed.
func (t *tour) duties(ctx context.Context, f obligations.Filter) (list []obligations.Obligation, err error) {
	err = t.app.View(ctx, func(s projections.Snapshot) error {
		for o, err := range obligations.List(ctx, s, f) {
			if err != nil {
				return err
			}
			list = append(list, o)
		}
		return nil
	})
	return list, err
}

// keptNow shows what is kept of the person, as the officer may read it, still sealed.
func (t *tour) keptNow(ctx context.Context) error {
	t.p.cfg.Act = officer
	t.show()
	return t.p.listRetained(ctx, t.app, &opening{}, t.people[0].id)
}

// kept changes a value that a law keeps (4.3).
func (t *tour) kept(ctx context.Context) error {
	t.title("A new tax number; the law keeps the old one, out of the profile (4.3)")
	if err := t.do(ctx, "edit: another tax number", subject.Edit{About: t.own(t.people[0]), Values: given("tax_number", t.people[0].nexttax)}); err != nil {
		return err
	}
	t.note("No role sees it in the profile. What is kept, by which law, until when?")
	return t.keptNow(ctx)
}

// court is the paper on which a hold rests.
func (t *tour) court() subject.Warrant {
	return subject.Warrant{Authority: "court-7", Act: "CPC", Article: "170", Document: "757/1-k", Dated: t.at.AddDate(0, 0, -1)}
}

// held places a legal hold, under which a deletion destroys nothing (4.3).
func (t *tour) held(ctx context.Context) error {
	who := t.people[0]
	t.title("A court forbids to destroy anything (4.3)")
	t.hold = domain.HoldID{UUID: t.id()}
	err := errors.Join(
		t.do(ctx, "hold: everything of the person", subject.PlaceHold{About: t.supporting(who), Hold: t.hold, All: true, Warrant: t.court()}),
		t.do(ctx, "delete: the person deletes his date of birth", subject.Delete{About: t.own(who), Fields: fields([]string{"birth_date"})}),
	)
	if err != nil {
		return err
	}
	return t.keptNow(ctx)
}

// disclosed hands a kept value to an authority, by its request and two approvals (3.3.3, 4.3).
func (t *tour) disclosed(ctx context.Context) error {
	who := t.people[0]
	t.title("The tax office asks for the old number; two approve (3.3.3, 4.3)")
	asked := domain.RequestID{UUID: t.id()}
	about := func(actor string) request.About {
		return request.About{Request: asked, Operation: t.by(actor, "contact", "ua.11.1.5", "support")}
	}
	paper := subject.Warrant{Authority: "tax-office", Act: "2755-VI", Article: "73.3", Document: "request-16", Dated: t.at}
	return errors.Join(
		t.do(ctx, "its request comes in, taken by e-17", request.Receive{About: about("employee"), Kind: request.Disclosure, Channel: subject.ByPost,
			Subject: who.id, Fields: fields([]string{"tax_number"}), Recipient: t.taxes, Warrant: paper, Document: "in-29"}),
		t.refused(ctx, "e-17 approves what he took in:", request.Approve{About: about("employee")}),
		t.do(ctx, "e-18 approves", request.Approve{About: about("e-18")}),
		t.do(ctx, "e-19 approves", request.Approve{About: about("e-19")}),
		t.do(ctx, "disclose: the first tax number, and nothing else", subject.Disclose{About: t.supporting(who), Recipient: t.taxes,
			Values: []domain.FieldEpoch{{Field: "tax_number", Epoch: domain.AttributeEpoch(1)}}, Request: asked,
			Basis: subject.ByLaw{Authority: paper.Authority, Act: paper.Act, Article: paper.Article, Document: paper.Document, Dated: paper.Dated,
				Approvers: [2]domain.Reference{"e-18", "e-19"}}}),
		t.do(ctx, "the request is answered", request.Answer{About: about("employee"), Outcome: request.Met, Channel: subject.ByPost, Document: "out-29"}),
	)
}

// released ends the hold: what only it kept goes at once (4.3).
func (t *tour) released(ctx context.Context) error {
	t.title("The hold ends: what only it kept is destroyed at once (4.3)")
	release := subject.ReleaseHold{About: t.supporting(t.people[0]), Hold: t.hold, Document: "757/9-k"}
	if err := t.do(ctx, "release", release); err != nil {
		return err
	}
	return t.keptNow(ctx)
}

// over lets a term end by time: somebody left years ago (4.3).
func (t *tour) over(ctx context.Context) error {
	t.title("A term ends by time: somebody left four years ago (4.3)")
	now, tick := t.at, t.tick
	t.at = t.began.AddDate(-4, -1, 0)
	about := func() subject.About { return t.own(t.former) }
	err := errors.Join(
		t.do(ctx, "register", subject.Register{About: about(), Reference: given("account", t.former.account)[0]}),
		t.do(ctx, "collect name and tax number", subject.Collect{About: about(), Source: subject.BySubject, Values: given("name", t.former.name, "tax_number", t.former.tax)}),
		t.do(ctx, "close: the name goes, the tax number stays 1095 days", subject.Close{About: about()}),
	)
	t.at, t.tick = now, tick
	if err != nil {
		return err
	}
	t.p.cfg.Act = config.Act{} // the run knows by itself who acts, and on what duty
	t.note("Every night: what is over? (litopys retention run)")
	t.show()
	if err := t.p.runRetention(ctx, t.app, act{}, false); err != nil {
		return err
	}
	t.note("What is left is the fact, and a certificate that the keys are gone.")
	t.show()
	return t.p.timeline(ctx, t.app, &historyFlags{kind: "KeysDestroyed"}, t.former.id)
}
