package cli

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections/export"
	"imagine.ua/litopys/projections/transfers"
)

// officer is who asks in the tour. The viewing that it causes is recorded like every other.
var officer = config.Act{Actor: "employee:e-17", Purpose: "contact", Grounds: "ua.11.1.3", Service: "support", Role: "officer"}

// profile opens the profile of the first person.
func (t *tour) profile(ctx context.Context) error {
	t.p.cfg.Act = officer
	t.title("Answer: the profile, opened by an officer, and recorded (5.1)")
	return t.p.showProfile(ctx, t.app, &opening{open: true, document: "request-20"}, t.people[0].id)
}

// past tells what was held on the first day.
func (t *tour) past(ctx context.Context) error {
	day := t.began.Format(time.DateOnly)
	t.title("Answer: what was held on %s, on what ground?", day)
	return t.p.past(ctx, t.app, &historyFlags{asOf: day, by: "occurred"}, t.people[0].id)
}

// history tells what was done for orders, and the consents.
func (t *tour) history(ctx context.Context) error {
	who := t.people[0]
	t.title("Answer: the history, here of orders alone, and the consents")
	if err := t.p.timeline(ctx, t.app, &historyFlags{purpose: "orders"}, who.id); err != nil {
		return err
	}
	fmt.Fprintln(t.p.Out)
	return t.p.consents(ctx, t.app, who.id)
}

// transferred tells to whom values went, and writes it into a file.
func (t *tour) transferred(ctx context.Context) error {
	t.title("Answer: to whom it went, and the file for an auditor")
	if err := t.p.transfersList(ctx, t.app, transfers.Filter{}); err != nil {
		return err
	}
	fmt.Fprintln(t.p.Out)
	return t.p.export(ctx, t.app, transfers.Filter{}, export.CSV, filepath.Join(t.p.cfg.Dir, demoExport))
}

// plannedUA tells what a deletion would do (4.1-4.3).
func (t *tour) plannedUA(ctx context.Context) error {
	t.title("What would a deletion do, by the law of Ukraine? (4.1-4.3)")
	return t.planned(ctx, law.UA())
}

// plannedEU tells what the same deletion would do under another law.
func (t *tour) plannedEU(ctx context.Context) error {
	t.title("And what by the GDPR? (litopys subject plan --law eu)")
	return t.planned(ctx, law.EU())
}

func (t *tour) planned(ctx context.Context, pack *law.Pack) error {
	some := &which{fields: []string{"name", "email", "tax_number"}}
	return t.p.planUnder(ctx, t.app, t.app.Policy.Under(pack), t.people[0].id, some, t.p.now())
}

// erase closes the account and shows what is left (4.1-4.3).
func (t *tour) erase(ctx context.Context) error {
	who := t.people[0]
	t.title("The person closes the account (4.1-4.3)")
	t.at = t.p.now().UTC().Add(-time.Hour - t.tick)
	if err := t.do(ctx, "close: keys are destroyed before this line appears", subject.Close{About: t.own(who)}); err != nil {
		return err
	}
	t.show()
	if err := t.p.showProfile(ctx, t.app, &opening{}, who.id); err != nil {
		return err
	}
	found, files, err := t.inClear(who)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.p.Out, "\nthe person's values found in clear in the %d files of the folder: %d\n", files, found)
	return nil
}

// certified shows the certificates of erasure (4.1).
func (t *tour) certified(ctx context.Context) error {
	t.title("Certificates say which keys are gone, and when (4.1)")
	if err := t.app.Journal.Certified(ctx); err != nil {
		return err
	}
	return t.p.timeline(ctx, t.app, &historyFlags{kind: "KeysDestroyed"}, t.people[0].id)
}

// inClear counts the person's values that stand in clear in any file of the folder.
func (t *tour) inClear(who person) (found, files int, err error) {
	values := []string{who.name, who.email, who.nextmail, who.phone, who.city, who.birth, who.tax, who.nexttax, who.address, who.agent, who.account}
	err = filepath.WalkDir(t.p.cfg.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files++
		for _, v := range values {
			if len(v) > 3 && bytes.Contains(text, []byte(v)) {
				found++
			}
		}
		return err
	})
	return found, files, err
}

// end checks the log and says how to go on.
func (t *tour) end(ctx context.Context) error {
	t.title("The log is read through and checked")
	if err := t.p.verify(ctx, t.app); err != nil {
		return err
	}
	other := t.people[len(t.people)-1].id
	t.p.say("\nThe ledger is kept in %s. Go on asking:", t.p.cfg.Dir)
	for _, command := range []string{
		fmt.Sprintf("subject history %s", other), fmt.Sprintf("subject plan %s --all", other),
		"obligation list", "statistic show " + string(t.month), "register show", "policy clauses",
	} {
		t.p.say("  litopys --dir %s %s", t.p.cfg.Dir, command)
	}
	return nil
}
