package portable

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

//go:embed page.html
var page string

// WriteJSON writes the copy as one JSON object, indented, with keys in a fixed order.
func (c Copy) WriteJSON(w io.Writer) error {
	if err := json.MarshalWrite(w, c, json.Deterministic(true), jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true)); err != nil {
		return fmt.Errorf("write the copy: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// WriteHTML writes the copy as one page, in Ukrainian and English, that loads nothing from anywhere.
func (c Copy) WriteHTML(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{"when": when, "list": list}).Parse(page)
	if err != nil {
		return fmt.Errorf("the page: %w", err)
	}
	if err := t.Execute(w, c); err != nil {
		return fmt.Errorf("write the copy: %w", err)
	}
	return nil
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

func list(words []string) string { return strings.Join(words, ", ") }
