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
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections/export"
	"imagine.ua/litopys/projections/transfers"
)

// officer is who asks in the tour. The viewing that it causes is recorded like every other.
var officer = config.Act{Actor: "employee:e-17", Purpose: "contact", Grounds: "ua.11.1.3", Service: "support", Role: "officer"}

// answers asks the ledger about the first person.
func (t *tour) answers(ctx context.Context) error {
	who := t.people[0]
	t.p.cfg.Act = officer
	t.title("Answer: the profile, opened by an officer (and recorded: 5.1)")
	open := &opening{open: true, document: "request-20"}
	if err := t.p.showProfile(ctx, t.app, open, who.id); err != nil {
		return err
	}
	t.title("Answer: what was held on %s, on what ground?", t.began.Format(time.DateOnly))
	if err := t.p.past(ctx, t.app, &historyFlags{asOf: t.began.Format(time.DateOnly), by: "occurred"}, who.id); err != nil {
		return err
	}
	t.title("Answer: the history")
	if err := t.p.timeline(ctx, t.app, &historyFlags{}, who.id); err != nil {
		return err
	}
	t.title("Answer: the consents")
	if err := t.p.consents(ctx, t.app, who.id); err != nil {
		return err
	}
	t.title("Answer: to whom it went, and the file that an auditor takes away")
	if err := t.p.transfersList(ctx, t.app, transfers.Filter{}); err != nil {
		return err
	}
	fmt.Fprintln(t.p.Out)
	return t.p.export(ctx, t.app, transfers.Filter{}, export.CSV, filepath.Join(t.p.cfg.Dir, demoExport))
}

// erase plans a deletion, carries it out and shows what is left (4.1-4.3).
func (t *tour) erase(ctx context.Context) error {
	who := t.people[0]
	t.title("Erasure: what would a deletion do? (litopys subject plan)")
	if err := t.p.plan(ctx, t.app, who.id, &which{all: true}, t.p.now()); err != nil {
		return err
	}
	t.title("Erasure: the person closes the account (4.1-4.3)")
	t.at = t.p.now().UTC().Add(-time.Hour)
	about := t.own(who)
	if err := t.do(ctx, "close: keys are destroyed before this line appears", subject.Close{About: about}); err != nil {
		return err
	}
	fmt.Fprintln(t.p.Out)
	if err := t.p.showProfile(ctx, t.app, &opening{}, who.id); err != nil {
		return err
	}
	found, files, err := t.inClear(who)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.p.Out, "\n   her or his values found in clear in the %d files of the folder: %d\n", files, found)
	return nil
}

// inClear counts the person's values that stand in clear in any file of the folder.
func (t *tour) inClear(who person) (found, files int, err error) {
	values := []string{who.name, who.email, who.nextmail, who.phone, who.city, who.tax, who.address, who.agent, who.account}
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
	fmt.Fprintf(t.p.Out, "\nThe ledger is kept in %s. Go on asking:\n", t.p.cfg.Dir)
	for _, command := range []string{
		fmt.Sprintf("subject history %s", other), fmt.Sprintf("subject plan %s --all", other),
		"transfer export --format jsonl", "policy clauses",
	} {
		fmt.Fprintf(t.p.Out, "  litopys --dir %s %s\n", t.p.cfg.Dir, command)
	}
	return nil
}
