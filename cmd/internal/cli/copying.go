package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/logcopy"
)

const copyHelp = `Copy the log into an EventStoreDB (esdb://...) or a data folder: same ids, same order, and the same digest,
which is compared at the end. A copy that was stopped goes on when the command is run again. A target that
holds anything else than the beginning of this log is refused and left as it is. The log keeps its identity.

Only the log is copied; it holds no key. --switch lets the keys follow the copy from then on: they stay where
they are (keys.url, or keys.db and local.key in the folder) and refuse the old log, so that nobody goes on with
the two. To move house:

  1. stop everything that records
  2. litopys log copy --to esdb://... --switch
  3. set store.url to the new address (for a folder: dir, and copy keys.db and local.key there)

Answers, in the folder or in PostgreSQL, are emptied by --switch and computed again by the next question.

The keys themselves are moved by "litopys key copy", before or after the log.

A server acknowledges one append after another, so a large ledger takes its time. With --at-once 64 many are
under way: the order of each stream, of everything about one person, and in which streams appear is kept, but
later records of different people may change places, so that "litopys log verify" of the copy reports another
digest than that of the old log. The digest that this command reports is the old log's all the same. A copy into
a data folder is fast without it, and always in order.`

// maxAtOnce keeps the window of a copy in memory, and a server's connection usable.
const maxAtOnce = 256

// copyFlags are the flags of "log copy".
type copyFlags struct {
	from, to string
	turn     bool
	atOnce   int
}

func (p *program) logCopy() *cobra.Command {
	f := copyFlags{atOnce: 1}
	cmd := &cobra.Command{
		Use:     "copy",
		Short:   "Copy the log to a server or a folder, and back",
		Long:    copyHelp,
		Example: "  litopys log copy --to esdb://localhost:2113?tls=false --switch\n  litopys log copy --from esdb://localhost:2113?tls=false --to ./copy",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&f.to, "to", "", "address or data folder to copy to")
	cmd.Flags().StringVar(&f.from, "from", "", "address or data folder to copy from (default: the configured log)")
	cmd.Flags().BoolVar(&f.turn, "switch", false, "let the keys follow the copy from now on")
	addCount(cmd.Flags(), &f.atOnce, "at-once", 1, maxAtOnce, "how many appends may be under way; 1 keeps the order of the whole log")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.check(p.cfg.Config); err != nil {
			return err
		}
		// An address given by a flag may hold a password too.
		err := p.copyLog(cmd.Context(), f)
		if err != nil {
			err = &scrubbedError{err, func(text string) string { return f.scrub(p.cfg.Scrub(text)) }}
		}
		return err
	}
	return cmd
}

// scrubbedError is an error whose text has no secrets.
type scrubbedError struct {
	error
	scrub func(string) string
}

// Error is the text without secrets.
func (e *scrubbedError) Error() string { return e.scrub(e.error.Error()) }

// Unwrap gives the error, for its kind.
func (e *scrubbedError) Unwrap() error { return e.error }

func (f copyFlags) scrub(text string) string {
	for _, place := range []string{f.from, f.to} {
		text = config.Config{Store: config.Store{URL: place}}.Scrub(text)
	}
	return text
}

func (f *copyFlags) check(cfg config.Config) error {
	configured := cfg.Store.URL
	if configured == "" {
		configured = cfg.Dir
	}
	if f.from == "" {
		f.from = configured
	} else if f.turn && f.from != configured {
		return usage("leave --from out", "--switch is for the configured log, whose keys are at hand")
	}
	for _, place := range []string{f.from, f.to} {
		if app.IsServer(place) && !strings.HasPrefix(place, "esdb://") && !strings.HasPrefix(place, "esdb+discover://") {
			return usage("for example --to esdb://localhost:2113?tls=false", "an address of a log begins with esdb://")
		}
	}
	if f.to == "" || f.to == f.from {
		return usage("for example --to esdb://localhost:2113?tls=false", "--to wants another place than the one copied from")
	}
	return nil
}

func (p *program) copyLog(ctx context.Context, f copyFlags) error {
	if f.turn {
		// Opening and closing the ledger carries out every fate, so that the keys stand at the end of the log.
		if err := p.with(ctx, func(*app.App) error { return nil }); err != nil {
			return err
		}
	}
	report, err := p.copyBetween(ctx, f)
	if err != nil {
		return err
	}
	if f.turn {
		if report.Grown {
			return fmt.Errorf("%w: the log has grown meanwhile; stop what records, and copy again", eventstore.ErrWrongRevision)
		}
		if err := app.TurnKeys(ctx, p.cfg.Config, app.Turn{Ledger: report.Identity, From: uint64(report.From), To: uint64(report.To),
			Place: f.to, Logger: p.logger()}); err != nil {
			return err
		}
	}
	return p.printCopy(f, report)
}

func (p *program) copyBetween(ctx context.Context, f copyFlags) (report logcopy.Report, err error) {
	source, err := app.OpenLog(ctx, app.LogConfig{Place: f.from, MustExist: true, Logger: p.logger()})
	if err != nil {
		return report, fmt.Errorf("open the log to copy from: %w", err)
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	id, err := source.Identity(ctx)
	if err != nil {
		return report, err
	}
	target, err := app.OpenLog(ctx, app.LogConfig{Place: f.to, Identity: id, Logger: p.logger()})
	if err != nil {
		return report, fmt.Errorf("open the log to copy to: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	last, stage := time.Now(), logcopy.Stage("")
	return logcopy.Copy(ctx, logcopy.Config{From: source, To: target, AtOnce: f.atOnce, Watch: func(g logcopy.Progress) {
		if now := time.Now(); g.Stage != stage || now.Sub(last) >= between {
			last, stage = now, g.Stage
			p.say("%s: %d records", g.Stage, g.Records)
		}
	}})
}

func (p *program) printCopy(f copyFlags, r logcopy.Report) error {
	digest := hex.EncodeToString(r.Digest[:])
	to := f.to
	if app.IsServer(to) {
		to = config.Redacted(to)
	}
	if p.json {
		return p.answer(map[string]any{"ledger": r.Identity, "to": to, "records": r.Records, "copied": r.Copied, "digest": digest,
			"grown": r.Grown, "switched": f.turn})
	}
	keys := "follow the old log"
	if f.turn {
		keys = "follow the copy"
	}
	pairs(p.Out, [2]string{"copy", "equal"}, [2]string{"ledger", r.Identity.String()}, [2]string{"in", to}, [2]string{"records", fmt.Sprint(r.Records)},
		[2]string{"copied now", fmt.Sprint(r.Copied)}, [2]string{"digest", digest}, [2]string{"keys", keys})
	if r.Grown {
		p.say("the log has grown meanwhile; run the command again to copy the rest")
	}
	return nil
}
