package bench

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/cmd/internal/importer"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
)

// workers is how many goroutines use the library at a time.
const workers = 64

func withApp(ctx context.Context, cfg Config, name string, step func(*app.App) error) error {
	settings := config.Default()
	settings.Dir = filepath.Join(cfg.Dir, name)
	err := app.With(ctx, app.Options{Config: settings, Logger: cfg.Logger, Create: true}, step)
	return errors.Join(err, os.RemoveAll(settings.Dir))
}

// library measures decide, seal, encode, append and fsync together.
func library(ctx context.Context, cfg Config, tell func(Figure)) error {
	return withApp(ctx, cfg, "library", func(a *app.App) error {
		people, err := registered(ctx, a, 20*workers)
		if err != nil {
			return err
		}
		single, err := drive(ctx, cfg.Duration, people, func(ctx context.Context, id domain.SubjectID) (int, error) {
			_, err := a.Ledger.Handle(ctx, visit(id))
			return 1, err
		})
		if err != nil {
			return err
		}
		tell(rate("library, single commands from 64 goroutines", single, 40_000, "commands/s"))
		batched, err := drive(ctx, cfg.Duration, people, func(ctx context.Context, id domain.SubjectID) (int, error) {
			cmds := make([]ledger.Command, 100)
			for i := range cmds {
				cmds[i] = visit(id)
			}
			return len(cmds), failed(a.Ledger.HandleAll(ctx, cmds))
		})
		if err != nil {
			return err
		}
		tell(rate("library, batches of 100", batched, 100_000, "events/s"))
		return nil
	})
}

func failed(outs []ledger.Outcome) error {
	for _, out := range outs {
		if out.Err != nil {
			return out.Err
		}
	}
	return nil
}

// drive lets workers act, each on subjects of its own, and gives events per second.
func drive(ctx context.Context, d time.Duration, people []domain.SubjectID, act func(context.Context, domain.SubjectID) (int, error)) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var events atomic.Int64
	began := time.Now()
	for w := range workers {
		wg.Go(func() {
			for i := w; time.Since(began) < d && ctx.Err() == nil; i += workers {
				n, err := act(ctx, people[i%len(people)])
				if err != nil {
					cancel(err)
					return
				}
				events.Add(int64(n))
			}
		})
	}
	wg.Wait()
	return float64(events.Load()) / time.Since(began).Seconds(), context.Cause(ctx)
}

var act = importer.Act{Actor: domain.Actor{Kind: domain.ActorSystem, ID: "bench"}, Purpose: "improvement", Grounds: "ua.11.1.6", Service: "site"}

func about(id domain.SubjectID, key string) subject.About {
	op, err := domain.NewOperation(domain.OperationSpec{Key: key, Actor: act.Actor, At: time.Now(),
		Purpose: act.Purpose, Grounds: act.Grounds, Service: act.Service})
	if err != nil {
		panic(err) // every part is written down above
	}
	return subject.About{Subject: id, Operation: op}
}

func registered(ctx context.Context, a *app.App, n int) ([]domain.SubjectID, error) {
	people, cmds := make([]domain.SubjectID, n), make([]ledger.Command, n)
	for i := range people {
		people[i] = domain.SubjectID{UUID: uuid.New()}
		cmds[i] = subject.Register{About: about(people[i], "register")}
	}
	return people, failed(a.Ledger.HandleAll(ctx, cmds))
}

// visit is a command with three values, as a web page makes it.
func visit(id domain.SubjectID) ledger.Command {
	return subject.Collect{About: about(id, uuid.NewString()), Source: subject.Automatic, Values: []subject.Given{
		{Field: "address", Value: domain.ClearValue("192.0.2.1")}, {Field: "page", Value: domain.ClearValue("/goods/4711")},
		{Field: "browser", Value: domain.ClearValue("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")},
	}}
}

// importing measures the import of an access log and the rebuild of all answers from it.
func importing(ctx context.Context, cfg Config, tell func(Figure)) error {
	path := cfg.AccessLog
	if path == "" {
		path = filepath.Join(cfg.Dir, "access.log")
		if err := writeLog(path, cfg.Lines); err != nil {
			return err
		}
	}
	return withApp(ctx, cfg, "import", func(a *app.App) error {
		report, err := importLog(ctx, cfg, a, path)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("import of %d lines", report.Lines)
		tell(under(name, report.Took.Seconds(), 2*max(1, float64(report.Lines)/10_000), "s"))
		if err := a.Level(ctx); err != nil {
			return err
		}
		began := time.Now()
		if err := a.Engine.Rebuild(ctx, nil, nil); err != nil {
			return err
		}
		head, err := a.Journal.Head(ctx)
		if err != nil {
			return err
		}
		tell(rate("rebuild of all answers", float64(head)/time.Since(began).Seconds(), 80_000, "events/s"))
		return nil
	})
}

func importLog(ctx context.Context, cfg Config, a *app.App, path string) (report importer.Report, err error) {
	rejects, err := importer.NewRejects(filepath.Join(cfg.Dir, "rejects.jsonl"))
	if err != nil {
		return report, err
	}
	text, err := importer.Open(path, nil)
	if err != nil {
		return report, err
	}
	began := time.Now()
	settings := config.Default().Import
	run := importer.AccessLog{Ledger: a.Ledger, Visitors: a.Journal, Act: act, Batch: settings.Batch, Rejects: rejects, NewID: uuid.NewRandom}
	report, err = run.Run(ctx, text, settings.LineLimit)
	report.Took = time.Since(began)
	return report, errors.Join(err, text.Close(), rejects.Close())
}

// writeLog writes a log like a real one: a fifth as many visitors as lines, a few pages each.
func writeLog(path string, lines int) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, file.Close()) }()
	out := bufio.NewWriter(file)
	dice := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	for range lines {
		at = at.Add(time.Duration(dice.IntN(60)) * time.Second)
		n := dice.IntN(max(1, lines/5))
		_, err := fmt.Fprintf(out, "10.%d.%d.%d - - [%s] \"GET /page/%d HTTP/1.1\" 200 %d \"-\" \"Mozilla/5.0 (bench; rv:%d.0) Gecko/20100101 Firefox/%d.0\"\n",
			n>>16&255, n>>8&255, n&255, at.Format("02/Jan/2006:15:04:05 -0700"), dice.IntN(500), 1000+dice.IntN(90_000), n%40+100, n%40+100)
		if err != nil {
			return err
		}
	}
	return out.Flush()
}
