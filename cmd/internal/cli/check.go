package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"imagine.ua/litopys/cmd/internal/app"
)

// errUnsound ends "config check" when a server is not as it should be.
var errUnsound = errors.New("not every server is ready")

func (p *program) configCheck(ctx context.Context) error {
	policy, err := app.Policy(p.cfg.Config)
	if err != nil {
		return err
	}
	found := app.Check(ctx, p.cfg.Config)
	sound := true
	for _, f := range found {
		sound = sound && f.OK
	}
	if p.json {
		err = p.answer(map[string]any{"ok": sound, "file": p.cfg.File, "policy": policy.Version, "servers": p.findings(found)})
	} else {
		p.printCheck(policy.Name+" "+policy.Version, found)
	}
	if err == nil && !sound {
		err = errUnsound
	}
	return err
}

func (p *program) findings(found []app.Finding) []map[string]any {
	out := []map[string]any{}
	for _, f := range found {
		out = append(out, map[string]any{"setting": f.Setting, "place": f.Place, "ok": f.OK, "state": p.oneLine(f.State)})
	}
	return out
}

func (p *program) printCheck(policy string, found []app.Finding) {
	file := p.cfg.File
	if file == "" {
		file = "no file; defaults, environment and flags"
	}
	pairs(p.Out, [2]string{"configuration", "sound"}, [2]string{"file", file}, [2]string{"policy", policy})
	for _, f := range found {
		state := "ready"
		if !f.OK {
			state = "WRONG"
		}
		fmt.Fprintf(p.Out, "%s: %s: %s: %s\n", f.Setting, state, f.Place, p.oneLine(f.State))
	}
}

// oneLine is a driver's message without line breaks and secrets.
func (p *program) oneLine(text string) string {
	return visible(p.cfg.Scrub(strings.Join(strings.Fields(text), " ")))
}
