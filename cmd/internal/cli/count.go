package cli

import (
	"errors"
	"strconv"
)

// count is a flag that takes a whole number from 0 on, and says so when it is given something else.
type count[T int | int64 | uint64] struct{ to *T }

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
	if err != nil || n < 0 {
		return errors.New("want a whole number from 0")
	}
	*c.to = T(n)
	return nil
}

// Type is what help calls the value.
func (c *count[T]) Type() string { return "number" }
