package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"imagine.ua/litopys/domain"
)

// maxSource bounds a published version: its event must fit one append of the log, escaped as JSON.
const maxSource = 300 << 10

// State is which versions of a policy the log holds.
type State struct{ editions []Edition }

// Edition is what is known of a published version beside its text.
type Edition struct {
	Version       string
	TextHash      string
	EffectiveFrom time.Time
}

// Editions lists what was published, in the order of publication.
func (s State) Editions() []Edition { return slices.Clone(s.editions) }

// Weight estimates the bytes that the state holds beyond its own struct, for caches.
func (s State) Weight() int { return 160 * len(s.editions) }

func (s State) holds(version string) bool {
	return slices.ContainsFunc(s.editions, func(e Edition) bool { return e.Version == version })
}

// Case is a publication with what its decision needs from outside the stream, as data.
type Case struct {
	Command Publish
	// InForce is the version in force when it happened.
	InForce *Policy
	// Known are the versions that the ledger decides by, whether from the log or from its configuration.
	Known []*Policy
}

// Decider gives the aggregate's functions.
func Decider() domain.Decider[Case, State, Event] {
	return domain.Decider[Case, State, Event]{
		Initial: func() State { return State{} },
		Decide:  Decide,
		Evolve:  Evolve,
	}
}

// Evolve folds one event into the state and gives the new one. It is total.
func Evolve(s State, e Event) State {
	if e, ok := e.(Published); ok {
		s.editions = append(slices.Clone(s.editions), Edition{Version: e.Version, TextHash: e.TextHash, EffectiveFrom: e.EffectiveFrom})
	}
	return s
}

// Decide gives the event that records the publication, or a *domain.Refusal (clause 6.1).
func Decide(c Case, s State) ([]Event, error) {
	if c.InForce == nil {
		return nil, input("operation.incomplete", "3.4", "give the policy in force", "the case has no policy")
	}
	if err := c.InForce.Permit(c.Command.Operation); err != nil {
		return nil, err
	}
	p, err := c.Command.load()
	if err != nil {
		return nil, err
	}
	if p.Name != c.InForce.Name {
		return nil, domain.Refuse("policy.name", "6.1", "publish a version of the policy in force", "the file is of another policy than %s", c.InForce.Name)
	}
	if s.holds(p.Version) {
		return nil, domain.Refuse("policy.version", "6.1", "give the new text a new version", "version %s is published already", p.Version).WithKind(domain.Conflict)
	}
	from, err := c.effective(p)
	if err != nil {
		return nil, err
	}
	if err := c.agrees(p); err != nil {
		return nil, err
	}
	return []Event{Published{Policy: p.Name, Version: p.Version, TextHash: p.TextHash, EffectiveFrom: from, Source: c.Command.Source}}, nil
}

func (cmd Publish) load() (*Policy, error) {
	if len(cmd.Source) > maxSource {
		return nil, input("policy.invalid", "6.1", fmt.Sprintf("keep it under %d bytes", maxSource), "the file is too long to be recorded whole")
	}
	p, err := Load([]byte(cmd.Source))
	var invalid *InvalidError
	if errors.As(err, &invalid) && len(invalid.Problems) > 0 {
		return nil, domain.Refuse("policy.invalid", "6.1", "see: litopys policy check FILE", "the file has %d problem(s), the first: %s",
			len(invalid.Problems), invalid.Problems[0]).WithKind(domain.Input)
	}
	if err != nil {
		return nil, input("policy.invalid", "6.1", "see: litopys policy check FILE", "the file is not a policy")
	}
	return p, nil
}

// effective gives the first moment at which the version holds. One that begins on the day of its posting
// holds from the posting; none holds before it, or what was decided meanwhile was decided by other rules than
// the log says. Only a version that the ledger decides by already, by its configuration, is recorded late.
func (c Case) effective(p *Policy) (time.Time, error) {
	posted, from := c.Command.Operation.Spec().At, p.EffectiveFrom.UTC()
	if i := slices.IndexFunc(c.Known, func(k *Policy) bool { return k.Version == p.Version }); i >= 0 {
		known := c.Known[i]
		if known.TextHash != p.TextHash || !known.EffectiveFrom.Equal(from) {
			return from, domain.Refuse("policy.version", "6.1", "give the new text a new version", "version %s is in use with another text or date", p.Version).WithKind(domain.Conflict)
		}
		return from, nil
	}
	if from.Before(posted) {
		if posted.Sub(from) >= 24*time.Hour {
			return from, domain.Refuse("policy.backdated", "6.1", "let it begin today or later", "the version would hold before it is posted")
		}
		from = posted
	}
	for _, k := range c.Known {
		if k.EffectiveFrom.Equal(from) {
			return from, domain.Refuse("policy.effective", "6.1", "let it begin on another date", "version %s begins at the same moment", k.Version).WithKind(domain.Conflict)
		}
	}
	return from, nil
}

// agrees refuses a version under which values that are held could not be understood any more: the nature of a
// field says how its values are numbered, its form how they are found.
func (c Case) agrees(p *Policy) error {
	for i := range p.Fields {
		f := &p.Fields[i]
		was, known := c.InForce.Field(f.ID)
		switch {
		case known && was.Kind != f.Kind:
			return domain.Refuse("policy.field-kind", "6.1", "give the new kind of data a new field", "the field %s was of the kind %s", f.ID, was.Kind)
		case known && was.Form != f.Form, !known && f.Findable():
			return domain.Refuse("policy.findable", "6.1", "leave findable as it is; a new findable field needs the index to be made anew", "the field %s would be found in another way", f.ID)
		}
	}
	return nil
}

// Digest tells two publications apart by everything but time, key, correlation and causation; see
// domain.Content. The buffer is scratch memory and comes back for the next call.
func Digest(cmd Publish, buffer []byte) (string, []byte) {
	c := domain.NewContent(buffer, cmd.Name(), cmd.By().Spec())
	sum := sha256.Sum256([]byte(cmd.Source))
	c.Text("source", hex.EncodeToString(sum[:]))
	return c.Digest(), c.Buffer()
}

// Edition gives the version that was published, in force from the moment that was recorded. It fails only
// when this program does not understand a version that another one wrote.
func (e Published) Edition() (*Policy, error) {
	p, err := Load([]byte(e.Source))
	if err != nil {
		return nil, fmt.Errorf("published policy %s %s: %w", e.Policy, e.Version, err)
	}
	p.EffectiveFrom.Time = e.EffectiveFrom
	return p, nil
}

// Join gives the set of the versions of a configuration and of those that were published. A version that is
// in both is taken as it was published.
func Join(configured, published []*Policy) (*Set, error) {
	all := slices.Clone(published)
	for _, c := range configured {
		if !slices.ContainsFunc(published, func(p *Policy) bool { return p.Version == c.Version }) {
			all = append(all, c)
		}
	}
	return NewSet(all...)
}

func input(code, clause, remedy, message string) *domain.Refusal {
	return domain.Refuse(code, clause, remedy, "%s", message).WithKind(domain.Input)
}
