package importer

import (
	"context"
	"errors"
	"fmt"

	"imagine.ua/litopys/cmd/internal/importer/wire"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
)

// Events imports commands, one JSON object a line (see package wire). Commands on one subject are decided
// in the order of their lines. It is used by one goroutine.
type Events struct {
	Ledger  Ledger
	Batch   int // lines at once
	Rejects *Rejects
	// Progress is told the report after every batch; optional.
	Progress func(Report)

	report Report
}

// Run imports the text. The report stands for what was acknowledged, also when an error ended the run.
func (e *Events) Run(ctx context.Context, text *Input, limit int) (Report, error) {
	e.report = Report{}
	var cmds []ledger.Command
	var lines []Line
	size := 0
	flush := func() error {
		err := e.flush(ctx, cmds, lines)
		cmds, lines, size = cmds[:0], lines[:0], 0
		return err
	}
	for line, err := range Lines(text, limit) {
		if err != nil {
			return e.report, errors.Join(flush(), fmt.Errorf("line %d: %w", line.Number, err))
		}
		cmd, why := decode(line, limit)
		if why != nil {
			e.reject(line, why)
			if len(e.Rejects.pending) < e.Batch {
				continue
			}
			if err := flush(); err != nil {
				return e.report, err
			}
			continue
		}
		// A recipient's card goes in before the transfers after it and after the ones before it; so does an
		// approval before the disclosure after it, and a version of the policy before what it decides.
		if len(cmds) >= e.Batch || size >= batchBytes || mixed(cmds, cmd) {
			if err := flush(); err != nil {
				return e.report, err
			}
		}
		cmds, lines = append(cmds, cmd), append(lines, Line{Number: line.Number, Offset: line.Offset})
		size += len(line.Text)
	}
	if err := flush(); err != nil {
		return e.report, err
	}
	return e.report, e.Rejects.Finish()
}

// decode reads one line as a command.
func decode(line Line, limit int) (ledger.Command, error) {
	switch {
	case line.Long:
		return nil, fmt.Errorf("the line is longer than %d bytes", limit)
	case len(line.Text) == 0:
		return nil, errors.New("the line is empty")
	}
	return wire.Decode(line.Text)
}

// mixed tells whether the next command is of another kind than those before it.
func mixed(cmds []ledger.Command, next ledger.Command) bool {
	return len(cmds) > 0 && kind(cmds[0]) != kind(next)
}

// kind tells apart what the ledger decides in an order of its own when it comes at once.
func kind(c ledger.Command) domain.StreamKind {
	switch c.(type) {
	case subject.Command:
		return domain.KindSubject
	case recipient.Command:
		return domain.KindRecipient
	case request.Command:
		return domain.KindRequest
	}
	return domain.KindPolicy
}

func (e *Events) reject(line Line, why error) {
	e.report.reject()
	e.Rejects.Add(rejectOf(line, why))
}

func (e *Events) flush(ctx context.Context, cmds []ledger.Command, lines []Line) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var failed error
	for i, out := range e.Ledger.HandleAll(ctx, cmds) {
		switch {
		case out.Err == nil && (out.Receipt.Repeated || len(out.Receipt.Events) == 0):
			// What changes nothing was so already, and leaves no trace of its key.
			e.report.Already++
			e.report.Lines++
		case out.Err == nil:
			e.report.Imported++
			e.report.Lines++
		case isRefusal(out.Err):
			e.reject(lines[i], out.Err)
		case failed == nil:
			failed = fmt.Errorf("line %d: %w", lines[i].Number, out.Err)
		}
	}
	if e.Progress != nil {
		e.Progress(e.report)
	}
	return errors.Join(failed, e.Rejects.Settle())
}
