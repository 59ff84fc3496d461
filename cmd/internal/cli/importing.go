package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/cmd/internal/importer"
	"imagine.ua/litopys/cmd/internal/importer/wire"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
)

func (p *program) importing() *cobra.Command {
	return p.noun("import", "Take text from outside into the ledger", p.importAccessLog(), p.importEvents())
}

const accountsHelp = `
Every line is accounted for: imported + already there + rejected = lines. Rejected lines are written beside
the input (FILE.rejects.jsonl, or --rejects) with line number, place and reason, never with what they said;
the most frequent reason is said on standard error, and --json counts the first few. A second run of the
same input adds nothing, and a run that was killed is finished by running it again: its rejects, which
stand in FILE.rejects.jsonl.partial until a run has gone through, are then written anew.`

func (p *program) importAccessLog() *cobra.Command {
	var rejects string
	cmd := &cobra.Command{
		Use:   "access-log FILE|-",
		Short: "Import a web server's access log (clause 1.1.2)",
		Long: `Import a web server's access log in the combined format of Apache or nginx, plain
or gzip, from a file or standard input. Each visitor (address and browser) is a
person with a random id; each line records address, time, page, referrer and
browser of one visit. The data folder is made when it is missing.
` + accountsHelp + "\n\nUnless flags, litopys.yaml or LITOPYS_ACT_* say otherwise the import acts as\n" + accessLogActs + `.

Exit codes: 0 done, also when some lines were rejected; 1 when lines were rejected
and not one is in the ledger; 2 for a file of rejects that is the input.`,
		Example: "  litopys import access-log /var/log/apache2/access.log\n  zcat access.log.*.gz | litopys import access-log -",
		Args:    cobra.ExactArgs(1),
	}
	addWho(cmd)
	cmd.Flags().StringVar(&rejects, "rejects", "", "file for rejected lines (default: FILE.rejects.jsonl)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		who, err := accessLogAct(p.cfg.Act)
		if err != nil {
			return err
		}
		return p.imported(cmd.Context(), args[0], rejects, func(ctx context.Context, a *app.App, j *job) (importer.Report, error) {
			run := importer.AccessLog{Ledger: a.Ledger, Visitors: a.Journal, Act: who, Batch: p.cfg.Import.Batch,
				Rejects: j.rejects, NewID: p.newID, Progress: j.progress}
			report, err := run.Run(ctx, j.input, p.cfg.Import.LineLimit)
			if err == nil && report.Rejected > 0 && report.Imported+report.Already == 0 {
				err = p.noneTaken()
			}
			return report, err
		})
	}
	return cmd
}

// accessLogActs is as whom an access log is imported when nothing else is said.
const accessLogActs = "--actor system:access-log --purpose improvement --grounds ua.11.1.6 --service site"

func accessLogAct(act config.Act) (importer.Act, error) {
	actor, err := wire.ParseActor(cmp.Or(act.Actor, "system:access-log"))
	if err != nil {
		return importer.Act{}, usage("for example --actor system:access-log", "%s", err.Error())
	}
	return importer.Act{Actor: actor, Purpose: domain.Purpose(cmp.Or(act.Purpose, "improvement")),
		Grounds: domain.Grounds(cmp.Or(act.Grounds, "ua.11.1.6")), Service: domain.Service(cmp.Or(act.Service, "site"))}, nil
}

const eventsExample = `
For example (one line):

  {"command":"collect","key":"order-4711-1",
   "subject":"0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c01","actor":"system:shop",
   "at":"2026-01-02T03:04:05Z","purpose":"orders","grounds":"ua.11.1.3",
   "service":"orders","source":"subject",
   "values":{"name":"Olena","phone":"+380..."}}

Unknown members, repeated names, wrong types and text that is not UTF-8 reject the line; the others go on.
A line may have 1048576 bytes, or import.line_limit where that is set.
The exit code is 1 when any line was rejected.
`

// errRejected ends "import events" when lines were rejected.
var errRejected = errors.New("lines were rejected")

func (p *program) importEvents() *cobra.Command {
	var rejects string
	cmd := &cobra.Command{
		Use:     "events FILE|-",
		Short:   "Import commands as JSON lines",
		Long:    "Import commands as JSON lines, plain or gzip, from a file or standard input.\n\n" + wire.Format + "\n" + eventsExample + accountsHelp,
		Example: "  litopys import events commands.jsonl",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&rejects, "rejects", "", "file for rejected lines (default: FILE.rejects.jsonl)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.imported(cmd.Context(), args[0], rejects, func(ctx context.Context, a *app.App, j *job) (importer.Report, error) {
			run := importer.Events{Ledger: a.Ledger, Batch: p.cfg.Import.Batch, Rejects: j.rejects, Progress: j.progress}
			report, err := run.Run(ctx, j.input, p.commandLimit())
			if err == nil && report.Rejected > 0 {
				err = errRejected
			}
			return report, err
		})
	}
	return cmd
}

// longestCommand is the longest line of commands, unless import.line_limit is set: the text of a policy, or of
// a request, stands on one line and is longer than any line of an access log.
const longestCommand = 1 << 20

func (p *program) commandLimit() int {
	for _, s := range p.cfg.Settings {
		if s.Name == "import.line_limit" && s.From == "default" {
			return longestCommand
		}
	}
	return p.cfg.Import.LineLimit
}

// job is one import under way.
type job struct {
	input    *importer.Input
	rejects  *importer.Rejects
	progress func(importer.Report)
}

// imported opens input, rejects and ledger, runs the import and prints the account, also after an error.
func (p *program) imported(ctx context.Context, path, rejects string, run func(context.Context, *app.App, *job) (importer.Report, error)) (err error) {
	j := &job{}
	if j.input, err = importer.Open(path, p.In); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.input.Close()) }()
	if j.rejects, err = p.openRejects(j.input, path, rejects); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.rejects.Close()) }()
	return p.withNew(ctx, func(a *app.App) error {
		if a.Created {
			p.say("made a new ledger in %s", app.Place(p.cfg.Config))
		}
		bar := p.newProgress(j.input)
		j.progress = bar.update
		began := time.Now()
		report, err := run(ctx, a, j)
		report.Took = time.Since(began)
		bar.done()
		err = errors.Join(err, j.rejects.Close())
		report.Rejects = j.rejects.Path()
		return errors.Join(err, p.account(report))
	})
}

// openRejects prepares the file for rejects beside the input. Where that folder can't be written to, and no
// other file was named, the working folder takes it.
func (p *program) openRejects(in *importer.Input, path, rejects string) (*importer.Rejects, error) {
	open := func(path string) (*importer.Rejects, error) {
		r, err := importer.OpenRejects(importer.RejectsConfig{Path: path, Input: in, Folder: p.cfg.Dir,
			Answers: []*os.File{fileOf(p.Out), fileOf(p.Err)}})
		if errors.Is(err, importer.ErrPlace) {
			err = usage("name another file with --rejects; nothing was changed", "%s", err.Error())
		}
		return r, err
	}
	if rejects != "" {
		return open(rejects)
	}
	if path == "-" {
		return open("stdin.rejects.jsonl")
	}
	beside := path + ".rejects.jsonl"
	r, err := open(beside)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		here := filepath.Base(beside)
		p.say("%s can't be written; rejects go to ./%s", beside, here)
		return open(here)
	}
	return r, err
}

func (p *program) account(r importer.Report) error {
	reasons, err := rejectReasons(r.Rejects)
	if err != nil {
		return err
	}
	if p.json {
		return p.answer(struct {
			importer.Report
			Reasons []rejectReason `json:"reasons,omitempty"`
		}{r, reasons[:min(len(reasons), reasonsTold)]})
	}
	rate := ""
	if r.Took > 0 && r.Lines > 0 {
		rate = fmt.Sprintf("%.2f s, %.0f lines/s", r.Took.Seconds(), float64(r.Lines)/r.Took.Seconds())
	}
	pairs(p.Out, [2]string{"lines", fmt.Sprint(r.Lines)}, [2]string{"imported", fmt.Sprint(r.Imported)},
		[2]string{"already there", fmt.Sprint(r.Already)}, [2]string{"rejected", fmt.Sprint(r.Rejected)}, [2]string{"rejects in", r.Rejects})
	if rate != "" {
		p.say("took %s", rate)
	}
	if len(reasons) > 0 {
		p.sayReason(r.Rejected, reasons[0])
	}
	return nil
}
