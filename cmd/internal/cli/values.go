package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	json "github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// valueFlags are how personal values come in.
type valueFlags struct {
	set  []string
	from string
}

// maxValues bounds what --set-from reads, in bytes.
const maxValues = 16 << 20

const valuesHelp = `
Personal values given with --set can be seen by every user of this machine while the command runs, and stay
in the history of the shell. --set-from FILE (or - for standard input) avoids both: one field=value a line,
or one JSON object {"field": "value", ...}.`

func addValues(cmd *cobra.Command, v *valueFlags) {
	cmd.Flags().StringArrayVar(&v.set, "set", nil, "field=value, repeatable (visible to other users of this machine: prefer --set-from)")
	cmd.Flags().StringVar(&v.from, "set-from", "", "read values from a file, or from standard input with -")
	cmd.Long += "\n" + valuesHelp
}

// values gives the values in the order of their fields.
func (p *program) values(v valueFlags) ([]subject.Given, error) {
	given := map[string]string{}
	add := func(field, value string) error {
		if _, twice := given[field]; twice {
			return usage("give each field once", "%s is given twice", fieldName(field))
		}
		given[field] = value
		return nil
	}
	for _, pair := range v.set {
		field, value, ok := strings.Cut(pair, "=")
		if !ok || field == "" {
			return nil, usage("for example --set email=olena@example.org", "--set wants field=value")
		}
		if err := add(field, value); err != nil {
			return nil, err
		}
	}
	if v.from != "" {
		text, err := p.readAll(v.from, maxValues)
		if err != nil {
			return nil, err
		}
		if err := parseValues(text, add); err != nil {
			return nil, err
		}
	}
	var out []subject.Given
	for _, field := range slices.Sorted(maps.Keys(given)) {
		out = append(out, subject.Given{Field: domain.Field(field), Value: domain.ClearValue(given[field])})
	}
	return out, nil
}

// fieldName shows a field in a message. What does not look like a name may be a value in the wrong place.
func fieldName[T ~string](field T) string {
	if field == "" || len(field) > 48 || strings.Trim(string(field), "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return "the field that was given"
	}
	return "the field " + string(field)
}

func parseValues(text []byte, add func(field, value string) error) error {
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		var object map[string]string
		if json.Unmarshal(trimmed, &object) != nil {
			return usage(`write {"field": "value", ...}`, "--set-from: the JSON is malformed, has a name twice or a value that is no text")
		}
		for _, field := range slices.Sorted(maps.Keys(object)) {
			if err := add(field, object[field]); err != nil {
				return err
			}
		}
		return nil
	}
	scanner := bufio.NewScanner(bytes.NewReader(text))
	scanner.Buffer(nil, maxValues+1)
	for number := 1; scanner.Scan(); number++ {
		if strings.TrimSpace(scanner.Text()) == "" {
			continue
		}
		field, value, ok := strings.Cut(scanner.Text(), "=")
		if !ok || field == "" {
			return usage("write one field=value a line", "--set-from: line %d is not field=value", number)
		}
		if err := add(field, value); err != nil {
			return err
		}
	}
	return scanner.Err()
}

// one gives the single value that a command takes, or none.
func (p *program) one(v valueFlags) (subject.Given, error) {
	given, err := p.values(v)
	switch {
	case err != nil || len(given) == 0:
		return subject.Given{}, err
	case len(given) > 1:
		return subject.Given{}, usage("give one", "%d values are given where one belongs", len(given))
	}
	return given[0], nil
}

// readAll reads a file, or standard input for "-", up to a limit.
func (p *program) readAll(path string, limit int64) ([]byte, error) {
	source := p.In
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		source = file
	}
	text, err := io.ReadAll(io.LimitReader(source, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(text)) > limit {
		return nil, usage("split it", "%s is longer than %d bytes", path, limit)
	}
	return text, nil
}

// fields turns words into field names; commas separate too.
func fields(words []string) []domain.Field { return named[domain.Field](words) }

func named[T ~string](words []string) []T {
	var out []T
	for _, w := range words {
		out = append(out, T(w))
	}
	return out
}
