package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// kinds says of what kind the value of a flag is, by the type that the flags library gives it, with an example.
var kinds = map[string]string{
	"int":      "a whole number, for example 5",
	"int64":    "a whole number, for example 5",
	"uint64":   "a whole number from 0, for example 5",
	"float64":  "a number, for example 0.5",
	"duration": "a length of time, for example 90s or 1h30m",
	"bool":     "true or false",
}

// mistake says what is wrong with a command line, without what the standard library calls it within.
func mistake(err error) string {
	var value *pflag.InvalidValueError
	if !errors.As(err, &value) {
		return err.Error()
	}
	want, ok := kinds[value.GetFlag().Value.Type()]
	if !ok {
		return err.Error()
	}
	return fmt.Sprintf("--%s: %q is not %s", value.GetFlag().Name, shorten(value.GetValue()), want)
}
