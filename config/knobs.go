package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Knob describes one setting.
type Knob struct {
	// Name is its name in the file, dotted.
	Name string
	// Flag is the flag that sets it, without dashes; empty when none does.
	Flag string
	// Default is its value when nothing is said.
	Default any
	// Doc is one sentence, with the unit.
	Doc string
	// Secret keeps its value from being shown.
	Secret bool
	// Address is a URL, which is shown without its secrets.
	Address bool
}

// Variable is the environment variable that sets it.
func (k Knob) Variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_"))
}

// show gives the value as a person may see it.
func (k Knob) show(value string) string {
	if k.Secret && value != "" {
		return notShown
	}
	if k.Address {
		return Redacted(value)
	}
	return value
}

// read gives a value as the sources have it in the kind of the default, which stands for what is missing and, with
// an error, for what is of another kind. An address is not quoted, it may hold a secret.
func (k Knob) read(value any) (any, error) {
	_, number := k.Default.(int)
	switch x := value.(type) {
	case nil:
		return k.Default, nil
	case string:
		if !number {
			return x, nil
		}
		if n, err := strconv.Atoi(x); err == nil {
			return n, nil
		}
	case int:
		if number {
			return x, nil
		}
		return strconv.Itoa(x), nil
	case bool, int64, uint64, float64:
		if !number {
			return fmt.Sprint(x), nil
		}
	}
	switch {
	case k.Address || k.Secret:
		return k.Default, errors.New("it is no text")
	case number:
		return k.Default, fmt.Errorf("%s is no whole number; want %s", quote(value), k.Doc)
	}
	return k.Default, fmt.Errorf("%s is no text; want %s", quote(value), k.Doc)
}

// quote shows the beginning of a value.
func quote(value any) string {
	const most = 40
	text := []rune(fmt.Sprint(value))
	if len(text) > most {
		text = append(text[:most], []rune("...")...)
	}
	return strconv.Quote(string(text))
}

// Knobs lists every setting, in the order of Config.
func Knobs() []Knob {
	d := Default()
	return []Knob{
		{Name: "dir", Flag: "dir", Default: d.Dir, Doc: "data folder of the embedded ledger (path)"},
		{Name: "store.url", Address: true, Default: d.Store.URL, Doc: "log in EventStoreDB (esdb://...); empty: the embedded log"},
		{Name: "keys.url", Address: true, Default: d.Keys.URL, Doc: "keys in PostgreSQL (postgres://...); empty: keys.db"},
		{Name: "keys.backup_life", Default: d.Keys.BackupLife, Doc: "how long a backup of the keys is kept at most, for certificates of erasure (days, 1 to 3650)"},
		{Name: "answers.url", Address: true, Default: d.Answers.URL, Doc: "read models in PostgreSQL (postgres://...); empty: read.db"},
		{Name: "kms.url", Address: true, Default: d.KMS.URL, Doc: "key that wraps the keys (awskms://, gcpkms://, azurekeyvault://, hashivault://); empty: local.key"},
		{Name: "policy", Flag: "policy", Default: d.Policy, Doc: "policy file to obey (path); empty: the embedded policy"},
		{Name: "act.actor", Flag: "actor", Default: d.Act.Actor, Doc: "who acts when a command does not say it (kind:code)"},
		{Name: "act.purpose", Flag: "purpose", Default: d.Act.Purpose, Doc: "purpose when a command does not say it (name in the policy)"},
		{Name: "act.grounds", Flag: "grounds", Default: d.Act.Grounds, Doc: "legal basis when a command does not say it (name in the policy)"},
		{Name: "act.service", Flag: "service", Default: d.Act.Service, Doc: "service when a command does not say it (name in the policy)"},
		{Name: "act.role", Flag: "role", Default: d.Act.Role, Doc: "role under which personal values are opened (word)"},
		{Name: "import.batch", Default: d.Import.Batch, Doc: "lines handed to the ledger at once (1 to 100000)"},
		{Name: "import.line_limit", Default: d.Import.LineLimit, Doc: "longest line an import takes, without its end; a longer one is rejected (bytes, 1024 to 1048576; default 65536, of import events 1048576)"},
		{Name: "log.level", Flag: "log-level", Default: d.Log.Level, Doc: "least severe talk on standard error (debug, info, warn, error)"},
	}
}

func knob(name string) (Knob, bool) {
	for _, k := range Knobs() {
		if k.Name == name {
			return k, true
		}
	}
	return Knob{}, false
}

func names() []string {
	var out []string
	for _, k := range Knobs() {
		out = append(out, k.Name)
	}
	return out
}

// hint proposes the nearest known name when it is near enough to be a slip.
func hint(name string, known []string) string {
	if i := slices.IndexFunc(known, func(k string) bool { return strings.HasPrefix(k, name+".") }); i >= 0 {
		return fmt.Sprintf("; it is a section, with %s and so on", known[i])
	}
	best, least := "", len(name)/3+2
	for _, k := range known {
		d := distance(name, k)
		if last := k[strings.LastIndexByte(k, '.')+1:]; last == name {
			d = 0
		}
		if d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return fmt.Sprintf("; known are %s", strings.Join(known, ", "))
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the number of single-character edits between two words (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
