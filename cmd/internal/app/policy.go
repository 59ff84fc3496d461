package app

import (
	"errors"
	"fmt"
	"os"

	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain/policy"
)

// PolicyError says that the configured policy file can't be read, or everything that is wrong in it. It is a
// config.ErrInvalid, whose Unwrap gives the problems.
type PolicyError struct {
	File     string
	Problems []error // each with file and line
}

// Error shows one problem a line.
func (e *PolicyError) Error() string { return "policy: " + errors.Join(e.Problems...).Error() }

// Is makes it a config.ErrInvalid.
func (e *PolicyError) Is(target error) bool { return target == config.ErrInvalid }

// Unwrap gives the problems.
func (e *PolicyError) Unwrap() []error { return e.Problems }

// Policy loads the policy that the configuration names. Its error is a *PolicyError.
func Policy(cfg config.Config) (*policy.Policy, error) {
	if cfg.Policy == "" {
		return policy.Imagine(), nil
	}
	text, err := os.ReadFile(cfg.Policy)
	if err != nil {
		return nil, &PolicyError{cfg.Policy, []error{err}}
	}
	p, err := policy.Load(text)
	var invalid *policy.InvalidError
	switch {
	case errors.As(err, &invalid):
		wrong := &PolicyError{File: cfg.Policy}
		for _, problem := range invalid.Problems {
			wrong.Problems = append(wrong.Problems, fmt.Errorf("%s: %s", cfg.Policy, problem))
		}
		return nil, wrong
	case err != nil:
		return nil, &PolicyError{cfg.Policy, []error{fmt.Errorf("%s: %w", cfg.Policy, err)}}
	}
	return p, nil
}
