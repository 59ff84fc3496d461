package statistics

import (
	"strconv"

	"imagine.ua/litopys/domain"
)

// Digest tells two commands apart by everything but time, key, correlation and causation; see
// domain.Content. The buffer is scratch memory and comes back for the next call.
func Digest(cmd Publish, buffer []byte) (string, []byte) {
	c := domain.NewContent(buffer, cmd.Name(), cmd.By().Spec())
	c.Text("period", string(cmd.Period))
	c.Text("plan", cmd.Plan)
	c.Text("budget", cmd.Budget.String())
	for _, o := range cmd.Opened {
		domain.ContentList(c, "opened", []string{string(o.Field)})
	}
	for _, t := range cmd.Tables {
		t.content(c)
	}
	return c.Digest(), c.Buffer()
}

func (t Table) content(c *domain.Content) {
	domain.ContentList(c, "table", []string{t.ID, t.Title, string(t.Method), number(t.Total), number(t.MaxCells), number(t.Threshold),
		number(t.Rounding), t.Epsilon.String(), t.Delta.String(), string(t.Class)})
	c.Flag("withheld", t.Withheld)
	domain.ContentList(c, "by", t.By)
	domain.ContentList(c, "tests", t.Tests)
	for _, cell := range t.Cells {
		domain.ContentList(c, "labels", cell.Labels)
		if !cell.Suppressed {
			c.Text("persons", number(cell.Persons))
		}
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
