package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// kinds says what the flags of the flags library want, by the types that it gives them. A flag of ours says it itself.
var kinds = map[string]string{
	"float64": "a number, for example 0.5",
	"bool":    "true or false",
}

// wanted says what a flag wants, or nothing where every text is taken.
func wanted(v pflag.Value) string {
	if own, ok := v.(interface{ wants() string }); ok {
		return own.wants()
	}
	return kinds[v.Type()]
}

// mistake says what is wrong with a command line, without what the standard library calls it within.
func mistake(err error) string {
	var value *pflag.InvalidValueError
	if !errors.As(err, &value) {
		return err.Error()
	}
	want := wanted(value.GetFlag().Value)
	if want == "" {
		return err.Error()
	}
	return fmt.Sprintf("--%s: %q is not %s", value.GetFlag().Name, shorten(value.GetValue()), want)
}
