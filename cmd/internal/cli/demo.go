package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
)

// demoMark stands in a folder that the demonstration made, so that it may be made anew.
const demoMark = "demo.txt"

// demoExport is the export that the demonstration makes.
const demoExport = "transfers.csv"

// demoLetters is the folder of letters that it writes.
const demoLetters = "letters"

// demoFiles is all that a demonstration leaves in its folder; nothing else is ever removed.
var demoFiles = []string{"events.db", "events.db-wal", "events.db-shm", "events.head", "index", "keys.db", "keys.db-wal", "keys.db-shm",
	"local.key", "read.db", "read.db-wal", "read.db-shm", "read.db-builds", "litopys.lock", demoMark, demoExport, demoLetters}

const demoHelp = `A tour on generated people, a few seconds long, a screen a chapter: what is recorded and what is refused; a
new policy; what the law keeps, a legal hold, a disclosure to an authority, a term that ends; requests and duties
with their last days; the answers (profile, history, transfers, register, figures of a month); and an erasure with
before and after. The answers go to standard output, the story to standard error.

Without --dir the tour makes a new temporary folder and keeps it, so that you can go on asking there. With
--dir it takes a folder that is empty or that an earlier demonstration made (which is made anew); any other
is refused. Where store.url names a server, its database must hold no ledger yet.`

func (p *program) demo() *cobra.Command {
	people, seed := 5, uint64(1)
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "A tour on generated people: every operation, the answers, an erasure",
		Long:    demoHelp,
		Example: "  litopys demo\n  litopys demo --dir ./try --people 20 --seed 7",
		Args:    cobra.NoArgs,
	}
	addCount(cmd.Flags(), &people, "people", 1, 1000, "how many people, 1 to 1000")
	addCount(cmd.Flags(), &seed, "seed", 1, 0, "the same seed gives the same people, from 1")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if p.server() == "" && (p.cfg.Keys.URL != "" || p.cfg.KMS.URL != "") {
			return usage("set store.url too, or leave keys.url and kms.url empty", "the tour makes a ledger of its own, whose keys must not go among others")
		}
		dir, err := p.demoFolder(cmd)
		if err != nil {
			return err
		}
		p.cfg.Dir = dir
		return p.withNew(cmd.Context(), func(a *app.App) error {
			if p.server() != "" && !a.Created {
				return usage("name an empty database in store.url", "the tour writes invented people, and %s holds a ledger", p.server())
			}
			mark := []byte("This folder was made by \"litopys demo\", which may make it anew.\n")
			if err := os.WriteFile(filepath.Join(dir, demoMark), mark, 0o600); err != nil {
				return err
			}
			return newTour(p, a, people, seed).run(cmd.Context())
		})
	}
	return cmd
}

// demoFolder gives the folder to use, empty.
func (p *program) demoFolder(cmd *cobra.Command) (string, error) {
	if !cmd.Flags().Changed("dir") {
		return os.MkdirTemp("", "litopys-demo-")
	}
	dir := p.cfg.Dir
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return dir, nil
	}
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, demoMark)); err != nil || p.server() != "" {
		return "", usage("name an empty folder, or leave --dir out", "%s is not empty and no demonstration made it", dir)
	}
	return dir, p.clearDemo(cmd.Context(), dir)
}

// clearDemo removes an earlier demonstration, unless somebody has it open.
func (p *program) clearDemo(ctx context.Context, dir string) error {
	if app.Exists(dir) {
		if err := p.with(ctx, func(*app.App) error { return nil }); err != nil {
			return fmt.Errorf("make the demonstration anew: %w", err)
		}
	}
	var errs []error
	for _, name := range demoFiles {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, name)))
	}
	return errors.Join(errs...)
}
