package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
)

// receipt is the answer to a command that records.
type receipt struct {
	Stream   domain.Stream     `json:"stream"`
	Events   []uuid.UUID       `json:"events"`
	Revision int64             `json:"revision"`
	Position uint64            `json:"position"`
	Key      string            `json:"key"`
	Recorded string            `json:"recorded"` // now, before, nothing
	IDs      map[string]string `json:"ids,omitempty"`
	Subject  string            `json:"subject,omitempty"` // ids.subject once more, where one looks for it
}

// new ids that a command made, by what they name: "subject", "consent".
type made map[string]uuid.UUID

// record hands one command to the ledger and prints the receipt.
func (p *program) record(ctx context.Context, a *app.App, cmd ledger.Command, ids made) error {
	got, err := a.Ledger.Handle(ctx, cmd)
	if err != nil {
		return p.withKey(err, cmd)
	}
	r := receipt{Stream: got.Stream, Events: got.Events, Revision: got.Revision, Position: got.Position,
		Key: cmd.By().Spec().Key, Recorded: "now", IDs: map[string]string{}}
	switch {
	case got.Repeated:
		r.Recorded = "before"
	case len(got.Events) == 0:
		r.Recorded = "nothing"
	}
	for name, id := range ids {
		r.IDs[name] = id.String()
	}
	r.Subject = r.IDs["subject"]
	return p.receipt(r)
}

// withKey adds the idempotency key to an error after which the outcome may be unknown.
func (p *program) withKey(err error, cmd ledger.Command) error {
	var refusal *domain.Refusal
	if !errors.As(err, &refusal) {
		p.say("if the outcome is unknown, repeat the command with --key %s", cmd.By().Spec().Key)
	}
	return err
}

func (p *program) receipt(r receipt) error {
	if p.json {
		return p.answer(r)
	}
	var list [][2]string
	for _, name := range []string{"subject", "consent", "order", "recipient", "request", "hold"} {
		list = append(list, [2]string{name, r.IDs[name]})
	}
	events := make([]string, len(r.Events))
	for i, id := range r.Events {
		events[i] = id.String()
	}
	list = append(list, [2]string{"recorded", map[string]string{"now": "now", "before": "before, under this key",
		"nothing": "nothing: it was so already"}[r.Recorded]},
		[2]string{"event", strings.Join(events, " ")}, [2]string{"stream", string(r.Stream)},
		[2]string{"revision", fmt.Sprint(r.Revision)}, [2]string{"key", r.Key})
	pairs(p.Out, list...)
	return nil
}

// recorder is a command that records one fact about a subject who is named as the first argument.
type recorder struct {
	use, short, long, example string
	flags                     func(*cobra.Command)
	// build makes the command; args are those after the subject.
	build func(subject.About, []string) (subject.Command, made, error)
	args  int // arguments after the subject
}

// recording makes a cobra command of a recorder.
func (p *program) recording(r recorder) *cobra.Command {
	var a act
	cmd := &cobra.Command{Use: r.use, Short: r.short, Long: longer(r), Example: r.example, Args: cobra.ExactArgs(1 + r.args)}
	addAct(cmd, &a)
	if r.flags != nil {
		r.flags(cmd)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("subject", args[0])
		if err != nil {
			return err
		}
		op, err := p.operation(a, p.cfg.Act)
		if err != nil {
			return err
		}
		command, ids, err := r.build(subject.About{Subject: domain.SubjectID{UUID: id}, Operation: op}, args[1:])
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error { return p.record(cmd.Context(), a, command, ids) })
	}
	return cmd
}

func longer(r recorder) string {
	if r.long == "" {
		return r.short + "."
	}
	return r.short + ".\n\n" + r.long
}

// parseID reads a UUID in its usual form. What is none may be a name or an address: it is not repeated.
func parseID(what, text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id == uuid.Nil || len(text) != 36 {
		return uuid.Nil, usage("write it as 8-4-4-4-12 hex digits", "%s: what was given is no id", what)
	}
	return id, nil
}

// idOr reads an id, or makes one when there is none.
func (p *program) idOr(what, text string) (uuid.UUID, error) {
	if text != "" {
		return parseID(what, text)
	}
	id, err := p.newID()
	if err != nil {
		return uuid.Nil, fmt.Errorf("new id: %w", err)
	}
	return id, nil
}

func shorten(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}

func ids[T any](what string, words []string, wrap func(uuid.UUID) T) ([]T, error) {
	var out []T
	for _, w := range words {
		id, err := parseID(what, w)
		if err != nil {
			return nil, err
		}
		out = append(out, wrap(id))
	}
	return out, nil
}
