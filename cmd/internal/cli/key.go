package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
)

func (p *program) keyStatus() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Count the keys by state, and show the master keys and how far the keys have followed the log",
		Example: "  litopys key status",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(a *app.App) error { return p.showKeys(cmd.Context(), a) })
		},
	}
}

func (p *program) showKeys(ctx context.Context, a *app.App) error {
	st, err := a.Journal.Keys().Status(ctx)
	if err != nil {
		return err
	}
	head, err := a.Journal.Head(ctx)
	if err != nil {
		return err
	}
	if p.json {
		return p.answer(map[string]any{"live": st.Live, "retained": st.Retained, "openEnded": st.OpenEnded, "destroyed": st.Destroyed,
			"tombstones": st.Tombstones, "uncertified": st.Uncertified, "followed": st.Followed, "head": head, "rotating": st.Rotating,
			"masters": mastersJSON(st.Masters)})
	}
	pairs(p.Out, [2]string{"live", fmt.Sprint(st.Live)},
		[2]string{"retained", fmt.Sprintf("%d, of them without a known end %d", st.Retained, st.OpenEnded)},
		[2]string{"destroyed", fmt.Sprintf("%d, and %d closed before there was a key", st.Destroyed, st.Tombstones)},
		[2]string{"without certificate", fmt.Sprint(st.Uncertified)},
		[2]string{"followed", fmt.Sprintf("%d of %d", st.Followed, head)}, [2]string{"rotation", unfinished(st.Rotating)})
	fmt.Fprintln(p.Out)
	g := grid{head: []string{"master key", "keys", "state"}, wide: []int{16, 12, 30}}
	for _, m := range st.Masters {
		state := "in use"
		switch {
		case m.Dead:
			state = "erased"
		case m.Keys == 0:
			state = "wraps nothing; a rotation erases it"
		}
		g.add(m.Name, fmt.Sprint(m.Keys), state)
	}
	g.print(p.Out, "no master key yet")
	return nil
}

func unfinished(master string) string {
	if master == "" {
		return ""
	}
	return "to " + master + " was cut short; litopys key rotate goes on with it"
}

type masterJSON struct {
	Name string `json:"name"`
	Keys int    `json:"keys"`
	Dead bool   `json:"dead"`
}

func mastersJSON(list []keys.MasterStatus) []masterJSON {
	out := make([]masterJSON, len(list))
	for i, m := range list {
		out[i] = masterJSON(m)
	}
	return out
}

const keyRotateHelp = `Make a new master key now, wrap every key that is not destroyed with it, and erase the older master keys. The
keys themselves and all values stay as they are, and the ledger can be used meanwhile. A rotation that was cut
short goes on when the command is run again. Rotate when a master key or a backup of the key store may have been
seen by somebody, and from time to time: a backup is opened by the key-management service alone from then on.

In PostgreSQL the role needs the rights of litopys_keys_rotator.`

func (p *program) keyRotate() *cobra.Command {
	return &cobra.Command{
		Use:     "rotate",
		Short:   "Make a new master key, wrap all keys with it and erase the older ones",
		Long:    keyRotateHelp,
		Example: "  litopys key rotate",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(a *app.App) error { return p.rotateKeys(cmd.Context(), a) })
		},
	}
}

func (p *program) rotateKeys(ctx context.Context, a *app.App) error {
	last := time.Now()
	done, err := a.Journal.Keys().Rotate(ctx, func(r keys.Rotation) {
		if now := time.Now(); now.Sub(last) >= between {
			last = now
			p.say("%d keys so far", r.Rewrapped)
		}
	})
	if err != nil {
		return err
	}
	if p.json {
		died := done.Died
		if died == nil {
			died = []string{}
		}
		return p.answer(map[string]any{"master": done.Master, "resumed": done.Resumed, "keys": done.Rewrapped, "erased": died})
	}
	began := "now"
	if done.Resumed {
		began = "by an earlier call that was cut short"
	}
	pairs(p.Out, [2]string{"master key", done.Master}, [2]string{"begun", began}, [2]string{"keys wrapped anew", fmt.Sprint(done.Rewrapped)},
		[2]string{"erased", strings.Join(done.Died, ", ")})
	return nil
}

const restoreCheckHelp = `Compare every certificate of erasure in the log with the key store, and destroy what a certificate says is gone.
Run it when a key store was put back from a backup, before anything else uses the ledger. Opening the ledger has
carried out by then whatever the log decided after the backup was made; this looks at the whole log.`

func (p *program) keyRestoreCheck() *cobra.Command {
	return &cobra.Command{
		Use:     "restore-check",
		Short:   "After a restore: destroy again what a certificate says is gone",
		Long:    restoreCheckHelp,
		Example: "  litopys key restore-check",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(a *app.App) error { return p.restoreCheck(cmd.Context(), a) })
		},
	}
}

func (p *program) restoreCheck(ctx context.Context, a *app.App) error {
	r, err := a.Journal.RestoreCheck(ctx, func(r journal.RestoreReport) {
		p.say("%d records so far, %d certificates", r.Records, r.Certificates)
	})
	if err != nil {
		return err
	}
	if p.json {
		return p.answer(map[string]any{"records": r.Records, "certificates": r.Certificates, "keys": r.Keys,
			"agreed": r.Agreed, "destroyedAgain": r.Destroyed, "unknown": r.Unknown})
	}
	pairs(p.Out, [2]string{"records read", fmt.Sprint(r.Records)}, [2]string{"certificates", fmt.Sprintf("%d, of %d keys", r.Certificates, r.Keys)},
		[2]string{"gone, as certified", fmt.Sprint(r.Agreed)}, [2]string{"destroyed again", fmt.Sprint(r.Destroyed)},
		[2]string{"unknown until now", fmt.Sprint(r.Unknown)})
	return nil
}
