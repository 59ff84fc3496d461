package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/cmd/internal/portable"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// exports are what people take away.
func (p *program) exports() *cobra.Command {
	return p.noun("export", "Copies for people to take away", p.exportSubject())
}

func (p *program) exportSubject() *cobra.Command {
	o := opening{open: true}
	var format, out string
	cmd := &cobra.Command{
		Use:   "subject SUBJECT",
		Short: "Write the copy of a person's data that is given to him (ua art. 8, GDPR art. 15 and 20)",
		Long: "Write the copy of a person's data that is given to him: every value that is held with its source, purposes,\n" +
			"grounds and what becomes of it, what the law keeps and why, to whom data went, consents, requests, notices.\n" +
			"JSON is for another service, HTML for the person. The viewing is recorded first (DataViewed), under --role,\n" +
			"--purpose, --grounds and --actor. Every copy is a viewing of its own, so a --key that was used is refused (exit\n" +
			"code 4). The file appears whole or not at all, for its owner alone, and replaces none.",
		Example: "  litopys export subject " + subjectExample + " --format html --out ./copies --role officer --document m-104 --actor employee:e-17 --purpose contact --grounds ua.11.1.5 --service support",
		Args:    cobra.ExactArgs(1),
	}
	addAct(cmd, &o.act)
	flags := cmd.Flags()
	flags.String("role", "", "role under which values are opened, a name of the policy")
	flags.StringVar(&o.document, "document", "", "why: reference of the request")
	flags.StringVar(&format, "format", "json", "json or html")
	flags.StringVar(&out, "out", "", "file to write, or a folder")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("subject", args[0])
		if err != nil {
			return err
		}
		if format != "json" && format != "html" {
			return usage("write json or html", "--format: %q is no format", visible(shorten(format)))
		}
		if out == "" {
			return usage("give --out FILE or --out DIR", "where does the copy go?")
		}
		if info, err := os.Stat(out); err == nil && info.IsDir() {
			out = filepath.Join(out, "copy-"+id.String()+"."+format)
		}
		if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
			return usage("name another file", "%s is there already and is not replaced", out)
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			return p.portableCopy(cmd.Context(), a, &o, domain.SubjectID{UUID: id}, format, out)
		})
	}
	return cmd
}

func (p *program) portableCopy(ctx context.Context, a *app.App, o *opening, id domain.SubjectID, format, out string) error {
	var draft *portable.Draft
	found := false
	err := a.View(ctx, func(s projections.Snapshot) (err error) {
		draft, found, err = portable.Gather(ctx, s, a.Policy, id, p.now())
		return err
	})
	if err != nil {
		return err
	}
	if !found {
		return unknownSubject()
	}
	seen, err := p.recordViewing(ctx, a, o, id, draft.Values())
	if err != nil {
		return err
	}
	given, err := draft.Complete(ctx, a.Journal, app.Opener{Journal: a.Journal})
	if err != nil {
		return seen.failed(err)
	}
	_, err = writeWhole(out, func(w io.Writer) (int64, error) {
		if format == "html" {
			return 0, given.WriteHTML(w)
		}
		return 0, given.WriteJSON(w)
	})
	if err != nil {
		return seen.failed(err)
	}
	if p.json {
		return p.answer(map[string]any{"file": out, "values": len(given.Values), "kept": len(given.Kept), "transfers": len(given.Transfers)})
	}
	pairs(p.Out, [2]string{"file", out}, [2]string{"values", fmt.Sprint(len(given.Values))}, [2]string{"kept by law", fmt.Sprint(len(given.Kept))},
		[2]string{"transfers", fmt.Sprint(len(given.Transfers))})
	return nil
}
