package policy

import (
	"strings"

	"imagine.ua/litopys/domain"
)

// Warning is a weakness of the policy itself. It refuses nothing; whoever runs the ledger should know it.
type Warning struct {
	Clause  string
	Message string
	Remedy  string
}

// Check names the weaknesses of the policy's own text that the ledger carries but cannot mend.
func (p *Policy) Check() []Warning {
	var w []Warning
	if p.Acceptance == "use" {
		w = append(w, Warning{
			Clause:  "preamble",
			Message: "the policy is accepted by use alone, which is weak consent",
			Remedy:  "rest nothing that needs consent on acceptance; record consents with the text that was agreed to",
		})
	}
	for _, c := range p.Clauses {
		if c.ForeignLaw {
			w = append(w, Warning{
				Clause:  c.ID,
				Message: "the clause points to the law of another country beside the applicable one (" + string(p.GoverningLaw) + ")",
				Remedy:  "name acts of " + string(p.GoverningLaw) + " only as the basis of such transfers; have the clause corrected",
			})
		}
	}
	return w
}

// Permit checks what every operation says of itself: that the policy knows its service, purpose and
// grounds, and that the service's own section allows them (clauses 1.2, 2.2, 3.1). It gives nil or a
// *domain.Refusal.
func (p *Policy) Permit(op domain.Operation) error {
	if op.IsZero() {
		return domain.Refuse("operation.incomplete", "3.4", "build it with domain.NewOperation or ledger.Template",
			"the operation lacks key, actor, time, purpose, grounds or service").WithKind(domain.Input)
	}
	o := op.Spec()
	service, ok := p.Service(o.Service)
	if !ok {
		return unnamed("operation.service", "1.2", "service", string(o.Service), p.listServices())
	}
	if _, ok := p.Purpose(o.Purpose); !ok {
		return unnamed("operation.purpose", "2.2", "purpose", string(o.Purpose), p.listPurposes())
	}
	if _, ok := p.Ground(o.Grounds); !ok {
		return unnamed("operation.grounds", "3.4", "grounds", string(o.Grounds), p.listGrounds())
	}
	if len(service.Purposes) > 0 && !has(service.Purposes, o.Purpose) {
		return domain.Refuse("service.purpose", "3.1", "use a service that serves this purpose",
			"the service %s does not process data for the purpose %s", o.Service, o.Purpose)
	}
	if len(service.Grounds) > 0 && !has(service.Grounds, o.Grounds) {
		return domain.Refuse("service.grounds", "3.1", "use other grounds or another service",
			"the service %s does not rest on the grounds %s", o.Service, o.Grounds)
	}
	return nil
}

// unnamed refuses a word that the policy does not name. The word itself is not repeated: it came from
// outside and could be anything.
func unnamed(code, clause, what, got, known string) *domain.Refusal {
	shown := "what was given"
	if len(got) <= 48 && groundPattern.MatchString(got) {
		shown = got
	}
	return domain.Refuse(code, clause, "use one of: "+known, "the policy does not name %s as %s", shown, what).WithKind(domain.Unknown)
}

func (p *Policy) listServices() string {
	return join(p.Services, func(s Service) string { return string(s.ID) })
}

func (p *Policy) listPurposes() string {
	return join(p.Purposes, func(x Purpose) string { return string(x.ID) })
}

func (p *Policy) listGrounds() string {
	return join(p.Grounds, func(x Ground) string { return string(x.ID) })
}

func join[T any](list []T, name func(T) string) string {
	names := make([]string, len(list))
	for i, x := range list {
		names[i] = name(x)
	}
	return strings.Join(names, ", ")
}
