//go:build !linux

package pgtest

import "errors"

func mountSmall(string, int) (func() error, error) { return nil, errors.ErrUnsupported }
