package esdbtest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// filter decides which records of $all a read shows; nil shows all.
type filter func(*entry) bool

func (f filter) allows(e *entry) bool { return f == nil || f(e) }

// filterSpec is a filter with the pace of its checkpoints.
type filterSpec struct {
	keep     filter
	window   int // records considered in one page of search
	interval int // considered records after which a checkpoint is due; 0 never
}

var errFilter = errors.New("the filter needs a regular expression or prefixes, not both")

// parseFilter compiles the filter of a request. The default window is 32, also for "no window".
func parseFilter(opts *streams.ReadReq_Options_FilterOptions) (filterSpec, error) {
	spec := filterSpec{window: pageSize}
	if opts == nil {
		return spec, nil
	}
	field, expr := func(e *entry) string { return e.stream }, opts.GetStreamIdentifier()
	if typ := opts.GetEventType(); typ != nil {
		field, expr = func(e *entry) string { return e.typ }, typ
	}
	match, err := parseExpression(expr)
	if err != nil {
		return spec, err
	}
	spec.keep = func(e *entry) bool { return match(field(e)) }
	if w, ok := opts.GetWindow().(*streams.ReadReq_Options_FilterOptions_Max); ok {
		spec.window = int(w.Max)
	}
	if spec.window < 1 {
		return spec, fmt.Errorf("search window %d", spec.window)
	}
	spec.interval = spec.window * int(opts.GetCheckpointIntervalMultiplier())
	return spec, nil
}

func parseExpression(expr *streams.ReadReq_Options_FilterOptions_Expression) (func(string) bool, error) {
	prefixes, pattern := expr.GetPrefix(), expr.GetRegex()
	if (len(prefixes) == 0) == (pattern == "") {
		return nil, errFilter
	}
	if pattern != "" {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("filter: %w", err)
		}
		return re.MatchString, nil
	}
	return func(s string) bool {
		for _, p := range prefixes {
			if strings.HasPrefix(s, p) {
				return true
			}
		}
		return false
	}, nil
}
