package cli

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"imagine.ua/litopys/projections/register"
)

//go:embed register.html
var registerPage string

// registerHTML writes the register as one page without scripts and without anything from elsewhere.
func (p *program) registerHTML(r *register.Register) error {
	page, err := template.New("register").Funcs(template.FuncMap{
		"list": func(v any) string { return listed(v) },
		"day":  day, "term": termText, "done": doneText,
	}).Parse(registerPage)
	if err != nil {
		return fmt.Errorf("page of the register: %w", err)
	}
	if err := page.Execute(p.Out, map[string]any{"R": r, "Made": when(p.now()), "Note": registerNote}); err != nil {
		return fmt.Errorf("page of the register: %w", err)
	}
	return nil
}

// listed writes a list of words with commas.
func listed(v any) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(v), "[]"), " ", ", ")
}

func (p *program) registerJSON(r *register.Register) error {
	var purposes, recipients, abroad, terms, roles, categories []map[string]any
	for _, x := range r.Purposes {
		purposes = append(purposes, map[string]any{"id": x.ID, "title": x.Title, "clauses": x.Clauses, "categories": x.Categories,
			"services": x.Services, "recipientKinds": x.RecipientKinds, "depersonalised": x.Depersonalised, "recorded": x.Done})
	}
	for _, x := range r.Categories {
		categories = append(categories, map[string]any{"category": x.Name, "fields": x.Fields, "retention": x.Retention})
	}
	for _, x := range r.Recipients {
		recipients = append(recipients, map[string]any{"id": x.ID, "name": x.Name, "kind": x.Kind, "kindTitle": x.KindTitle, "public": x.Public,
			"country": x.Country, "contract": x.Contract, "persons": x.Persons, "fields": x.Fields, "outdated": x.Outdated, "owed": x.Owed,
			"bases": x.Bases, "purposes": x.Purposes, "passed": x.Passed})
	}
	for _, x := range r.Abroad {
		abroad = append(abroad, map[string]any{"country": x.Country, "ground": x.Ground, "title": x.Title, "recipients": x.Recipients, "fields": x.Fields, "passed": x.Passed})
	}
	for _, x := range r.Retention {
		terms = append(terms, map[string]any{"rule": x.Rule.ID, "legal": x.Rule.Legal, "start": x.Rule.Start, "action": x.Rule.Action,
			"term": x.Rule.Term.String(), "fields": x.Fields, "readers": x.Rule.Readers})
	}
	for _, x := range r.Roles {
		roles = append(roles, map[string]any{"role": x.ID, "title": x.Title, "purposes": x.Purposes, "categories": x.Categories})
	}
	return p.answer(map[string]any{
		"class": registerNote, "made": when(p.now()),
		"controller": map[string]any{"name": r.Controller.Name, "site": r.Controller.Site, "contact": r.Controller.Contact, "country": r.Controller.Country},
		"policy":     r.Policy, "version": r.Version, "effectiveFrom": day(r.Effective), "textHash": r.TextHash, "law": r.Law,
		"purposes": purposes, "subjects": r.Subjects, "closed": r.Closed, "categories": categories, "recipients": recipients,
		"abroad": abroad, "retention": terms, "roles": roles, "measures": r.Measures,
	})
}
