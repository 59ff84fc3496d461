package ledger

import (
	"context"
	"sync"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/statistics"
)

// groups sorts tasks by the recipient, subject or request that they concern, in the order of first appearance.
// Versions of the policy go with the recipients, closed months with the requests.
func groups(tasks []*task) (cards, files, requests [][]*task) {
	place := map[domain.Stream]int{}
	for _, t := range tasks {
		list := &files
		switch t.file.Kind() {
		case domain.KindRecipient, domain.KindPolicy:
			list = &cards
		case domain.KindRequest, domain.KindStatistics:
			list = &requests
		default: // a subject's
		}
		i, known := place[t.file]
		if !known {
			i = len(*list)
			place[t.file] = i
			*list = append(*list, nil)
		}
		(*list)[i] = append((*list)[i], t)
	}
	return cards, files, requests
}

// runAll works through the groups, several at a time, and returns when all are done.
func (l *Ledger) runAll(ctx context.Context, groups [][]*task) {
	if len(groups) == 1 {
		l.run(ctx, groups[0])
		return
	}
	next := make(chan []*task)
	var workers sync.WaitGroup
	for range min(l.cfg.Parallel, len(groups)) {
		workers.Go(func() {
			for g := range next {
				l.run(ctx, g)
			}
		})
	}
	for _, g := range groups {
		next <- g
	}
	close(next)
	workers.Wait()
}

// run records the tasks of one subject or recipient in order. Neighbours that go to the same stream go
// together; traces of several months may change places among themselves, but never with what changes the
// file: a deletion must find the traces that came before it.
func (l *Ledger) run(ctx context.Context, tasks []*task) {
	for len(tasks) > 0 {
		n := 1
		for n < len(tasks) && tasks[n].trace() == tasks[0].trace() {
			n++
		}
		for _, part := range byStream(tasks[:n]) {
			l.process(ctx, part[0].stream, part)
		}
		tasks = tasks[n:]
	}
}

func byStream(tasks []*task) [][]*task {
	var parts [][]*task
	place := map[domain.Stream]int{}
	for _, t := range tasks {
		i, known := place[t.stream]
		if !known {
			i = len(parts)
			place[t.stream] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], t)
	}
	return parts
}

// Bounds of one append. A store takes 1 MiB; sealing pads a value up to twice its length and writes it in
// base64, and an event's clear parts stay well under a kilobyte beside its lists of fields.
const (
	maxAppendBytes = 700 << 10
	maxAppendTasks = 500
	taskBytes      = 1 << 10
)

// chunks cuts tasks so that each chunk fits one append and names no key twice: the second of two commands
// with one key must find the first recorded.
func chunks(tasks []*task) [][]*task {
	var cut [][]*task
	keys := map[string]bool{}
	start, size := 0, 0
	for i, t := range tasks {
		n := t.size()
		if i > start && (keys[t.op.Key] || size+n > maxAppendBytes || i-start >= maxAppendTasks) {
			cut = append(cut, tasks[start:i])
			start, size = i, 0
			clear(keys)
		}
		keys[t.op.Key] = true
		size += n
	}
	return append(cut, tasks[start:])
}

// size estimates, from above, what the task's event takes in the log.
func (t *task) size() int {
	n := taskBytes
	if cmd, ok := t.cmd.(policy.Publish); ok {
		n += len(cmd.Source) + len(cmd.Source)/4
	}
	if cmd, ok := t.cmd.(statistics.Publish); ok {
		n += cmd.Size()
	}
	for _, v := range t.values() {
		n += 128 + 8*v.Len()/3
	}
	return n
}
