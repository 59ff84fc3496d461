package cli

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/config"
)

// Streams are the program's ends towards its user.
type Streams struct {
	In  io.Reader
	Out io.Writer // the answer
	Err io.Writer // the talk
}

// Run runs one command line (without the program's name) and gives the exit code.
func Run(ctx context.Context, args []string, streams Streams) int {
	out := &output{w: streams.Out}
	streams.Out = out
	p := &program{Streams: streams, now: time.Now, newID: uuid.NewRandom}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	cmd, err := root.ExecuteContextC(ctx)
	help := cmd.CommandPath() + " --help"
	if err != nil && !p.ready {
		// Cobra found the mistake before any command began.
		err = usage("see: "+help, "%s", mistake(err))
	}
	err = out.ended(err)
	if err != nil && exitCode(err) != exitPipe {
		tell(scrubbed{streams.Err, p.cfg.Scrub}, err, help, p.json)
	}
	return exitCode(err)
}

// program is one run of the program. It is used by one goroutine.
type program struct {
	Streams
	now   func() time.Time
	newID func() (uuid.UUID, error)

	file  string // --config
	json  bool   // --json
	quiet bool   // --quiet
	ready bool   // flags and arguments are checked; what fails from here on is not cobra's to tell
	cfg   config.Loaded

	unsound error // what is wrong with cfg, for a command that looksFurther
}

const rootHelp = `Litopys (chronicle) is a ledger of personal-data processing. Every collection, edit, deletion, consent,
use, viewing and transfer is an event that is never changed; a person's profile, history, consents and
transfers are answers computed from them. Personal values are sealed from the first byte.

Exit codes
  0  done
  1  failed; lines of "import events" were rejected, or of "import access-log" and none is in the ledger
  2  wrong usage: flags, arguments, configuration, a file of a policy or a plan that is missing or wrong, a malformed command
  3  refused by a rule of the policy or the law, or it names what does not exist
  4  conflict with what was recorded before
  5  damaged or missing files, or files of another ledger; nothing was overwritten
  141  nobody read the answer to its end, as behind "| head"; nothing is said then

An answer that can't be written whole, on a full disk for example, is a failure (1).

Every flag that says who acts (--actor, --purpose, --grounds, --service, --role) can stand in litopys.yaml
or in the environment (LITOPYS_ACT_ACTOR, ...) instead: see "litopys config show".`

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "litopys",
		Short:         "A ledger of personal-data processing",
		Long:          rootHelp,
		Example:       "  litopys demo\n  litopys import access-log /var/log/apache2/access.log",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          p.group,
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return p.prepare(cmd) }
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpFunc(p.help)
	flags := root.PersistentFlags()
	flags.StringVar(&p.file, "config", "", "configuration file (default ./litopys.yaml when it is there)")
	flags.String("dir", config.Default().Dir, "data folder")
	flags.String("policy", "", "policy file (default: the embedded policy of Imagine)")
	flags.String("log-level", config.Default().Log.Level, "least severe talk on standard error: debug, info, warn, error")
	flags.BoolVar(&p.json, "json", false, "answer in JSON")
	flags.BoolVarP(&p.quiet, "quiet", "q", false, "no talk on standard error but errors")
	root.AddCommand(p.demo(), p.initFolder(), p.config(), p.importing(), p.subject(), p.consent(), p.order(),
		p.recipient(), p.transfer(), p.retained(), p.request(), p.obligation(), p.exports(), p.policy(), p.statistic(), p.register(), p.projection(), p.log(), p.key(), p.retention(), p.bench(), p.version())
	return root
}

// group is what a noun does without a verb: it shows its verbs and fails, because nothing was done.
func (p *program) group(cmd *cobra.Command, _ []string) error {
	cmd.SetOut(p.Err)
	_ = cmd.Help()
	return usage("see the commands above", "%s: which command?", cmd.CommandPath())
}

// noun makes a group of verbs.
func (p *program) noun(use, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, RunE: p.group, Args: cobra.NoArgs}
	cmd.Example = verbs[0].Example
	cmd.AddCommand(verbs...)
	return cmd
}

// prepare reads the configuration once flags and arguments are known to be well formed.
func (p *program) prepare(cmd *cobra.Command) error {
	if err := cmd.ValidateFlagGroups(); err != nil {
		return err
	}
	p.ready = true
	if err := filled(cmd.Flags()); err != nil {
		return err
	}
	loaded, err := config.Load(config.Sources{File: p.file, Flags: cmd.Flags()})
	p.cfg = loaded // also beside an error, which may quote addresses
	if _, ok := cmd.Annotations[looksFurther]; ok {
		p.unsound, err = err, nil
	}
	return err
}

// filled refuses flags that are given without a value, as by a shell variable that is not set: what they would then
// mean, now for --at, everybody for --subject, every field for --field, is not what was asked for.
func filled(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		list, several := f.Value.(pflag.SliceValue)
		if several && len(list.GetSlice()) == 0 || !several && strings.TrimSpace(f.Value.String()) == "" {
			err = usage("give it a value, or leave it out", "--%s is empty", f.Name)
		}
	})
	return err
}

func (p *program) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(scrubbed{p.Err, p.cfg.Scrub}, &slog.HandlerOptions{Level: p.cfg.Log.SlogLevel()}))
}

// with opens the ledger, runs the step and closes the ledger whatever comes of it.
func (p *program) with(ctx context.Context, step func(*app.App) error) error {
	return app.With(ctx, app.Options{Config: p.cfg.Config, Logger: p.logger()}, step)
}

// scrubbed takes the secrets of the configuration out of what is written, a whole message at a time.
type scrubbed struct {
	w     io.Writer
	scrub func(string) string
}

// Write writes the text without secrets.
func (s scrubbed) Write(b []byte) (int, error) {
	if _, err := io.WriteString(s.w, s.scrub(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// server is the address of the log, or nothing when it stands in the data folder.
func (p *program) server() string { return config.Redacted(p.cfg.Store.URL) }

// onTerminal tells whether the writer is a terminal.
func onTerminal(w io.Writer) bool {
	f := fileOf(w)
	return f != nil && isatty.IsTerminal(f.Fd())
}
