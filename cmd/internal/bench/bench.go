// Package bench measures the ledger on the machine where it stands, each figure beside a baseline of the
// same run where one is named: machines and neighbours differ, ratios tell.
package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/embedded/logbench"
)

// Config says how long and how much.
type Config struct {
	Dir      string        // an empty working folder; its content stays the caller's to remove
	Duration time.Duration // of each appending measurement
	Records  int           // in the log that is scanned and reopened; rounded down to tens
	Lines    int           // of the generated access log
	// AccessLog is a real log to import instead of a generated one; optional.
	AccessLog string
	Logger    *slog.Logger
}

// Figure is one measured line.
type Figure struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Ratio   float64 `json:"ratio,omitempty"` // to the baseline of the same run; 0 when there is none
	Target  string  `json:"target"`
	Reached bool    `json:"reached"`
}

// rate is a figure of events per second that must reach a bound.
func rate(name string, got, atLeast float64, unit string) Figure {
	return Figure{Name: name, Value: got, Unit: unit, Target: fmt.Sprintf("at least %.0f %s", atLeast, unit), Reached: got >= atLeast}
}

// ratio is a figure of events per second that must reach a share of the baseline.
func ratio(name string, got, base, atLeast float64) Figure {
	r := got / base
	return Figure{Name: name, Value: got, Unit: "events/s", Ratio: r, Target: fmt.Sprintf("at least %.2f of the baseline", atLeast), Reached: r >= atLeast}
}

func under(name string, got, atMost float64, unit string) Figure {
	return Figure{Name: name, Value: got, Unit: unit, Target: fmt.Sprintf("under %.0f %s", atMost, unit), Reached: got < atMost}
}

// Run measures everything and hands over each figure when it is known.
func Run(ctx context.Context, cfg Config, tell func(Figure)) error {
	for _, part := range []func(context.Context, Config, func(Figure)) error{logAlone, fullLog, library, importing} {
		if err := part(ctx, cfg, tell); err != nil {
			return err
		}
	}
	return nil
}

// loads are the shapes of appending, with the share of the baseline that each must reach.
var loads = []struct {
	name   string
	load   logbench.Load
	target float64
}{
	{"log alone, 64 appenders", logbench.Load{Appenders: 64, Batch: 1}, 0.45},
	{"log alone, 1 appender", logbench.Load{Appenders: 1, Batch: 1}, 0.9},
	{"log alone, batches of 1000", logbench.Load{Appenders: 4, Batch: 1000}, 0.3},
}

// pair measures the baseline and the store in turns, so that both meet the same machine.
func pair(ctx context.Context, cfg Config, store *embedded.Store, tag uint32, load logbench.Load) (got, base logbench.Rate, err error) {
	const turns = 3
	load.Duration = cfg.Duration / turns
	for i := range uint32(turns) {
		b, err := logbench.Baseline(ctx, cfg.Dir, load)
		if err != nil {
			return got, base, fmt.Errorf("baseline: %w", err)
		}
		g, err := logbench.Append(ctx, store, tag+i, load)
		if err != nil {
			return got, base, fmt.Errorf("append: %w", err)
		}
		got.Events, got.Elapsed = got.Events+g.Events, got.Elapsed+g.Elapsed
		base.Events, base.Elapsed = base.Events+b.Events, base.Elapsed+b.Elapsed
	}
	return got, base, nil
}

func logAlone(ctx context.Context, cfg Config, tell func(Figure)) (err error) {
	for i, l := range loads {
		dir := filepath.Join(cfg.Dir, fmt.Sprintf("log-%d", i))
		err := withStore(ctx, cfg, dir, func(s *embedded.Store) error {
			got, base, err := pair(ctx, cfg, s, uint32(1000*(i+1)), l.load)
			if err == nil {
				tell(ratio(l.name, got.PerSecond(), base.PerSecond(), l.target))
			}
			return err
		})
		if err != nil {
			return err
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

func withStore(ctx context.Context, cfg Config, dir string, step func(*embedded.Store) error) error {
	s, err := embedded.Open(ctx, embedded.Config{Dir: dir, Logger: cfg.Logger})
	if err != nil {
		return err
	}
	if err := step(s); err != nil {
		_ = s.Close()
		return err
	}
	return s.Close()
}

// fullLog measures a log that holds many records: appending, scanning, reading streams, opening.
func fullLog(ctx context.Context, cfg Config, tell func(Figure)) error {
	const tag, events = 7, 10
	dir := filepath.Join(cfg.Dir, "full")
	streams := cfg.Records / events
	held := fmt.Sprintf(", %d records held", streams*events)
	err := withStore(ctx, cfg, dir, func(s *embedded.Store) error {
		if err := logbench.Fill(ctx, s, tag, streams*events, streams); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		scan, err := logbench.Scan(ctx, s)
		if err != nil {
			return err
		}
		tell(rate("ordered scan"+held, scan.PerSecond(), 1_500_000, "records/s"))
		read, err := logbench.ReadStreams(ctx, s, tag, streams, events, 2000)
		if err != nil {
			return err
		}
		tell(under("a stream of 10 events, median"+held, float64(read.Nanoseconds())/1e3, 60, "us"))
		for i, l := range loads {
			got, base, err := pair(ctx, cfg, s, uint32(1000*(i+11)), l.load)
			if err != nil {
				return err
			}
			tell(ratio(l.name+held, got.PerSecond(), base.PerSecond(), 0.8*l.target))
		}
		return nil
	})
	if err != nil {
		return err
	}
	began := time.Now()
	err = withStore(ctx, cfg, dir, func(*embedded.Store) error {
		tell(under("open after a clean close"+held, time.Since(began).Seconds(), 1, "s"))
		return nil
	})
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
