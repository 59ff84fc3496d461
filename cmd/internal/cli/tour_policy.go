package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections/obligations"
	"imagine.ua/litopys/projections/requests"
)

// The two lines of a policy file that a new version must change.
var (
	versionLine = regexp.MustCompile(`(?m)^version:.*$`)
	fromLine    = regexp.MustCompile(`(?m)^effective-from:.*$`)
)

// edition is the policy's file as it would be for the next version.
func (t *tour) edition() (text, version string, err error) {
	now := policy.ImagineYAML()
	if file := t.p.cfg.Policy; file != "" {
		if now, err = os.ReadFile(file); err != nil {
			return "", "", err
		}
	}
	today := t.p.now().UTC()
	from := time.Date(today.Year(), today.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	version = from.Format("2006-01")
	next := versionLine.ReplaceAll(now, fmt.Appendf(nil, "version: %q", version))
	return string(fromLine.ReplaceAll(next, fmt.Appendf(nil, "effective-from: %q", from.Format(time.DateOnly)))), version, nil
}

// newPolicy publishes a version and tells everyone of it (6.1).
func (t *tour) newPolicy(ctx context.Context) error {
	t.title("The policy changes, and everybody is told (6.1)")
	src, version, err := t.edition()
	if err != nil {
		return err
	}
	publish := policy.Publish{Operation: t.by("employee", "contact", "ua.11.1.5", "site"), Source: src}
	if err := t.do(ctx, "publish version "+version+", in force next month", publish); err != nil {
		return err
	}
	if t.app.Policies, err = t.app.Ledger.Policies(ctx); err != nil {
		return err
	}
	t.note("Who must be told, and until when?")
	t.show()
	matter := domain.EventID(domain.PolicyStream(t.app.Policy.Name), publish.Operation.Spec().Key, 0)
	if err := t.p.obligations(ctx, t.app, obligations.Filter{State: obligations.Open, Matter: matter}); err != nil {
		return err
	}
	t.note("One text on the site tells them all. Stopped half way, it may be run again.")
	t.show()
	op := t.by("system", "contact", "ua.11.1.5", "site")
	return t.p.notify(ctx, t.app, noticeFlags{version: version, channel: string(subject.BySite), folder: filepath.Join(t.p.cfg.Dir, demoLetters)}, op.Spec())
}

// asked takes requests in and shows by when they must be answered (7.1; ua art. 8, 16, 17).
func (t *tour) asked(ctx context.Context) error {
	t.title("Requests come in; every answer has a last day (7.1, ua.8, ua.17)")
	who := t.people[0]
	about := func(id domain.RequestID) request.About {
		return request.About{Request: id, Operation: t.by("employee", "contact", "ua.11.1.5", "support")}
	}
	access, question := domain.RequestID{UUID: t.id()}, domain.RequestID{UUID: t.id()}
	err := errors.Join(
		t.do(ctx, "a request for access comes by e-mail", request.Receive{About: about(access), Kind: request.Access, Channel: subject.ByEmail, Subject: who.id, Document: "in-30"}),
		t.do(ctx, "a question comes from somebody unknown", request.Receive{About: about(question), Kind: request.Question, Channel: subject.ByPost, Document: "in-31"}),
		t.refused(ctx, "put the answer about his own data off:", request.Extend{About: about(access), Reason: "R-1", Document: "out-30"}),
		t.do(ctx, "the request for access is met", request.Answer{About: about(access), Outcome: request.Met, Channel: subject.ByEmail, Document: "out-31"}),
	)
	if err != nil {
		return err
	}
	t.show()
	return t.p.requests(ctx, t.app, requests.Filter{})
}

// owed shows who must be told of what, and tells the person (3.4; ua art. 21).
func (t *tour) owed(ctx context.Context) error {
	t.title("Transfers, changes, deletions: who must be told by when? (ua.21)")
	who := t.people[0]
	open := obligations.Filter{State: obligations.Open, Subject: who.id}
	list, err := t.duties(ctx, open)
	if err != nil {
		return err
	}
	told := 0
	for _, o := range list {
		if !o.Recipient.IsZero() {
			continue
		}
		told++
		if _, err := t.app.Ledger.Handle(ctx, subject.GiveNotice{About: t.supporting(who), Cause: o.Cause, Duty: string(o.Duty),
			Channel: subject.ByEmail, Document: "out-32"}); err != nil {
			return fmt.Errorf("tell the person: %w", err)
		}
	}
	t.note("%d duties were open. One letter tells the person, which ends %d of them.", len(list), told)
	t.note("Who else must be told? Whoever got what has changed since.")
	t.show()
	return t.p.obligations(ctx, t.app, open)
}
