package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/bench"
)

const benchHelp = `Measure the ledger on this machine, in a temporary folder that is removed afterwards. The log is measured
in turns with a baseline: the same bytes appended to a plain file with group commit and fsync, without
sealing, index or check. Ratios tell more than figures, since machines and neighbours differ.`

func (p *program) bench() *cobra.Command {
	cfg := bench.Config{Records: 500_000, Lines: 10_000}
	var seconds float64
	var work string
	cmd := &cobra.Command{
		Use:     "bench",
		Short:   "Measure the ledger on this machine beside a baseline",
		Long:    benchHelp,
		Example: "  litopys bench\n  litopys bench --records 5000000 --seconds 5 --access-log access.log",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.Float64Var(&seconds, "seconds", 3, "length of each appending measurement")
	addCount(flags, &cfg.Records, "records", 1000, 0, "records in the log that is scanned and reopened")
	addCount(flags, &cfg.Lines, "lines", 1, 0, "lines of the generated access log")
	flags.StringVar(&cfg.AccessLog, "access-log", "", "import this log instead of a generated one")
	flags.StringVar(&work, "work", "", "folder in which to make the temporary folder (default: the system's)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if !(seconds > 0 && seconds <= 600) { // also what is no number
			return usage("for example --seconds 3", "--seconds wants more than 0 and up to 600")
		}
		cfg.Duration = time.Duration(seconds * float64(time.Second))
		if cfg.Dir, err = os.MkdirTemp(work, "litopys-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.Dir)) }()
		cfg.Logger = p.logger()
		return bench.Run(cmd.Context(), cfg, p.figure)
	}
	return cmd
}

// figure prints one measured line as soon as it is known.
func (p *program) figure(f bench.Figure) {
	if p.json {
		_ = p.answer(f)
		return
	}
	value := fmt.Sprintf("%.0f %s", f.Value, f.Unit)
	if f.Value < 100 {
		value = fmt.Sprintf("%.2f %s", f.Value, f.Unit)
	}
	ratio := ""
	if f.Ratio > 0 {
		ratio = fmt.Sprintf("ratio %.2f", f.Ratio)
	}
	mark := "reached"
	if !f.Reached {
		mark = "NOT reached"
	}
	fmt.Fprintf(p.Out, "%-52s %18s  %-10s\n    %s: %s\n", f.Name, value, ratio, f.Target, mark)
}
