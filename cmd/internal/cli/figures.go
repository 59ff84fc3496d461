package cli

import (
	"fmt"
	"strings"

	counts "imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/projections/statistics"
)

// barWidth is the length of the longest bar.
const barWidth = 32

// figures prints tables with bars, each with its class and tests.
func (p *program) figures(tables []counts.Table) error {
	for _, t := range tables {
		p.heading(t.Title)
		if t.Withheld {
			fmt.Fprintln(p.Out, "withheld: too few persons to show anything without showing one of them")
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
			if len(t.Cells) > 0 {
				fmt.Fprintf(p.Out, "total %d\n", t.Total)
			}
		}
		fmt.Fprintf(p.Out, "[%s] %s\n", t.ID, classText(t))
	}
	if len(tables) == 0 {
		fmt.Fprintln(p.Out, "no such table")
	}
	return nil
}

// nobody says why a table has no cell. With noise the absence of a cell tells nothing.
func nobody(t counts.Table) string {
	if t.Method == counts.Noise {
		return "no cell lies above the threshold"
	}
	return "nobody"
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
	text := fmt.Sprintf("%s; tests passed: %s; cells of %d persons and more", t.Class, words(t.Tests), t.Threshold)
	if t.MaxCells == 1 {
		text += "; a person counts in one cell"
	} else {
		text += fmt.Sprintf("; a person counts in %d cells at most", t.MaxCells)
	}
	if t.Rounding > 1 {
		text += fmt.Sprintf("; rounded to %d", t.Rounding)
	}
	if t.Method == counts.Noise {
		text += fmt.Sprintf("; noise with epsilon %s and delta %s", t.Epsilon, t.Delta)
	}
	return text
}

func openedText(list []counts.Opened) string {
	var out []string
	for _, o := range list {
		out = append(out, fmt.Sprintf("%s (%d)", o.Field, o.Values))
	}
	return strings.Join(out, ", ")
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
	opened := []map[string]any{}
	for _, o := range m.Opened {
		opened = append(opened, map[string]any{"field": o.Field, "values": o.Values})
	}
	out := map[string]any{"period": m.Period, "class": counts.Anonymous, "published": when(m.At), "recorded": when(m.Recorded), "actor": actor(m.Actor),
		"purpose": m.Purpose, "grounds": m.Grounds, "service": m.Service, "policy": m.Policy, "event": m.Event, "plan": m.Plan,
		"counted": m.Counted, "opened": opened, "budget": m.Budget.String()}
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
			cell := map[string]any{"labels": c.Labels, "suppressed": c.Suppressed}
			if !c.Suppressed {
				cell["persons"] = c.Persons
			}
			cells = append(cells, cell)
		}
		table := map[string]any{"id": t.ID, "title": t.Title, "by": t.By, "cells": cells, "withheld": t.Withheld, "method": t.Method,
			"maxCells": t.MaxCells, "threshold": t.Threshold, "rounding": t.Rounding, "class": t.Class, "tests": t.Tests}
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
