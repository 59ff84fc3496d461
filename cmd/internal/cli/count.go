package cli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

// count is a flag that takes a whole number within bounds. What is wrong with a value is for mistake to tell, in the
// words of wants.
type count[T int | int64 | uint64] struct {
	to          *T
	least, most int64 // most 0: no bound
}

// addCount adds a flag whose number is what to holds until it is given.
func addCount[T int | int64 | uint64](flags *pflag.FlagSet, to *T, name string, least, most int64, usage string) {
	flags.Var(&count[T]{to, least, most}, name, usage)
}

// String gives the number; help leaves 0 out as a default.
func (c *count[T]) String() string {
	if c.to == nil {
		return "0"
	}
	return strconv.FormatInt(int64(*c.to), 10)
}

// Set reads the number.
func (c *count[T]) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, strconv.IntSize)
	if err != nil || n < c.least || c.most > 0 && n > c.most {
		return errors.New("want " + c.wants())
	}
	*c.to = T(n)
	return nil
}

// Type is what help calls the value.
func (c *count[T]) Type() string { return "number" }

func (c *count[T]) wants() string {
	if c.most > 0 {
		return fmt.Sprintf("a whole number from %d to %d", c.least, c.most)
	}
	return fmt.Sprintf("a whole number from %d", c.least)
}
