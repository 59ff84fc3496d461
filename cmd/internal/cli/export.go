package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/export"
	"imagine.ua/litopys/projections/transfers"
)

func (p *program) transferExport() *cobra.Command {
	var f transferFilter
	var format, out string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the log of transfers for an auditor",
		Long: "Write the log of transfers, one value a row, in the order of the log, however many there are. It holds no\n" +
			"personal value: who, which field, to whom, when, on which basis. In CSV, text that a spreadsheet would take\n" +
			"for a formula is made harmless. --json stands for --format jsonl, unless --out is given. --out writes a file\n" +
			"that appears whole or not at all and replaces none.",
		Example: "  litopys transfer export --from 2026-01-01 --to 2027-01-01 --format csv --out transfers-2026.csv",
		Args:    cobra.NoArgs,
	}
	f.add(cmd)
	cmd.Flags().StringVar(&format, "format", string(export.CSV), "csv or jsonl")
	cmd.Flags().StringVar(&out, "out", "", "file to write (default: standard output)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		filter, err := f.filter()
		if err != nil {
			return err
		}
		if p.json && out == "" { // the rows are the answer
			if format != string(export.JSONL) && cmd.Flags().Changed("format") {
				return usage("leave --json out, or write the rows to a file with --out", "--json gives JSON lines, not --format %s", visible(shorten(format)))
			}
			format = string(export.JSONL)
		}
		if format != string(export.CSV) && format != string(export.JSONL) {
			return usage("write csv or jsonl", "--format: %q is no format", visible(shorten(format)))
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			return p.export(cmd.Context(), a, filter, export.Format(format), out)
		})
	}
	return cmd
}

func (p *program) export(ctx context.Context, a *app.App, filter transfers.Filter, format export.Format, out string) error {
	if err := onRecord(ctx, a, filter.Subject, filter.Recipient); err != nil {
		return err
	}
	write := func(w io.Writer) (rows int64, err error) {
		err = a.View(ctx, func(s projections.Snapshot) error {
			cards, err := transfers.Recipients(ctx, s)
			if err != nil {
				return err
			}
			rows, err = export.Transfers(w, format, transfers.List(ctx, s, filter), cards)
			return err
		})
		return rows, err
	}
	if out == "" {
		rows, err := write(p.Out)
		if err == nil {
			p.say("%d rows", rows)
		}
		return err
	}
	rows, err := writeWhole(out, write)
	if err != nil {
		return err
	}
	if p.json {
		return p.answer(map[string]any{"rows": rows, "file": out})
	}
	pairs(p.Out, [2]string{"rows", fmt.Sprint(rows)}, [2]string{"file", out})
	return nil
}

// writeWhole writes a new file that appears under its name only when it is complete and durable. A file
// that is there already is not replaced: it may be the only copy of what an auditor was given.
func writeWhole(path string, write func(io.Writer) (int64, error)) (rows int64, err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".export-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	rows, err = write(file)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return rows, err
	}
	// A link fails when the name is taken, where a rename would replace it.
	if err := os.Link(file.Name(), path); errors.Is(err, os.ErrExist) {
		return rows, usage("name another file", "%s is there already and is not replaced", path)
	} else if err != nil {
		return rows, err
	}
	return rows, nil
}
