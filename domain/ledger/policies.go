package ledger

import (
	"context"
	"fmt"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// policyAge is how long a ledger goes by the versions that it has read. Another process that publishes one is
// heard of within it; a version that takes effect at a later day is never missed.
const policyAge = time.Minute

// policies are the versions by which commands are decided: those of the configuration and those that the log
// holds. It is never changed.
type policies struct {
	configured policy.InForce
	published  *policy.Set // nil: none
	editions   []*policy.Policy
	revision   domain.Revision
	read       time.Time
}

// At gives the version in force at t: the one that began last.
func (k *policies) At(t time.Time) (*policy.Policy, bool) {
	c, ok := k.configured.At(t)
	if k.published == nil {
		return c, ok
	}
	if p, found := k.published.At(t); found && (!ok || !p.EffectiveFrom.Before(c.EffectiveFrom.Time)) {
		return p, true
	}
	return c, ok
}

// versions lists all of them; of a configuration that does not list its own, the one at t.
func (k *policies) versions(t time.Time) (*policy.Set, error) {
	var configured []*policy.Policy
	switch c := k.configured.(type) {
	case *policy.Policy:
		configured = []*policy.Policy{c}
	case *policy.Set:
		configured = c.Versions()
	default:
		if p, ok := c.At(t); ok {
			configured = []*policy.Policy{p}
		}
	}
	return policy.Join(configured, k.editions)
}

// Policies gives every version that the ledger knows: those of its configuration and those that were
// published. Events name theirs; Set.ByVersion gives its text.
func (l *Ledger) Policies(ctx context.Context) (*policy.Set, error) {
	k, err := l.inForce(ctx)
	if err != nil {
		return nil, err
	}
	return k.versions(l.cfg.Clock())
}

// inForce gives the versions, read again from the log when they are old.
func (l *Ledger) inForce(ctx context.Context) (*policies, error) {
	now := l.cfg.Clock()
	k := l.known.Load()
	if k != nil && now.Sub(k.read).Abs() < policyAge {
		return k, nil
	}
	if k != nil && !l.reading.TryLock() {
		return k, nil // somebody reads already
	}
	if k == nil {
		l.reading.Lock()
	}
	defer l.reading.Unlock()
	if newer := l.known.Load(); newer != nil && newer != k {
		return newer, nil
	}
	k, err := l.readPolicies(ctx, k, now)
	if err != nil {
		return nil, fmt.Errorf("read the published policy: %w", err)
	}
	l.known.Store(k)
	return k, nil
}

// readPolicies reads what was published after k, or all when k is nil.
func (l *Ledger) readPolicies(ctx context.Context, k *policies, now time.Time) (*policies, error) {
	next := policies{configured: l.cfg.Policy, revision: domain.NoStream}
	if k != nil {
		next = *k
	}
	next.read = now
	current, ok := l.cfg.Policy.At(now)
	if !ok {
		return &next, nil // nothing is in force, so nothing was published under it
	}
	editions := next.editions[:len(next.editions):len(next.editions)]
	for rec, err := range l.journal.Events(ctx, domain.PolicyStream(current.Name), next.revision) {
		if err != nil {
			return nil, err
		}
		next.revision = rec.Revision
		e, ok := rec.Event.(policy.Published)
		if !ok {
			continue
		}
		p, err := e.Edition()
		if err != nil {
			return nil, err
		}
		editions = append(editions, p)
	}
	if len(editions) == len(next.editions) {
		return &next, nil
	}
	set, err := policy.NewSet(editions...)
	if err != nil {
		return nil, err
	}
	next.editions, next.published = editions, set
	return &next, nil
}

// heard makes the next command read the published versions: this process has published one. It waits for who
// reads them now, so that what he read before the publication does not stand after it.
func (l *Ledger) heard() {
	l.reading.Lock()
	defer l.reading.Unlock()
	l.known.Store(nil)
}
