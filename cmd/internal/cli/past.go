package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/transfers"
)

// The clocks of --as-of, as --by names them.
const (
	clockRecorded = "recorded"
	clockOccurred = "occurred"
)

// pastAnswer is a past with what it takes to tell it.
type pastAnswer struct {
	history.Past
	keeping history.Keeping
	policy  *policy.Policy // the configured one, for versions that the ledger has no publication of
	names   map[domain.RecipientID]string
}

// past answers: what did we hold on day D, on what ground, under which policy text, and who looked?
func (p *program) past(ctx context.Context, a *app.App, h *historyFlags, id domain.SubjectID) error {
	m, err := h.moment(p.now())
	if err != nil {
		return err
	}
	filter, err := h.filter()
	if err != nil {
		return err
	}
	past := pastAnswer{keeping: p.keeping(h), policy: a.Policy, names: map[domain.RecipientID]string{}}
	err = a.View(ctx, func(s projections.Snapshot) (err error) {
		if err = asked(ctx, a, s, id, filter); err != nil {
			return err
		}
		if past.Past, err = past.keeping.AsOf(ctx, s, id, m); err != nil {
			return err
		}
		cards, err := transfers.Recipients(ctx, s)
		for _, c := range cards {
			past.names[c.ID] = c.Name
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, list := range []*[]history.Entry{&past.Agreements, &past.Viewed, &past.Used, &past.Transferred, &past.Other} {
		*list = slices.DeleteFunc(*list, func(e history.Entry) bool { return !filter.Lets(e) })
		if n := len(*list); h.limit > 0 && n > h.limit {
			*list = (*list)[n-h.limit:] // the latest
		}
	}
	if p.json {
		return p.answer(pastJSON(past))
	}
	p.printPast(past)
	p.leftOut(past.LeftOut)
	return nil
}

func (p *program) printPast(past pastAnswer) {
	if !past.Known {
		fmt.Fprintf(p.Out, "nothing was known of this person at %s\n", cmp.Or(when(past.Moment.At), when(past.Moment.Known)))
		return
	}
	inForce, hash := past.inForce()
	pairs(p.Out, [2]string{"subject", past.Subject.String()}, [2]string{"as of", when(past.Moment.At)}, [2]string{"known at", when(past.Moment.Known)},
		[2]string{"accepted text", past.Policy}, [2]string{"its SHA-256", past.TextHash}, // short names: a hash that is wrapped can't be copied
		[2]string{"text in force", inForce}, [2]string{"its SHA-256", hash}, [2]string{"closed", when(past.Closed)})
	fmt.Fprintln(p.Out)
	g := grid{head: []string{"field", "epoch", "state", "status", "since", "grounds", "purpose", "policy"}, wide: []int{14, 9, 12, 10, 21, 9, 11, 8}}
	for _, held := range past.Holdings {
		state := string(held.State)
		switch {
		case held.State == history.Retained && held.Until.IsZero():
			state += " by " + held.Rule
		case held.State == history.Retained:
			state += " until " + held.Until.UTC().Format(time.DateOnly)
		}
		if held.Public {
			held.Status += ", public"
		}
		g.add(string(held.Field), string(held.Epoch), state, held.Status, past.since(held.Came), string(held.Came.Grounds), string(held.Came.Purpose), held.Came.Policy)
	}
	g.print(p.Out, "nothing had come in")
	p.printDone("Who looked", past, past.Viewed)
	p.printDone("To whom it went", past, past.Transferred)
	p.printDone("What it was used for", past, past.Used)
	p.printDone("Consents and orders", past, past.Agreements)
	p.printDone("What else happened", past, past.Other)
	fmt.Fprintf(p.Out, "\n%s\n", fitted(p.Out, fmt.Sprintf("consents and orders: %d entries; used %d times, viewed %d times, transferred %d times by then",
		len(past.Agreements), len(past.Used), len(past.Viewed), len(past.Transferred))))
	if past.Moment.Clock == history.ByOccurred && !past.Moment.At.IsZero() {
		fmt.Fprintln(p.Out, "*  recorded only after that moment")
	}
}

// since tells when an entry happened, with a mark where the ledger heard of it only after the moment.
func (p pastAnswer) since(e history.Entry) string {
	if p.Moment.Late(e) {
		return when(e.Occurred) + lateMark
	}
	return when(e.Occurred)
}

// printDone prints one list of what was done, unless it is empty.
func (p *program) printDone(title string, past pastAnswer, entries []history.Entry) {
	if len(entries) == 0 {
		return
	}
	p.heading(title)
	g := grid{head: []string{"when", "by", "why", "policy", "about"}, wide: []int{21, 14, 14, 8, 30}}
	for _, e := range entries {
		about := aboutEntry(e, nil)
		if name := past.names[e.Recipient]; name != "" {
			about = "to " + name + ": " + about
		}
		if title == "Consents and orders" || title == "What else happened" {
			about = strings.TrimSuffix(typeName(e.Type)+": "+about, ": ")
		}
		g.add(past.since(e), actor(e.Actor), string(e.Purpose)+" "+string(e.Grounds), e.Policy, about)
	}
	g.print(p.Out, "")
}

// inForce names the policy text of the moment and its hash: as published in the ledger or, where it knows no
// publication, the one under which the last of the holdings came in, if that is the configured one.
func (p pastAnswer) inForce() (version, hash string) {
	if text, found := p.InForce(); found {
		return text.Version, text.TextHash
	}
	var last time.Time
	for _, h := range p.Holdings {
		if !h.Came.Occurred.Before(last) {
			last, version = h.Came.Occurred, h.Came.Policy
		}
	}
	return version, p.textHash(version)
}

// textHash gives the SHA-256 of a version's text, or "" where nobody here knows it.
func (p pastAnswer) textHash(version string) string {
	if text, found := p.Text(version); found {
		return text.TextHash
	}
	if p.policy != nil && p.policy.Version == version {
		return p.policy.TextHash
	}
	return ""
}

func pastJSON(past pastAnswer) map[string]any {
	holdings := []map[string]any{}
	for _, h := range past.Holdings {
		holdings = append(holdings, map[string]any{"field": h.Field, "epoch": h.Epoch, "state": h.State, "status": h.Status, "public": h.Public,
			"since": when(h.Came.Occurred), "recorded": when(h.Came.Recorded), "late": past.Moment.Late(h.Came), "actor": actor(h.Came.Actor),
			"source": h.Came.Detail("source"), "grounds": h.Came.Grounds, "purpose": h.Came.Purpose, "service": h.Came.Service,
			"policy": h.Came.Policy, "textHash": past.textHash(h.Came.Policy), "event": h.Came.Event, "ended": when(h.Ended),
			"until": when(h.Until), "rule": h.Rule, "keepUntil": lastDay(past.keeping.Until(h.Came))})
	}
	list := func(entries []history.Entry) []map[string]any {
		out := []map[string]any{}
		for _, e := range entries {
			one := entryJSON(e, nil, past.keeping)
			one["late"], one["textHash"] = past.Moment.Late(e), past.textHash(e.Policy)
			out = append(out, one)
		}
		return out
	}
	version, hash := past.inForce()
	return map[string]any{"subject": past.Subject, "asOf": when(past.Moment.At), "knownAt": when(past.Moment.Known), "known": past.Known,
		"policy": past.Policy, "textHash": past.TextHash, "inForce": map[string]any{"policy": version, "textHash": hash},
		"closed": when(past.Closed), "holdings": holdings, "agreements": list(past.Agreements), "viewed": list(past.Viewed),
		"used": list(past.Used), "transferred": list(past.Transferred), "other": list(past.Other), "leftOut": past.LeftOut}
}
