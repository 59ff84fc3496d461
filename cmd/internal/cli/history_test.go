package cli

import (
	"errors"
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections/history"
)

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestLateness: what was recorded long after it happened is late, and what stands below something that is later by
// the times that are shown.
func TestLateness(t *testing.T) {
	t.Parallel()
	var l lateness
	for i, step := range []struct {
		occurred, recorded string
		late               bool
	}{
		{"2026-01-01T10:00:00Z", "2026-01-01T10:00:00.01Z", false},
		{"2026-01-01T10:00:30Z", "2026-01-01T10:01:29.999999Z", false},
		{"2026-01-01T10:00:30Z", "2026-01-01T10:01:30Z", true},
		{"2026-01-01T10:00:29Z", "2026-01-01T10:00:31Z", true},
		{"2026-01-01T10:00:31Z", "2026-01-01T10:00:31Z", false},
		{"2026-01-01T10:00:31.9Z", "2026-01-01T10:00:32Z", false},
		{"2026-01-01T10:00:31.1Z", "2026-01-01T10:00:32Z", false},
		{"2025-12-01T00:00:00Z", "2026-01-01T10:05:00Z", true},
		{"2026-01-01T10:05:00Z", "2026-01-01T10:05:00Z", false},
	} {
		if got := l.late(history.Entry{Occurred: moment(t, step.occurred), Recorded: moment(t, step.recorded)}); got != step.late {
			t.Errorf("entry %d of %s, recorded %s: late is %v, want %v", i+1, step.occurred, step.recorded, got, step.late)
		}
	}
}

// TestMomentGone: a moment that has not come is refused; of today, now is told.
func TestMomentGone(t *testing.T) {
	t.Parallel()
	now := moment(t, "2026-03-01T12:00:00Z")
	for text, want := range map[string]string{
		"2026-02-28":           "2026-02-28T23:59:59.999999Z",
		"2026-03-01":           "2026-03-01T12:00:00Z",
		"2026-03-01T12:00:00Z": "2026-03-01T12:00:00Z",
		"2026-03-01T12:00:01Z": "",
		"2026-03-02":           "",
		"2999-01-01":           "",
		"noon":                 "",
	} {
		at, err := momentGone("--as-of", text, now)
		if want == "" {
			if !errors.Is(err, errUsage) {
				t.Errorf("%s gives %v, %v; want it refused", text, at, err)
			}
			continue
		}
		if err != nil || !at.Equal(moment(t, want)) {
			t.Errorf("%s gives %v, %v; want %s", text, at, err, want)
		}
	}
	if at, err := momentGone("--as-of", "", now); err != nil || !at.IsZero() {
		t.Errorf("no moment gives %v, %v", at, err)
	}
}

func TestParseActor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]domain.Actor{
		"":               {},
		"e-17":           {ID: "e-17"},
		"employee:e-17":  {Kind: domain.ActorEmployee, ID: "e-17"},
		"system:ad:shop": {Kind: domain.ActorSystem, ID: "ad:shop"},
	} {
		code, kind, err := parseActor(text)
		if err != nil || code != want.ID || kind != want.Kind {
			t.Errorf("%q gives %s, %s, %v; want %v", text, kind, code, err, want)
		}
	}
	for _, text := range []string{"zz:1", "bogus:e", "ad:shop", "employee:", ":e-17", "e 17"} {
		if code, kind, err := parseActor(text); !errors.Is(err, errUsage) {
			t.Errorf("%q gives %s, %s, %v; want it refused", text, kind, code, err)
		}
	}
}

func TestCountFlag(t *testing.T) {
	t.Parallel()
	n := uint64(5)
	c := &count[uint64]{to: &n, least: 3, most: 30}
	for _, text := range []string{"-1", "2", "31", "x", "", "1.5", "99999999999999999999"} {
		if err := c.Set(text); err == nil || n != 5 {
			t.Errorf("%q is taken as %d, %v", text, n, err)
		}
	}
	if err := c.Set("17"); err != nil || n != 17 || c.String() != "17" {
		t.Errorf("17 is taken as %d, %v", n, err)
	}
	if got := (&count[int]{}).String(); got != "0" {
		t.Errorf("no number shows as %q", got)
	}
}
