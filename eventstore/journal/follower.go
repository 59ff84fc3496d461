package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/schema"
)

const (
	// maxPending and maxBehind bound how many fates are carried out in one transaction of the key store,
	// and how many records are looked at before those found so far are.
	maxPending = 4096
	maxBehind  = 4096
	// rememberEvery is how many records may have to be looked at again after a crash.
	rememberEvery = 32 << 10
	// restTime is how long the follower lets records gather when nobody waits for fates: read together they
	// cost a third of what they cost one commit at a time. Only after a crash does it matter, for it bounds
	// what is looked at again.
	restTime = time.Second
	// followTries and followPause bound how often the follower begins again after a failure that may pass,
	// such as a lost connection. Then it stops, and the journal with it.
	followTries = 4
	followPause = 25 * time.Millisecond
	// stopTimeout bounds each of the two last steps of Close: coming to the end of the log and writing down
	// the position. Without them the next open only looks at more.
	stopTimeout = 10 * time.Second
)

// follower carries out fates in the order of the log. Only its goroutine calls keys.Store.Follow, so
// concurrent appends cannot put them into another order.
type follower struct {
	log    eventstore.Subscriber
	keys   keys.Store
	logger *slog.Logger
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended
	wake   chan struct{} // holds one token when somebody waits
	causes *causes       // told which facts destroy keys
	replay uint64        // up to here the log is replayed: the key store may be older than its certificates

	// The goroutine's own until done is closed.
	pending    []domain.Fate // read, not carried out
	buried     []keys.Gone   // named by certificates of the replay, not compared yet
	erases     bool          // some of them destroy
	at         uint64        // position of the last record read
	behind     int           // records read since the first pending fate
	remembered uint64        // position that the key store knows
	unsaved    int           // records since remembered

	mu      sync.Mutex
	passed  uint64   // guarded by mu: everything up to here is carried out
	waiting []waiter // guarded by mu
	err     error    // guarded by mu: why it stopped

	destroyed func() // guarded by mu: told when keys were destroyed
}

// waiter is told when its position is passed, or the follower stops.
type waiter struct {
	position uint64
	told     chan struct{}
}

// startFollower begins behind what the key store has followed and returns when the log that stands now is
// carried out, or the disk is too full for it, which leaves a follower that has failed.
func startFollower(ctx context.Context, parts Parts, causes *causes) (*follower, error) {
	followed, err := parts.Keys.Followed(ctx)
	if err != nil {
		return nil, fmt.Errorf("position of the key store: %w", err)
	}
	head, err := parts.Store.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("head of the log: %w", err)
	}
	if followed > uint64(head) {
		return nil, &eventstore.CorruptError{File: "log", Place: "end", Detail: fmt.Sprintf(
			"the key store has followed it to position %d, but it ends at %d: records are missing", followed, head)}
	}
	if err := tellLost(ctx, parts, followed, uint64(head)); err != nil {
		return nil, fmt.Errorf("keys of the newest values: %w", err)
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &follower{
		log: parts.Store, keys: parts.Keys, logger: parts.Logger, cancel: cancel, done: make(chan struct{}), wake: make(chan struct{}, 1),
		causes: causes, replay: uint64(head), at: followed, remembered: followed, passed: followed,
	}
	go f.run(life)
	if err := f.wait(ctx, uint64(head)); errors.Is(err, eventstore.ErrFull) {
		// The log can be read without keys. No value is opened, for it may be one that must be erased.
		f.logger.WarnContext(ctx, "no space left: values stay closed until fates can be carried out", slog.Any("error", err))
	} else if err != nil {
		return nil, errors.Join(fmt.Errorf("carry out fates: %w", err), f.stop())
	}
	return f, nil
}

func (f *follower) run(ctx context.Context) {
	defer close(f.done)
	for n := 0; ; n++ {
		before := f.passed // only this goroutine changes it
		err := f.follow(ctx)
		if f.passed != before {
			n = 0
		}
		if ctx.Err() != nil || isFinal(err) || n+1 >= followTries {
			f.end(ctx, err)
			return
		}
		f.logger.WarnContext(ctx, "key follower has trouble; trying again", slog.Uint64("position", f.at), slog.Any("error", err))
		_ = eventstore.Pause(ctx, followPause<<n) // an ended context ends the next round
	}
}

// isFinal tells failures that no repetition cures.
func isFinal(err error) bool {
	for _, final := range []error{
		eventstore.ErrCorrupt, eventstore.ErrForeign, eventstore.ErrClosed, schema.ErrUnknownEvent, keys.ErrInvalidRef,
	} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// end is where the follower stops, asked to or not.
func (f *follower) end(ctx context.Context, err error) {
	if ctx.Err() == nil {
		f.logger.ErrorContext(ctx, "key follower stopped", slog.Uint64("position", f.at), slog.Any("error", err))
	}
	f.fail(err)
}

// follow reads on from where it stands until something fails. What is pending then stays pending.
func (f *follower) follow(ctx context.Context) error {
	for d, err := range f.subscribe(ctx) {
		if err != nil {
			return err
		}
		switch {
		case d.CaughtUp:
			if err = f.carryOut(ctx); err == nil {
				f.rest(ctx)
			}
		case d.Record.Position == 0:
			err = f.come(ctx, uint64(d.Position), int(uint64(d.Position)-f.at))
		default:
			err = f.take(ctx, d.Record)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(ctx.Err(), errors.New("the subscription ended"))
}

// typed is optional in a log: it hands over records of some types only, and now and then a Delivery without
// record that tells how far it has passed the others. Its positions have no gaps.
type typed interface {
	SubscribeTypes(ctx context.Context, after eventstore.Position, wanted func(kind string) bool) iter.Seq2[eventstore.Delivery, error]
}

// subscribe reads on from where the follower stands. Most records carry no fates; a log that can leaves them
// out.
func (f *follower) subscribe(ctx context.Context) iter.Seq2[eventstore.Delivery, error] {
	log, ok := f.log.(typed)
	if !ok {
		return f.log.Subscribe(ctx, eventstore.Position(f.at))
	}
	return log.SubscribeTypes(ctx, eventstore.Position(f.at), func(kind string) bool {
		carries, err := schema.CarriesFates(kind)
		return carries || kind == certificateType || err != nil // take says what is wrong with the type, and where
	})
}

// rest lets records gather until somebody waits for one of them. The log holds them meanwhile: a slow
// subscriber loses nothing.
func (f *follower) rest(ctx context.Context) {
	timer := time.NewTimer(restTime)
	defer timer.Stop()
	select {
	case <-f.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// take looks at one record. Most types cannot carry fates and are not decoded.
func (f *follower) take(ctx context.Context, r eventstore.Record) error {
	carries, err := schema.CarriesFates(r.Type)
	switch {
	case err != nil:
		return placed(r, err)
	case carries:
		if err := f.takeFates(r); err != nil {
			return err
		}
	case r.Type == certificateType && uint64(r.Position) <= f.replay:
		certificate, err := certificateOf(r)
		if err != nil {
			return err
		}
		f.buried = append(f.buried, goneOf(certificate)...)
	}
	return f.come(ctx, uint64(r.Position), 1)
}

func (f *follower) takeFates(r eventstore.Record) error {
	event, err := schema.Decode(r.Type, r.Data)
	if err != nil {
		return placed(r, err)
	}
	c, destroys, err := causeOf(r, event)
	if err != nil {
		return placed(r, err)
	}
	if destroys {
		f.causes.add(c)
		f.erases = true
	}
	f.pending = append(f.pending, event.Fates()...)
	return nil
}

// come has looked at n more records, up to the position.
func (f *follower) come(ctx context.Context, position uint64, n int) error {
	f.at = position
	f.unsaved += n
	waits := len(f.pending) + len(f.buried)
	if waits > 0 {
		f.behind += n
	}
	if waits >= maxPending || f.behind >= maxBehind {
		return f.carryOut(ctx)
	}
	if waits == 0 {
		f.pass(f.at)
	}
	if f.unsaved >= rememberEvery {
		return f.carryOut(ctx)
	}
	return nil
}

// carryOut brings the key states in line with what was read, and passes it.
func (f *follower) carryOut(ctx context.Context) error {
	if len(f.pending)+len(f.buried) > 0 || f.unsaved >= rememberEvery {
		if err := f.tell(ctx); err != nil {
			return err
		}
	}
	f.pass(f.at)
	return nil
}

// tell gives pending fates and the position to the key store. Certificates come first, for the position says
// that they were compared.
func (f *follower) tell(ctx context.Context) error {
	if len(f.buried) > 0 {
		if _, err := f.keys.Bury(ctx, f.buried); err != nil {
			return fmt.Errorf("certificates up to position %d: %w", f.at, err)
		}
		f.buried = f.buried[:0]
	}
	if err := f.keys.Follow(ctx, f.at, f.pending); err != nil {
		return fmt.Errorf("key states at position %d: %w", f.at, err)
	}
	f.pending, f.behind, f.unsaved, f.remembered = f.pending[:0], 0, 0, f.at
	if f.erases {
		f.erases = false
		f.told()
	}
	return nil
}

// onDestroyed sets what is told when keys were destroyed.
func (f *follower) onDestroyed(tell func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.destroyed = tell
}

func (f *follower) told() {
	f.mu.Lock()
	tell := f.destroyed
	f.mu.Unlock()
	if tell != nil {
		tell()
	}
}

// passer is optional in a key store: it writes the position down when it next writes anything.
type passer interface{ Passed(position uint64) }

// pass tells those who wait for positions up to this one.
func (f *follower) pass(position uint64) {
	if p, ok := f.keys.(passer); ok {
		p.Passed(position)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passed = position
	left := f.waiting[:0]
	for _, w := range f.waiting {
		if w.position <= position {
			close(w.told)
		} else {
			left = append(left, w)
		}
	}
	f.waiting = left
}

// fail tells everyone who waits that nothing more will be carried out.
func (f *follower) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	for _, w := range f.waiting {
		close(w.told)
	}
	f.waiting = nil
}

// failure tells why the follower stopped; nil while it runs.
func (f *follower) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// wait returns when everything up to the position is carried out.
func (f *follower) wait(ctx context.Context, position uint64) error {
	f.mu.Lock()
	if f.passed >= position || f.err != nil {
		defer f.mu.Unlock()
		return f.verdict(position)
	}
	w := waiter{position, make(chan struct{})}
	f.waiting = append(f.waiting, w)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default: // a token is there already
	}
	select {
	case <-w.told:
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.verdict(position)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// verdict is nil when the position is passed. The caller holds mu.
func (f *follower) verdict(position uint64) error {
	if f.passed >= position {
		return nil
	}
	return f.err
}

// stop ends the goroutine and writes down how far it came.
func (f *follower) stop() error {
	f.cancel()
	<-f.done
	f.mu.Lock()
	passed := f.passed
	f.mu.Unlock()
	if passed == f.remembered {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	// On a full disk the next open looks at more, and nothing else is lost.
	if err := f.keys.Follow(ctx, passed, nil); err != nil && !errors.Is(err, eventstore.ErrFull) {
		return fmt.Errorf("position of the key store: %w", err)
	}
	return nil
}
