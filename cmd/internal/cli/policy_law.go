package cli

import (
	"fmt"
	"strings"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
)

// retentionSchedule prints what the policy keeps beyond deletion: how long, from when, by which act, and who may
// read it meanwhile.
func (p *program) retentionSchedule(pol *policy.Policy) {
	p.heading("Retention")
	g := grid{head: []string{"id", "keeps", "from", "legal", "read by"}, wide: []int{16, 20, 12, 28, 12}}
	for _, r := range pol.Retention {
		keeps, from := r.Term.String(), string(r.Start)
		switch {
		case r.ID == policy.HoldRule:
			keeps, from = "until it is released", "the hold"
		case r.Action == domain.Destroy:
			keeps = "nothing"
		}
		g.add(r.ID, keeps, from, r.Legal, orDash(strings.Join(r.Readers, " ")))
	}
	g.print(p.Out, "none")
}

// lawPack prints the rule pack that the policy is joined with.
func (p *program) lawPack(pack *law.Pack) {
	if pack == nil {
		return
	}
	p.heading("Law")
	pairs(p.Out, [2]string{"title", pack.Title}, [2]string{"rule pack", pack.ID + " " + pack.Version}, [2]string{"days counted in", pack.Zone},
		[2]string{"records of operations", fmt.Sprintf("%s (%s)", pack.Records.Title, pack.Records.Article)})
	p.heading("Duties of the law and their terms")
	g := grid{head: []string{"duty", "article", "to tell", "term"}, wide: []int{26, 10, 11, 40}}
	for _, d := range pack.Deadlines {
		term := d.Term.String()
		if d.Term.IsZero() {
			term = "at once"
		}
		g.add(string(d.ID), d.Article, string(d.Addressee), term+extension(d))
	}
	g.print(p.Out, "none")
	var grounds, exemptions [][]string
	for _, x := range pack.DeletionGrounds {
		grounds = append(grounds, []string{x.ID, x.Title, x.Article})
	}
	for _, x := range pack.Exemptions {
		exemptions = append(exemptions, []string{x.ID, x.Title, x.Article})
	}
	p.list("Grounds of deletion", grounds)
	p.list("Exemptions from telling", exemptions)
}

// extension tells how a term may be made longer or what forbids it, and nothing where the law is silent.
func extension(d law.Deadline) string {
	switch {
	case d.Extension == nil && d.FixedBy != "":
		return ", never longer (" + d.FixedBy + ")"
	case d.Extension == nil:
		return ""
	case d.Extension.InAll:
		return ", extended at most to " + d.Extension.Term.String() + " (" + d.Extension.Article + ")"
	}
	return ", extended at most by " + d.Extension.Term.String() + " (" + d.Extension.Article + ")"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// scheduleJSON is the retention schedule for scripts.
func scheduleJSON(pol *policy.Policy) []map[string]any {
	out := []map[string]any{}
	for _, r := range pol.Retention {
		out = append(out, map[string]any{"id": r.ID, "legal": r.Legal, "action": r.Action, "term": r.Term.String(), "start": r.Start,
			"categories": r.Categories, "readers": r.Readers, "lawful": r.Lawful()})
	}
	return out
}

// packJSON is the rule pack for scripts.
func packJSON(pack *law.Pack) map[string]any {
	if pack == nil {
		return nil
	}
	deadlines, grounds, exemptions := []map[string]any{}, []map[string]any{}, []map[string]any{}
	for _, d := range pack.Deadlines {
		one := map[string]any{"id": d.ID, "article": d.Article, "title": d.Title, "mark": d.Mark, "term": d.Term.String(),
			"from": d.From, "addressee": d.Addressee, "fixedBy": d.FixedBy}
		if d.Extension != nil {
			one["extension"] = map[string]any{"term": d.Extension.Term.String(), "inAll": d.Extension.InAll, "article": d.Extension.Article}
		}
		deadlines = append(deadlines, one)
	}
	for _, x := range pack.DeletionGrounds {
		grounds = append(grounds, map[string]any{"id": x.ID, "article": x.Article, "title": x.Title, "mark": x.Mark})
	}
	for _, x := range pack.Exemptions {
		exemptions = append(exemptions, map[string]any{"id": x.ID, "article": x.Article, "title": x.Title, "mark": x.Mark, "from": x.From})
	}
	return map[string]any{"pack": pack.ID, "version": pack.Version, "title": pack.Title, "country": pack.Country, "zone": pack.Zone,
		"deadlines": deadlines, "deletionGrounds": grounds, "exemptions": exemptions,
		"records": map[string]any{"article": pack.Records.Article, "title": pack.Records.Title, "years": pack.Records.Years}}
}
