package cli

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"imagine.ua/litopys/domain"
	counts "imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/projections/statistics"
)

// barWidth is the length of the longest bar.
const barWidth = 32

// figures prints tables with bars, each with its class and tests.
func (p *program) figures(tables []counts.Table) {
	for _, t := range tables {
		p.heading(t.Title)
		if len(t.Cells) == 0 {
			p.wrapped(nobody(t))
		} else {
			g := grid{head: append(dimensionNames(t), "persons", ""), wide: []int{24}}
			most := int64(1)
			for _, c := range t.Cells {
				most = max(most, c.Persons)
			}
			for _, c := range t.Cells {
				g.add(append(labelTexts(c), personsText(c), bar(c, most))...)
			}
			g.print(p.Out, nobody(t))
			fmt.Fprintf(p.Out, "total %d\n", t.Total)
		}
		p.wrapped(fmt.Sprintf("[%s] %s", t.ID, classText(t)))
	}
}

// lineWidth is what lines of text keep to, also where they are read from a demonstration or a file.
const lineWidth = 80

// wrapped prints a line that may be long.
func (p *program) wrapped(line string) {
	most := lineWidth
	if c := columns(p.Out); c > 0 {
		most = min(most, c)
	}
	for part := range strings.Lines(text.WrapSoft(line, max(20, most))) {
		fmt.Fprintln(p.Out, strings.TrimRight(part, " \n"))
	}
}

// nobody says why a table has no cell. The absence of a cell tells nothing.
func nobody(t counts.Table) string {
	if t.Method == counts.Noise {
		return "no cell lies above the threshold"
	}
	return fmt.Sprintf("nothing to show: too few persons for a cell of %d, or nobody at all", t.Threshold)
}

func dimensionNames(t counts.Table) []string {
	out := make([]string, len(t.By))
	for i, d := range t.By {
		out[i] = strings.ReplaceAll(string(d), "-", " ")
	}
	return out
}

func labelTexts(c counts.Cell) []string {
	out := make([]string, len(c.Labels))
	for i, l := range c.Labels {
		out[i] = string(l)
	}
	return out
}

func personsText(c counts.Cell) string {
	if c.Suppressed {
		return "suppressed"
	}
	return fmt.Sprint(c.Persons)
}

func bar(c counts.Cell, most int64) string {
	if c.Suppressed {
		return ""
	}
	return strings.Repeat("#", int(max(1, c.Persons*barWidth/most)))
}

// classText says what the table is in law, and by which tests.
func classText(t counts.Table) string {
	if t.Class != counts.Anonymous {
		return string(t.Class)
	}
	line := fmt.Sprintf("%s; tests passed: %s; cells of %d persons and more", t.Class, words(t.Tests), t.Threshold)
	if t.Method == counts.Suppression {
		line += ", some of them left out to cover smaller ones"
	}
	if t.MaxCells == 1 {
		line += "; a person counts in one cell"
	} else {
		line += fmt.Sprintf("; a person counts in %d cells at most", t.MaxCells)
	}
	if t.Rounding > 1 {
		line += fmt.Sprintf("; rounded to %d", t.Rounding)
	}
	if t.Method == counts.Noise {
		line += fmt.Sprintf("; noise with epsilon %s and delta %s", t.Epsilon, t.Delta)
	}
	return line
}

// roundedText says what a reader must know before he adds figures up.
func roundedText(tables []counts.Table) string {
	base := int64(1)
	for _, t := range tables {
		base = max(base, t.Rounding)
	}
	if base == 1 {
		return ""
	}
	return fmt.Sprintf("Figures are persons. Each is rounded up or down to a multiple of %d by chance and by itself, so cells need not add up to a total.", base)
}

func openedFields(list []counts.Opened) []domain.Field {
	out := []domain.Field{}
	for _, o := range list {
		out = append(out, o.Field)
	}
	return out
}

func openedText(list []counts.Opened) string {
	return words(openedFields(list))
}

func budgetText(m counts.Published) string {
	if m.Budget == 0 {
		return ""
	}
	spent := counts.Billionths(0)
	for _, t := range m.Tables {
		spent += t.Epsilon
	}
	return fmt.Sprintf("epsilon %s of %s spent", spent, m.Budget)
}

func monthJSON(m statistics.Month, tables bool) map[string]any {
	out := map[string]any{"period": m.Period, "class": counts.Anonymous, "published": when(m.At), "recorded": when(m.Recorded), "actor": actor(m.Actor),
		"purpose": m.Purpose, "grounds": m.Grounds, "service": m.Service, "policy": m.Policy, "event": m.Event, "plan": m.Plan,
		"opened": openedFields(m.Opened), "budget": m.Budget.String()}
	if tables {
		out["tables"] = tablesJSON(m.Tables)
	}
	return out
}

func tablesJSON(tables []counts.Table) []map[string]any {
	out := []map[string]any{}
	for _, t := range tables {
		cells := []map[string]any{}
		for _, c := range t.Cells {
			cell := map[string]any{"labels": c.Labels}
			if c.Suppressed {
				cell["suppressed"] = true
			} else {
				cell["persons"] = c.Persons
			}
			cells = append(cells, cell)
		}
		table := map[string]any{"id": t.ID, "title": t.Title, "by": t.By, "cells": cells, "withheld": t.Withheld, "method": t.Method,
			"maxCells": t.MaxCells, "threshold": t.Threshold, "rounding": t.Rounding, "additive": t.Method == counts.Noise, "class": t.Class, "tests": t.Tests}
		if !t.Withheld {
			table["total"] = t.Total
		}
		if t.Method == counts.Noise {
			table["epsilon"], table["delta"] = t.Epsilon.String(), t.Delta.String()
		}
		out = append(out, table)
	}
	return out
}
