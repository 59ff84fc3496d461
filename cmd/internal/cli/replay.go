package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/schema"
	"imagine.ua/litopys/projections/export"
)

// replayFlags narrow a replay of the whole ledger.
type replayFlags struct {
	export.LogFilter
	from, to, knownFrom, knownAt string
	purpose, actor               string
	subject, recipient           string
}

const replayHelp = `Write every event of the ledger as one JSON object a line, in the order of the
log: who did what, when it happened and when it was recorded, for what purpose,
on what grounds, under which version of the policy, and the event itself. No
personal value is ever written: in its place stand its field, its epoch and its
state, which is sealed, retained (with the end and the rule of its term) or
erased. The answer is JSON with and without --json.

--from and --to go by when it happened, --known-from and --known-at by when it
was recorded. --to is the first moment that does not count, --known-at the last
one that does, and a bare day counts to its end there. --after goes on where
another replay ended: every line has its position, and the last one is told.

Exit codes: 0 also when the filters let nothing through; 2 for filters that do
not go together; 3 when nothing was written and the person, the recipient or
the purpose asked for is none that ledger or policy know.`

func (p *program) logReplay() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Write the events of the whole ledger as JSON lines, without personal values",
		Long:  replayHelp,
		Example: "  litopys log replay --from 2026-01-01 --to 2026-02-01 --type DataTransferred\n" +
			"  litopys log replay --known-at 2026-01-31 --actor e-17 > january.jsonl",
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "happened at or after this time")
	flags.StringVar(&f.to, "to", "", "happened before this time")
	flags.StringVar(&f.knownFrom, "known-from", "", "recorded at or after this time")
	flags.StringVar(&f.knownAt, "known-at", "", "recorded at or before this time")
	flags.StringSliceVar(&f.Types, "type", nil, "only events of these types, for example DataTransferred or DataViewed.v1")
	flags.StringVar(&f.purpose, "purpose", "", "only operations for this purpose")
	flags.StringVar(&f.actor, "actor", "", "only operations of this actor: its code, or kind:code")
	flags.StringVar(&f.subject, "subject", "", "only events that name this person")
	flags.StringVar(&f.recipient, "recipient", "", "only events that name this recipient")
	addCount(flags, &f.After, "after", 0, 0, "only positions after this one")
	addCount(flags, &f.Limit, "limit", 0, 0, "this many lines at most (default: all)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.read(); err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error { return p.replay(cmd.Context(), a, f.LogFilter) })
	}
	return cmd
}

// read turns the flags into a filter.
func (f *replayFlags) read() (err error) {
	f.Purpose = domain.Purpose(f.purpose)
	for _, t := range []struct {
		flag, text string
		to         *time.Time
		read       func(flag, text string) (time.Time, error)
	}{
		{"--from", f.from, &f.From, optionalTime}, {"--to", f.to, &f.To, optionalTime},
		{"--known-from", f.knownFrom, &f.KnownFrom, optionalTime}, {"--known-at", f.knownAt, &f.KnownTo, wholeDay},
	} {
		if *t.to, err = t.read(t.flag, t.text); err != nil {
			return err
		}
	}
	if f.Actor, f.ActorKind, err = parseActor(f.actor); err != nil {
		return err
	}
	if f.Subject.UUID, err = optionalID("--subject", f.subject); err != nil {
		return err
	}
	if f.Recipient.UUID, err = optionalID("--recipient", f.recipient); err != nil {
		return err
	}
	if err := ordered("--known-from", f.KnownFrom, "--known-at", f.KnownTo); err != nil {
		return err
	}
	if err := ordered("--from", f.From, "--to", f.To); err != nil {
		return err
	}
	return knownTypes(f.Types)
}

// ordered refuses a span that nothing can lie in: a mistake, not a question.
func ordered(from string, first time.Time, to string, last time.Time) error {
	if first.IsZero() || last.IsZero() || first.Before(last) {
		return nil
	}
	return usage("give an earlier "+from, "%s is not before %s", from, to)
}

// parseActor reads an actor to look for: "e-17", or "employee:e-17" where codes of two kinds are alike. What stands
// before a colon must be a kind: a code that has a colon itself is looked for with its kind before it.
func parseActor(text string) (code domain.Reference, kind domain.ActorKind, err error) {
	if before, after, found := strings.Cut(text, ":"); found {
		if a := (domain.Actor{Kind: domain.ActorKind(before), ID: domain.Reference(after)}); a.Valid() {
			return a.ID, a.Kind, nil
		}
		return "", "", usage("write kind:code, for example employee:e-17; kinds are subject, employee, system, authority",
			"actor: %q names no kind of actor and its code", visible(shorten(text)))
	}
	if code = domain.Reference(text); text == "" || code.Valid() {
		return code, "", nil
	}
	return "", "", usage("for example employee:e-17", "actor: %q is no actor", visible(shorten(text)))
}

// knownTypes refuses names that no event has: a replay of them would be empty and look like an answer.
func knownTypes(names []string) error {
	for _, name := range names {
		stored := name
		if !strings.Contains(name, ".") {
			stored += ".v1" // every type began with it
		}
		if _, err := schema.CarriesFates(stored); err != nil {
			return usage("for example --type DataCollected", "--type: no event is called %q", visible(shorten(name)))
		}
	}
	return nil
}

func (p *program) replay(ctx context.Context, a *app.App, f export.LogFilter) error {
	head, err := a.Journal.Head(ctx)
	if err != nil {
		return err
	}
	began, last := time.Now(), time.Now()
	watch := func(g export.LogProgress) {
		if now := time.Now(); now.Sub(last) >= between {
			last = now
			p.say("%d events read, %d written, %d%% of the log, %.0f events/s", g.Read, g.Written,
				100*(g.Position-f.After)/max(1, head-min(head, f.After)), float64(g.Read)/now.Sub(began).Seconds())
		}
	}
	done, err := export.Log(ctx, p.Out, export.LogSource{Log: a.Journal.Store(), Keys: a.Journal.Keys()}, f, watch)
	if err == nil && done.Written == 0 {
		err = looked(ctx, a, f)
	}
	if err != nil {
		return err
	}
	p.say("%d events written of %d read, to position %d", done.Written, done.Read, max(done.Position, f.After))
	if f.After > head {
		p.say("the log ends at position %d", head)
	}
	return nil
}

// looked refuses the names of a replay that found nothing because there is nobody and nothing of that name. It is
// asked afterwards, since what was recorded may have names that the policy has dropped.
func looked(ctx context.Context, a *app.App, f export.LogFilter) error {
	if f.Purpose != "" && !purposeNamed(a.Policies, f.Purpose) {
		return unknownPurpose(a.Policy, f.Purpose)
	}
	return onRecord(ctx, a, f.Subject, f.Recipient)
}

// wholeDay reads a last moment that counts; a bare day counts to its last microsecond.
func wholeDay(flag, text string) (time.Time, error) {
	at, err := optionalTime(flag, text)
	if err != nil || text == "" {
		return at, err
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		at = at.AddDate(0, 0, 1).Add(-time.Microsecond)
	}
	return at, nil
}
