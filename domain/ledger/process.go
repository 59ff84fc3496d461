package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
)

// process records tasks of one stream, in order, and sets their outcomes.
func (l *Ledger) process(ctx context.Context, stream domain.Stream, tasks []*task) {
	if err := l.streams.acquire(ctx, string(stream)); err != nil {
		fail(tasks, fmt.Errorf("wait for %s: %w", stream, err))
		return
	}
	defer l.streams.release(string(stream))
	if len(tasks) == 1 {
		l.record(ctx, stream, tasks)
		return
	}
	for _, chunk := range chunks(tasks) {
		l.record(ctx, stream, chunk)
	}
}

func fail(tasks []*task, err error) {
	for _, t := range tasks {
		*t.out = Outcome{Err: err}
	}
}

// record decides the tasks, appends their events together and tries again from the newest state when
// another process was faster. The caller holds the stream's lock.
func (l *Ledger) record(ctx context.Context, stream domain.Stream, tasks []*task) {
	e, err := l.load(ctx, stream)
	erased := 0
	for attempt := 1; err == nil; attempt++ {
		b := &batch{ledger: l, stream: stream, entry: e, state: e.file, card: e.card, asked: e.asked, editions: e.editions, month: e.month, now: l.cfg.Clock().UTC().Truncate(time.Microsecond)}
		b.decide(ctx, tasks)
		err = b.append(ctx, tasks)
		b.close()
		switch {
		case err == nil:
			return
		case errors.Is(err, ErrErased) && erased < 2:
			// A deletion was recorded since the state was cached. Its own stream is read anew.
			erased++
			e, err = l.again(ctx, stream, tasks)
		case errors.Is(err, ErrErased):
			l.erased(ctx, stream, tasks)
			return
		case errors.Is(err, ErrConflict) && attempt < l.cfg.Attempts:
			e, err = l.catchUp(ctx, stream, e)
		case errors.Is(err, ErrConflict):
			err = fmt.Errorf("gave up after %d attempts: %w", attempt, err)
		}
	}
	l.cache.drop(stream) // an append whose outcome is unknown may have changed it
	fail(tasks, err)
}

// again forgets what is cached of the stream, and of the file that decides on it, and reads it anew.
func (l *Ledger) again(ctx context.Context, stream domain.Stream, tasks []*task) (*entry, error) {
	l.cache.drop(stream)
	if file := tasks[0].file; file != stream {
		l.cache.drop(file)
	}
	return l.load(ctx, stream)
}

// erased answers tasks whose values belong to keys that are gone though the file does not say so. Alone,
// a task is refused; together, each is tried alone, so that one does not take the others with it.
func (l *Ledger) erased(ctx context.Context, stream domain.Stream, tasks []*task) {
	if len(tasks) == 1 {
		*tasks[0].out = Outcome{Err: domain.Refuse("value.deleted", "4.1", "leave it out: what was deleted does not come back",
			"the key of a value is destroyed or closed")}
		return
	}
	for i := range tasks {
		l.record(ctx, stream, tasks[i:i+1])
	}
}

// batch is one attempt to record some tasks of one stream.
type batch struct {
	ledger *Ledger
	stream domain.Stream
	entry  *entry // as it is in the log
	now    time.Time

	state    subject.State   // as it will be after facts
	card     recipient.State // likewise
	asked    *request.State  // likewise; nil: none
	editions *policy.State   // likewise; nil: none
	month    statistics.State
	facts    []Fact
	marks    []string // the reference claimed until the append is done; a file takes one registration
}

// close lets others claim references again.
func (b *batch) close() {
	for _, m := range b.marks {
		b.ledger.marks.release(m)
	}
}

func (b *batch) decide(ctx context.Context, tasks []*task) {
	for _, t := range tasks {
		t.events = 0
		*t.out = Outcome{Receipt: Receipt{Stream: b.stream}}
		if err := b.one(ctx, t); err != nil {
			*t.out = Outcome{Err: err}
		}
		if t.events == 0 && !t.out.Receipt.Repeated && t.out.Err == nil {
			t.out.Receipt.Revision = b.entry.revision + domain.Revision(len(b.facts))
		}
	}
}

func (b *batch) one(ctx context.Context, t *task) error {
	id := domain.EventID(b.stream, t.op.Key, 0)
	var content string
	buffer := b.ledger.buffers.Get().(*[]byte)
	content, *buffer = t.digest(*buffer)
	b.ledger.buffers.Put(buffer)
	if revision, ok := b.entry.seen.find(id); ok {
		known, err := b.repeat(ctx, t, revision, content)
		if known || err != nil {
			return err
		}
	}
	events, err := b.events(ctx, t)
	if err != nil || len(events) == 0 {
		return err
	}
	meta := t.meta(content, b.now)
	ids := make([]uuid.UUID, len(events))
	for i, e := range events {
		if i > 0 {
			id = domain.EventID(b.stream, t.op.Key, i)
		}
		ids[i] = id
		b.facts = append(b.facts, Fact{ID: id, Meta: meta, Event: e})
	}
	t.events = len(events)
	t.out.Receipt.Events = ids
	t.out.Receipt.Revision = b.entry.revision + domain.Revision(len(b.facts))
	return nil
}

// events lets the aggregate decide and folds what it decided, for the next task.
func (b *batch) events(ctx context.Context, t *task) ([]domain.Event, error) {
	switch cmd := t.cmd.(type) {
	case subject.Command:
		return b.subjectEvents(ctx, t, cmd)
	case recipient.Command:
		decided, err := recipient.Decide(recipient.Case{Command: cmd, Policy: t.policy}, b.card)
		if err != nil {
			return nil, err
		}
		events := make([]domain.Event, len(decided))
		for i, e := range decided {
			events[i] = e
			b.card = recipient.Evolve(b.card, e)
		}
		return events, nil
	case request.Command:
		return b.requestEvents(ctx, t, cmd)
	case policy.Publish:
		return b.policyEvents(ctx, t, cmd)
	case statistics.Publish:
		return b.statisticsEvents(t, cmd)
	}
	return nil, nil
}

func (b *batch) subjectEvents(ctx context.Context, t *task, cmd subject.Command) ([]domain.Event, error) {
	c := subject.Case{Command: cmd, Context: subject.Context{Policy: t.policy, Now: b.now}}
	var err error
	if c.Recipient, err = b.ledger.card(ctx, goesTo(cmd)); err != nil {
		return nil, err
	}
	if err := b.ledger.answers(ctx, cmd); err != nil {
		return nil, err
	}
	state := b.state
	if t.trace() {
		file, err := b.ledger.locked(ctx, t.file)
		if err != nil {
			return nil, err
		}
		state = file.file
	}
	decided, err := subject.Decide(c, state)
	if err != nil {
		return nil, err
	}
	if register, ok := cmd.(subject.Register); ok && len(decided) > 0 {
		if err := b.claim(ctx, t.policy, register); err != nil {
			return nil, err
		}
	}
	events := make([]domain.Event, len(decided))
	for i, e := range decided {
		events[i] = e
		if !t.trace() {
			b.state = subject.Evolve(b.state, subject.Fact{Event: e, At: t.op.At})
		}
	}
	return events, nil
}

// goesTo gives the third party to whom the command hands data; zero for none.
func goesTo(cmd subject.Command) domain.RecipientID {
	switch cmd := cmd.(type) {
	case subject.Transfer:
		return cmd.Recipient
	case subject.Disclose:
		return cmd.Recipient
	default:
		return domain.RecipientID{}
	}
}

// card gives the card of a recipient, or nil when nobody knows it.
func (l *Ledger) card(ctx context.Context, id domain.RecipientID) (*recipient.Card, error) {
	if id.IsZero() {
		return nil, nil
	}
	e, err := l.locked(ctx, domain.RecipientStream(id))
	if err != nil || !e.card.Known {
		return nil, err
	}
	return &e.card.Card, nil
}

// claim refuses a reference by which another person is found already. Until the append is done nobody else
// in this process can claim it. A refused claim is given up at once: a batch that held it while it waits for
// another could wait for ever.
func (b *batch) claim(ctx context.Context, p *policy.Policy, cmd subject.Register) error {
	given, ok := cmd.Reference.Value.Reveal()
	if !ok {
		return nil
	}
	name := string(cmd.Reference.Field) + "\x00" + p.Normal(cmd.Reference.Field, given)
	if err := b.ledger.marks.acquire(ctx, name); err != nil {
		return err
	}
	if err := b.ledger.free(ctx, cmd); err != nil {
		b.ledger.marks.release(name)
		return err
	}
	b.marks = append(b.marks, name)
	return nil
}

// free checks that nobody else is found by the reference.
func (l *Ledger) free(ctx context.Context, cmd subject.Register) error {
	field := cmd.Reference.Field
	found, err := l.journal.Find(ctx, field, cmd.Reference.Value)
	if err != nil {
		return fmt.Errorf("find the reference: %w", err)
	}
	for _, id := range found {
		if id == cmd.Subject {
			continue
		}
		other, err := l.peek(ctx, domain.SubjectStream(id))
		if err != nil {
			return err
		}
		// The index forgets a moment after the fact, so the other's file has the last word.
		if _, held := other.file.Held(field); held {
			return domain.Refuse("register.reference-taken", "preamble", "use the file of that person, or another reference",
				"another person is registered under this reference").WithKind(domain.Conflict)
		}
	}
	return nil
}

// append hands the facts over and completes the receipts.
func (b *batch) append(ctx context.Context, tasks []*task) error {
	if len(b.facts) == 0 {
		return nil
	}
	done, err := b.ledger.journal.Append(ctx, b.stream, b.entry.revision, b.facts)
	if err != nil {
		return fmt.Errorf("append to %s: %w", b.stream, err)
	}
	for _, t := range tasks {
		if t.events > 0 {
			t.out.Receipt.Position = done.Position
		}
	}
	b.remember()
	return nil
}

// remember caches the stream as it stands after the append. The state is the one that was folded while
// deciding.
func (b *batch) remember() {
	next := *b.entry
	next.revision += domain.Revision(len(b.facts))
	next.file, next.card, next.asked, next.editions, next.month = b.state, b.card, b.asked, b.editions, b.month
	for i := range b.facts {
		next.seen.add(b.facts[i].ID)
	}
	next.weight = next.weigh(b.stream)
	b.ledger.cache.put(b.stream, &next)
	if b.editions != b.entry.editions {
		b.ledger.heard()
	}
}

// repeat answers a key that was used before. It reports false when the event found is another one.
func (b *batch) repeat(ctx context.Context, t *task, revision domain.Revision, content string) (bool, error) {
	recorded, err := b.recorded(ctx, t.op.Key, revision)
	if err != nil || len(recorded) == 0 {
		return false, err
	}
	same := recorded[0].Meta.Content == content
	if values := t.values(); same && len(values) > 0 {
		if same, err = b.ledger.journal.Same(ctx, recorded, values); err != nil {
			return true, fmt.Errorf("compare with %s: %w", b.stream, err)
		}
	}
	if !same {
		return true, domain.Refuse("idempotency.reused", "", "give a new command a new key",
			"this idempotency key was used for a command with other content").WithKind(domain.Conflict)
	}
	last := recorded[len(recorded)-1]
	receipt := Receipt{Stream: b.stream, Revision: last.Revision, Position: last.Position, Repeated: true}
	for _, r := range recorded {
		receipt.Events = append(receipt.Events, r.ID)
	}
	t.out.Receipt = receipt
	return true, nil
}

// recorded reads the events that were recorded under the key, from this revision on.
func (b *batch) recorded(ctx context.Context, key string, revision domain.Revision) ([]domain.Recorded, error) {
	var found []domain.Recorded
	for rec, err := range b.ledger.journal.Events(ctx, b.stream, revision-1) {
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", b.stream, err)
		}
		if rec.ID != domain.EventID(b.stream, key, len(found)) {
			break
		}
		found = append(found, rec)
	}
	return found, nil
}
