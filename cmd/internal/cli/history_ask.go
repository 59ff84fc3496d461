package cli

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections/history"
)

// historyFlags narrow a history.
type historyFlags struct {
	opening
	asOf, by, knownAt    string
	kind, purpose, actor string
	recipient, from, to  string
	limit                int
	follow, expired      bool
}

const historyHelp = `Tell all that happened to a person's data, in the order in which the ledger
heard of it. * marks what was recorded late: a minute or more after it happened,
or after something that happened later. --json gives both times of every entry.

With --as-of, tell what was held at that moment, where it came from, on what
ground and under which policy text, who looked and to whom it went: by default
as the ledger knew it then. With --known-at the two times part: what had
happened by --as-of, as far as the ledger knew it at --known-at, so that an
entry or a correction that came late counts from when it was recorded.
--by occurred is --known-at now. Nobody can ask about a moment that has not come;
of today, what is so now is told.

With --follow, go on and tell each new event when it is recorded, until
interrupted. Another process can record meanwhile when the ledger is on servers;
a data folder belongs to one process at a time.

The filters narrow the entries and, with --as-of, the lists of what was done;
what was held is always told whole. Without --open, --purpose and --actor are
filters too.

Records of operations are kept until 31 December of the year after (order
1/02-14); what is past that is left out and counted, unless --expired asks for
it. How a value came in is told for as long as it is held.

Exit codes: 0 also when the filters let nothing through, or when nothing was
known of the person yet at that moment; 2 for filters that do not go together;
3 for a person, purpose, recipient or field that there is not.`

func (p *program) subjectHistory() *cobra.Command {
	var h historyFlags
	cmd := &cobra.Command{
		Use:   "history SUBJECT",
		Short: "Tell all that happened to a person's data, or what was held on a day",
		Long:  historyHelp,
		Example: "  litopys subject history " + subjectExample + "\n  litopys subject history " + subjectExample + " \\\n      --as-of 2026-01-31\n" +
			"  litopys subject history " + subjectExample + " \\\n      --as-of 2026-01-31 --known-at 2026-03-01 --json\n" +
			"  litopys subject history " + subjectExample + " \\\n      --type DataViewed --only-actor e-17 --follow",
		Args: cobra.ExactArgs(1),
	}
	h.opening.add(cmd)
	h.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("subject", args[0])
		if err == nil {
			err = h.read(cmd.Flags())
		}
		if err != nil {
			return err
		}
		step := p.timeline
		switch {
		case h.isPast():
			step = p.past
		case h.follow:
			step = p.follow
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			return step(cmd.Context(), a, &h, domain.SubjectID{UUID: id})
		})
	}
	return cmd
}

func (h *historyFlags) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&h.asOf, "as-of", "", "the moment, RFC 3339, or a day, which counts to its end (UTC)")
	flags.StringVar(&h.knownAt, "known-at", "", "as the ledger knew it at this moment, or at the end of this day")
	flags.StringVar(&h.by, "by", clockRecorded, "clock of --as-of alone: recorded or occurred")
	flags.StringVar(&h.kind, "type", "", "only events of this type, for example DataTransferred")
	flags.StringVar(&h.purpose, "only-purpose", "", "only operations for this purpose")
	flags.StringVar(&h.actor, "only-actor", "", "only operations of this actor: its code, or kind:code")
	flags.StringVar(&h.recipient, "recipient", "", "only what concerns this recipient")
	flags.StringVar(&h.from, "from", "", "only what happened at or after this time")
	flags.StringVar(&h.to, "to", "", "only what happened at or before this time; a day counts to its end")
	addCount(flags, &h.limit, "limit", 0, 0, "this many entries at most (default: all)")
	flags.BoolVar(&h.follow, "follow", false, "go on with each new event as it is recorded")
	flags.BoolVar(&h.expired, "expired", false, "tell records of operations whose term has passed, too")
}

// isPast tells whether a moment is asked about.
func (h *historyFlags) isPast() bool { return h.asOf != "" || h.knownAt != "" }

// onlyOpening are the flags that say how and why values are opened. Without --open they would narrow nothing.
var onlyOpening = [...]string{"field", "role", "document", "grounds", "service", "key", "at", "correlation", "causation"}

// read takes up what the flags of an operation say where nothing is opened, and refuses what does not go together.
func (h *historyFlags) read(flags *pflag.FlagSet) error {
	if !h.open {
		for name, to := range map[string]*string{"purpose": &h.purpose, "actor": &h.actor} {
			if f := flags.Lookup(name); f.Changed && *to == "" {
				*to = f.Value.String()
			}
		}
		for _, name := range onlyOpening {
			if flags.Changed(name) {
				return usage(cmp.Or(map[string]string{"at": "a moment of the past is --as-of"}[name], "leave it out, or give --open"),
					"--%s says something of --open, which shows values", name)
			}
		}
	}
	switch {
	case h.isPast() && h.open:
		return usage("leave --open out", "--as-of tells what was held, not the values")
	case h.follow && (h.isPast() || h.open):
		return usage("leave --follow out", "--follow goes with neither --as-of, --known-at nor --open")
	case h.knownAt != "" && flags.Changed("by"):
		return usage("leave --by out", "--known-at names the second time itself")
	case !h.isPast() && flags.Changed("by"):
		return usage("leave --by out, or give --as-of", "--by names the clock of --as-of")
	}
	_, err := h.filter()
	return err
}

func (h *historyFlags) filter() (f history.Filter, err error) {
	f.Purpose, f.Limit = domain.Purpose(h.purpose), h.limit
	if h.kind != "" {
		if err := knownTypes([]string{h.kind}); err != nil {
			return f, err
		}
		f.Type = history.Type(typeName(history.Type(h.kind)))
	}
	if f.Actor, f.ActorKind, err = parseActor(h.actor); err != nil {
		return f, err
	}
	if f.Recipient.UUID, err = optionalID("--recipient", h.recipient); err != nil {
		return f, err
	}
	if f.OccurredFrom, err = optionalTime("--from", h.from); err != nil {
		return f, err
	}
	if f.OccurredTo, err = wholeDay("--to", h.to); err == nil && !f.OccurredTo.IsZero() && f.OccurredTo.Before(f.OccurredFrom) {
		err = usage("give an earlier --from", "--to lies before --from")
	}
	return f, err
}

// moment reads --as-of, --known-at and --by; a bare day counts to its last microsecond, and today to now.
func (h *historyFlags) moment(now time.Time) (m history.Moment, err error) {
	if m.At, err = momentGone("--as-of", h.asOf, now); err != nil {
		return m, err
	}
	if m.Known, err = momentGone("--known-at", h.knownAt, now); err != nil {
		return m, err
	}
	switch {
	case h.knownAt != "" || h.by == clockOccurred:
		m.Clock = history.ByOccurred
	case h.by == clockRecorded:
		m.Clock = history.ByRecorded
	default:
		return m, usage("write recorded or occurred", "--by: %q is no clock", visible(shorten(h.by)))
	}
	return m, nil
}

// momentGone reads a moment that can be told of. What will be so tomorrow is not known, and an answer to it would
// be read as a fact.
func momentGone(flag, text string, now time.Time) (time.Time, error) {
	at, err := wholeDay(flag, text)
	if err != nil || !at.After(now) {
		return at, err
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil && !day.After(now) {
		return now, nil
	}
	return at, usage("name a moment up to now, which is "+when(now), "%s: %s has not come yet (UTC)", flag, text)
}
