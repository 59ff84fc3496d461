package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/config"
)

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of the program",
		Example: "  litopys version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			version, revision := "(devel)", ""
			if info, ok := debug.ReadBuildInfo(); ok {
				version = info.Main.Version
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						revision = s.Value
					}
				}
			}
			if p.json {
				return p.answer(map[string]string{"version": version, "revision": revision, "go": runtime.Version()})
			}
			pairs(p.Out, [2]string{"litopys", version}, [2]string{"revision", revision}, [2]string{"go", runtime.Version()})
			return nil
		},
	}
}

func (p *program) initFolder() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Make a new ledger in the data folder",
		Long: "Make a new, empty ledger in the data folder (--dir), or on the servers that store.url, keys.url and answers.url\n" +
			"name. A folder or server that holds a ledger is left as it is.\n\n" +
			"The folder holds the log (events.db), its derivable index, the keys (keys.db, local.key) and the derivable\n" +
			"answers (read.db, read.db-builds). Whoever has keys.db and local.key can read the values: back them up apart\n" +
			"from the log.",
		Example: "  litopys init --dir ./litopys-data",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withNew(cmd.Context(), func(a *app.App) error {
				id, err := a.Journal.Identity(cmd.Context())
				if err != nil {
					return err
				}
				if p.json {
					return p.answer(map[string]any{"ledger": id, "dir": p.cfg.Dir, "log": app.Place(p.cfg.Config), "created": a.Created})
				}
				made := "was there already"
				if a.Created {
					made = "made now"
				}
				pairs(p.Out, [2]string{"ledger", id.String()}, [2]string{"folder", p.cfg.Dir}, [2]string{"log", p.server()}, [2]string{"state", made},
					[2]string{"policy", a.Policy.Name + " " + a.Policy.Version})
				return nil
			})
		},
	}
}

// withNew is with for commands that make a ledger when the folder holds none.
func (p *program) withNew(ctx context.Context, step func(*app.App) error) error {
	return app.With(ctx, app.Options{Config: p.cfg.Config, Logger: p.logger(), Create: true}, step)
}

func (p *program) config() *cobra.Command {
	show := &cobra.Command{
		Use:   "show",
		Short: "Show every setting, its value and where it came from",
		Long: "Show every setting, its value and where it came from. Where the configuration is wrong, what could be read is\n" +
			"shown, with the default in place of what could not; then every problem, one a line, and exit code 2.",
		Annotations: map[string]string{looksFurther: ""},
		Example:     "  litopys config show\n  LITOPYS_DIR=/srv/ledger litopys config show --json",
		Args:        cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := p.configShow(); err != nil {
				return err
			}
			return p.unsound
		},
	}
	check := &cobra.Command{
		Use:   "check",
		Short: "Check configuration, policy file and servers; all problems are named at once",
		Long: "Check the configuration and the policy file, and connect to every server that is configured (store.url,\n" +
			"keys.url, answers.url, kms.url). Each problem has one line; nothing is made or changed on a server.\n\n" +
			"The names in act.* are looked up in the policy file that is configured. Where they are names of a version\n" +
			"that was published since, check against its file with --policy.",
		Annotations: map[string]string{looksFurther: ""},
		Example:     "  litopys config check --config litopys.yaml",
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return p.configCheck(cmd.Context()) },
	}
	return p.noun("config", "The configuration", show, check)
}

type settingJSON struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	From     string `json:"from"`
	Variable string `json:"variable"`
	Doc      string `json:"doc"`
}

func (p *program) configShow() error {
	if p.json {
		var out []settingJSON
		for _, s := range p.cfg.Settings {
			out = append(out, settingJSON{s.Name, s.Value, s.From, s.Variable(), s.Doc})
		}
		problems := []string{}
		if p.unsound != nil {
			problems = problemsOf(p.unsound)
		}
		return p.answer(map[string]any{"file": p.cfg.File, "settings": out, "problems": problems})
	}
	g := grid{head: []string{"name", "value", "from", "meaning"}, wide: []int{18, 24, 22, 32}}
	for _, s := range p.cfg.Settings {
		g.add(s.Name, s.Value, s.From, s.Doc)
	}
	g.print(p.Out, "")
	if p.cfg.File == "" {
		p.say("no file is read; %s or --config names one", config.FileVariable)
	} else {
		p.say("file: %s", p.cfg.File)
	}
	return nil
}

func (p *program) log() *cobra.Command {
	verify := &cobra.Command{
		Use:   "verify",
		Short: "Read the whole log and the key store and check them",
		Long: "Read every record, check its place, its stream, its documents and the form of its sealed values, then the\n" +
			"files of the log and the keys. Damage ends with exit code 5 and names file and place; nothing is changed.",
		Example: "  litopys log verify --dir ./litopys-data",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(a *app.App) error { return p.verify(cmd.Context(), a) })
		},
	}
	return p.noun("log", "The log of events", verify, p.logCopy(), p.logReplay())
}

func (p *program) verify(ctx context.Context, a *app.App) error {
	report, err := a.Journal.Verify(ctx)
	if err != nil {
		return err
	}
	id, err := a.Journal.Identity(ctx)
	if err != nil {
		return err
	}
	digest := hex.EncodeToString(report.Digest[:])
	if p.json {
		return p.answer(map[string]any{"ledger": id, "ok": true, "records": report.Records, "streams": report.Streams,
			"values": report.Values, "position": report.Position, "digest": digest})
	}
	pairs(p.Out, [2]string{"log", "sound"}, [2]string{"ledger", id.String()},
		[2]string{"records", fmt.Sprint(report.Records)}, [2]string{"streams", fmt.Sprint(report.Streams)},
		[2]string{"sealed values", fmt.Sprint(report.Values)}, [2]string{"digest", digest})
	return nil
}
