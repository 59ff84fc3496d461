package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/cmd/internal/importer/wire"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// looksFurther annotates a command that runs with a configuration that is not sound, to say what else is wrong.
const looksFurther = "looks-further"

// errUnsound ends "config check" when a server is not as it should be.
var errUnsound = errors.New("not every server is ready")

func (p *program) configCheck(ctx context.Context) error {
	pol, err := app.Policy(p.cfg.Config)
	wrong := errors.Join(p.unsound, err, actError(p.cfg.Act, pol))
	found := app.Check(ctx, p.cfg.Config)
	var servers error
	for _, f := range found {
		if !f.OK {
			servers = errUnsound
		}
	}
	if err = p.answerCheck(pol, wrong, servers, found); err != nil {
		return err
	}
	return errors.Join(wrong, servers)
}

func (p *program) answerCheck(pol *policy.Policy, wrong, servers error, found []app.Finding) error {
	var name, version string
	if pol != nil {
		name, version = pol.Name, pol.Version
	}
	if p.json {
		problems := []string{}
		if wrong != nil {
			problems = problemsOf(wrong)
		}
		return p.answer(map[string]any{"ok": wrong == nil && servers == nil, "file": p.cfg.File, "policy": version,
			"problems": problems, "servers": p.findings(found)})
	}
	state := "sound"
	if wrong != nil {
		state = "WRONG"
	}
	p.printCheck(state, strings.TrimSpace(name+" "+version), found)
	return nil
}

// actError names the defaults of commands that no command could use: an actor that is none, and names that the
// policy does not know. Without a policy the names are not looked up.
func actError(act config.Act, pol *policy.Policy) error {
	var problems []error
	problem := func(name, value, format string, args ...any) {
		problems = append(problems, fmt.Errorf("act.%s: %q: "+format, append([]any{name, shorten(value)}, args...)...))
	}
	if _, err := wire.ParseActor(act.Actor); act.Actor != "" && err != nil {
		problem("actor", act.Actor, "want kind:code, for example employee:e-17; kinds are subject, employee, system, authority")
	}
	look := func(name, value string, has func() bool) {
		if value != "" && pol != nil && !has() {
			problem(name, value, "the policy %s %s has no such %s; see: litopys policy show", pol.Name, pol.Version, name)
		}
	}
	look("purpose", act.Purpose, func() bool { _, ok := pol.Purpose(domain.Purpose(act.Purpose)); return ok })
	look("grounds", act.Grounds, func() bool { _, ok := pol.Ground(domain.Grounds(act.Grounds)); return ok })
	look("service", act.Service, func() bool { _, ok := pol.Service(domain.Service(act.Service)); return ok })
	look("role", act.Role, func() bool { _, ok := pol.Role(act.Role); return ok })
	if len(problems) == 0 {
		return nil
	}
	return &config.InvalidError{Problems: problems}
}

func (p *program) findings(found []app.Finding) []map[string]any {
	out := []map[string]any{}
	for _, f := range found {
		out = append(out, map[string]any{"setting": f.Setting, "place": f.Place, "ok": f.OK, "state": p.oneLine(f.State)})
	}
	return out
}

func (p *program) printCheck(state, policy string, found []app.Finding) {
	file := p.cfg.File
	if file == "" {
		file = "no file; defaults, environment and flags"
	}
	pairs(p.Out, [2]string{"configuration", state}, [2]string{"file", file}, [2]string{"policy", policy})
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
