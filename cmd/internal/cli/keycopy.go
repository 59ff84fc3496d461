package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/eventstore/keys"
)

const keyCopyHelp = `Copy the keys of the ledger into a PostgreSQL (postgres://...) or a folder (as keys.db), and compare the two.
Keys move as they are wrapped: no value is opened, every key keeps its state, and what is destroyed stays
destroyed. The target must be empty; a copy that was stopped leaves it so, and one that is repeated compares.

--switch retires the old store: it is refused from then on, so that nobody goes on with the two, of which each
would miss the other's destructions. To move the keys:

  1. stop everything that has the ledger open
  2. litopys key copy --to postgres://... --switch
  3. set keys.url to the new address (for a folder: leave it empty, set dir, and copy local.key there)
  4. remove the old keys.db, or the old database, with every copy of it: it still holds the wrapped keys`

func (p *program) keyCopy() *cobra.Command {
	var to string
	var retire bool
	cmd := &cobra.Command{
		Use:     "copy",
		Short:   "Copy the keys to PostgreSQL or to a folder, and back",
		Long:    keyCopyHelp,
		Example: "  litopys key copy --to postgres://litopys@localhost/keys --switch\n  litopys key copy --to ./new-folder",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&to, "to", "", "address of a database, or folder, to copy to")
	cmd.Flags().BoolVar(&retire, "switch", false, "refuse the old key store from now on")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := p.checkKeyTarget(to); err != nil {
			return err
		}
		err := p.copyKeys(cmd.Context(), to, retire)
		if err != nil { // an address given by a flag may hold a password too
			err = &scrubbedError{err, func(text string) string {
				return config.Config{Keys: config.Keys{URL: to}}.Scrub(p.cfg.Scrub(text))
			}}
		}
		return err
	}
	return cmd
}

func (p *program) checkKeyTarget(to string) error {
	const example = "for example --to postgres://litopys@localhost/keys"
	switch {
	case to == "" || to == app.KeysPlace(p.cfg.Config):
		return usage(example, "--to wants another place than the one copied from")
	case app.IsServer(to) && !strings.HasPrefix(to, "postgres://") && !strings.HasPrefix(to, "postgresql://"):
		return usage(example, "an address for keys begins with postgres://")
	case app.IsServer(to):
		return nil
	}
	if info, err := os.Stat(to); err != nil || !info.IsDir() {
		return usage("make the folder first: mkdir -m 700 FOLDER", "%s is no folder", visible(to))
	}
	return nil
}

func (p *program) copyKeys(ctx context.Context, to string, retire bool) error {
	// Opening and closing the ledger carries out every fate, and brings the key store up to date.
	if err := p.with(ctx, func(*app.App) error { return nil }); err != nil {
		return err
	}
	done, err := app.CopyKeys(ctx, p.cfg.Config, to, retire)
	if err != nil {
		return err
	}
	return p.printKeyCopy(to, retire, done)
}

func (p *program) printKeyCopy(to string, retired bool, done keys.Copied) error {
	if app.IsServer(to) {
		to = config.Redacted(to)
	}
	digest := hex.EncodeToString(done.Digest[:])
	if p.json {
		return p.answer(map[string]any{"ledger": done.Ledger, "to": to, "keys": done.Keys, "destroyed": done.Destroyed, "digest": digest,
			"already": done.Already, "switched": retired})
	}
	state, old := "copied now", "still in use"
	if done.Already {
		state = "were there already"
	}
	if retired {
		old = "refused from now on"
	}
	pairs(p.Out, [2]string{"copy", "equal"}, [2]string{"ledger", done.Ledger.String()}, [2]string{"in", to},
		[2]string{"keys", fmt.Sprint(done.Keys)}, [2]string{"of them destroyed", fmt.Sprint(done.Destroyed)},
		[2]string{"state", state}, [2]string{"digest", digest}, [2]string{"old keys", old})
	if retired {
		p.say("set keys.url (or dir) to the new place; then remove the old key store, which still holds the wrapped keys")
	}
	return nil
}

// key is the noun of the keys.
func (p *program) key() *cobra.Command {
	return p.noun("key", "The keys of personal values", p.keyStatus(), p.keyRotate(), p.keyRestoreCheck(), p.keyCopy())
}
