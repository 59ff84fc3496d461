package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/importer/wire"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
)

// act holds the flags of one operation that have no default in the configuration.
type act struct {
	key         string
	at          string
	correlation string
	causation   string
}

// addAct adds the flags that say who acts, when, why and under which key.
func addAct(cmd *cobra.Command, a *act) {
	flags := cmd.Flags()
	addWho(cmd)
	flags.StringVar(&a.key, "key", "", "idempotency key: repeating a command with the same key changes nothing (default: a new one, printed)")
	flags.StringVar(&a.at, "at", "", "when it happened, RFC 3339 (default: now)")
	flags.StringVar(&a.correlation, "correlation", "", "id of the undertaking that this belongs to")
	flags.StringVar(&a.causation, "causation", "", "id of the event or command that led to this")
}

// addWho adds the flags that say who acts and why. Their values come through the configuration.
func addWho(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.String("actor", "", "who acts, as kind:code (subject, employee, system, authority)")
	flags.String("purpose", "", "purpose, a name of the policy: see \"litopys policy show\"")
	flags.String("grounds", "", "legal basis, a name of the policy")
	flags.String("service", "", "service, a name of the policy")
}

// operation builds the operation from flags and configuration; who says nothing is told all that is missing.
func (p *program) operation(a act, who config.Act) (domain.Operation, error) {
	if err := whole(who); err != nil {
		return domain.Operation{}, err
	}
	spec := domain.OperationSpec{Key: a.key, At: p.now(), Purpose: domain.Purpose(who.Purpose),
		Grounds: domain.Grounds(who.Grounds), Service: domain.Service(who.Service)}
	var err error
	if spec.Actor, err = wire.ParseActor(who.Actor); err != nil {
		return domain.Operation{}, usage("for example --actor employee:e-17", "%s", err.Error())
	}
	if a.at != "" {
		if spec.At, err = parseTime("--at", a.at); err != nil {
			return domain.Operation{}, err
		}
	}
	if spec.Correlation, err = optionalID("--correlation", a.correlation); err != nil {
		return domain.Operation{}, err
	}
	if spec.Causation, err = optionalID("--causation", a.causation); err != nil {
		return domain.Operation{}, err
	}
	if spec.Key == "" {
		id, err := p.newID()
		if err != nil {
			return domain.Operation{}, fmt.Errorf("idempotency key: %w", err)
		}
		spec.Key = "cli-" + id.String()
	}
	operation, err := domain.NewOperation(spec)
	if err != nil {
		return domain.Operation{}, usage("correct the flags", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return operation, nil
}

// parseTime reads a moment (RFC 3339) or a date, which stands for its first moment in UTC.
func parseTime(flag, text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at.UTC(), nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, nil
	}
	return time.Time{}, usage("write it as 2026-01-31T10:00:00Z or 2026-01-31", "%s: %q is no time", flag, text)
}

// whole names every part of an operation that neither a flag nor the configuration gives.
func whole(who config.Act) error {
	var missing []string
	for _, part := range []struct{ flag, value string }{
		{"--actor", who.Actor}, {"--purpose", who.Purpose}, {"--grounds", who.Grounds}, {"--service", who.Service},
	} {
		if part.value == "" {
			missing = append(missing, part.flag)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return usage("give the flags, or set act.* in litopys.yaml or LITOPYS_ACT_* in the environment",
		"an operation on personal data needs %s", strings.Join(missing, ", "))
}

func optionalID(flag, text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	return parseID(flag, text)
}
