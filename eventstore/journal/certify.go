package journal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/schema"
)

const (
	// certifyPage is how many keys are certified between two looks at the list, certifyParallel for how many
	// subjects at a time, so that the log commits many certificates together.
	certifyPage     = 4096
	certifyParallel = 64
	// maxCertified bounds the keys that one certificate names, and so its size.
	maxCertified = 1000
	// certifyTries bounds how often one certificate is put behind another that came in between.
	certifyTries = 16
	// firstRest and longestRest bound the wait after a failure.
	firstRest   = 100 * time.Millisecond
	longestRest = time.Minute
)

// keyActor is who writes certificates; dutyBasis is the basis of the law that obliges him (GDPR art. 6(1)(c),
// in Ukraine a duty of the controller that a law imposes).
var keyActor = domain.Actor{Kind: domain.ActorSystem, ID: "keys"}

const dutyBasis = "6.1.c"

// certifier writes the certificates of destroyed keys, behind the follower and apart from it: who deletes does
// not wait for it. The list of keys without a certificate is the key store's and survives a crash.
//
//	crash after                  left behind                       then
//	the key is destroyed         a key on the list                 its certificate is written on the next open
//	the certificate is durable   a key on the list with one        its stream is read first: it is taken off
//	the key is taken off         nothing
type certifier struct {
	j       *Journal
	life    time.Duration // of backups of the key store
	logger  *slog.Logger
	causes  *causes
	grounds domain.Grounds // for a duty; empty when the policy has none

	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended
	wake   chan struct{} // holds one token when there is something to look at

	mu      sync.Mutex
	waiting []chan error // guarded by mu: told when a pass that began later has ended
	ended   bool         // guarded by mu
}

// startCertifier begins with what a crash has left on the list.
func startCertifier(ctx context.Context, j *Journal, parts Parts, causes *causes) *certifier {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &certifier{
		j: j, life: parts.BackupLife, logger: parts.Logger, causes: causes,
		cancel: cancel, done: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	for _, g := range parts.Policy.Grounds {
		if g.GDPR == dutyBasis {
			c.grounds = cmp.Or(c.grounds, g.ID)
		}
	}
	c.nudge()
	go c.run(life)
	return c
}

// nudge tells that keys may have been destroyed.
func (c *certifier) nudge() {
	select {
	case c.wake <- struct{}{}:
	default: // a token is there already
	}
}

func (c *certifier) run(ctx context.Context) {
	defer close(c.done)
	rest := firstRest
	for ctx.Err() == nil {
		select {
		case <-c.wake:
		case <-ctx.Done():
			continue
		}
		asked := c.asked()
		err := c.pass(ctx)
		for _, told := range asked {
			told <- err
		}
		if err == nil || ctx.Err() != nil {
			rest = firstRest
			continue
		}
		c.logger.WarnContext(ctx, "certificates of destroyed keys wait", slog.Any("error", err))
		time.AfterFunc(rest, c.nudge)
		rest = min(2*rest, longestRest)
	}
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	for _, told := range c.asked() {
		told <- fmt.Errorf("certificates: %w", eventstore.ErrClosed)
	}
}

// asked gives those who wait for the pass that begins now.
func (c *certifier) asked() []chan error {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.waiting
	c.waiting = nil
	return asked
}

// wait returns when a pass that began after the call has ended, with its error.
func (c *certifier) wait(ctx context.Context) error {
	told := make(chan error, 1)
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return fmt.Errorf("certificates: %w", eventstore.ErrClosed)
	}
	c.waiting = append(c.waiting, told)
	c.mu.Unlock()
	c.nudge()
	select {
	case err := <-told:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop ends the goroutine.
func (c *certifier) stop() {
	c.cancel()
	<-c.done
}

// pass writes certificates until the list is empty.
func (c *certifier) pass(ctx context.Context) error {
	for {
		gone, err := c.j.keys.Uncertified(ctx, certifyPage)
		if err != nil || len(gone) == 0 {
			return err
		}
		if err := c.certify(ctx, bySubject(gone, certifyPage)); err != nil {
			return err
		}
	}
}

// bySubject cuts a page of the list. The last subject may go on on the next page, so it is left for that,
// unless it fills the page alone.
func bySubject(gone []keys.Gone, page int) [][]keys.Gone {
	var groups [][]keys.Gone
	for first := 0; first < len(gone); {
		end := first + 1
		for end < len(gone) && gone[end].Ref.Subject == gone[first].Ref.Subject {
			end++
		}
		groups = append(groups, gone[first:end])
		first = end
	}
	if len(gone) == page && len(groups) > 1 {
		groups = groups[:len(groups)-1]
	}
	return groups
}

// certify writes the certificates of some subjects, several at a time, and takes off the list what is done.
func (c *certifier) certify(ctx context.Context, groups [][]keys.Gone) error {
	var mu sync.Mutex
	var done []uuid.UUID
	var errs []error
	work := make(chan []keys.Gone)
	var workers sync.WaitGroup
	for range min(certifyParallel, len(groups)) {
		workers.Go(func() {
			for group := range work {
				err := c.subject(ctx, group)
				mu.Lock()
				if err != nil {
					errs = append(errs, err)
				} else {
					for _, g := range group {
						done = append(done, g.ID)
					}
				}
				mu.Unlock()
			}
		})
	}
	for _, group := range groups {
		work <- group
	}
	close(work)
	workers.Wait()
	if len(done) > 0 {
		errs = append(errs, c.j.keys.Certified(ctx, done))
	}
	return errors.Join(errs...)
}

// subject writes what is owed to one subject behind the certificates that he has.
func (c *certifier) subject(ctx context.Context, gone []keys.Gone) error {
	who := gone[0].Ref.Subject
	stream := domain.CertificateStream(who)
	known, n, err := c.explain(ctx, who, gone)
	if err != nil {
		return fmt.Errorf("certificate of %s: %w", who, err)
	}
	for try := 0; ; try++ {
		head, owed, err := c.owed(ctx, stream, gone)
		if err != nil {
			return fmt.Errorf("certificate of %s: %w", who, err)
		}
		if len(owed) > 0 {
			batch, err := c.batch(stream, owed, known)
			if err == nil {
				_, err = c.j.hand(ctx, string(stream), head, batch)
			}
			if errors.Is(err, eventstore.ErrWrongRevision) && try < certifyTries {
				continue // another process was faster
			}
			if err != nil {
				return fmt.Errorf("certificate of %s: %w", who, err)
			}
		}
		c.causes.forget(who, n)
		return nil
	}
}

// owed reads the certificates that there are: the crash of a process may have left keys on the list that are
// certified.
func (c *certifier) owed(ctx context.Context, stream domain.Stream, gone []keys.Gone) (head int64, owed []keys.Gone, err error) {
	head, err = c.j.store.StreamHead(ctx, string(stream))
	if err != nil || head == eventstore.NoStream {
		return head, gone, err
	}
	named := map[uuid.UUID]bool{}
	for r, err := range c.j.store.ReadStream(ctx, string(stream), eventstore.NoStream) {
		if err != nil {
			return head, nil, err
		}
		certificate, err := certificateOf(r)
		if err != nil {
			return head, nil, err
		}
		for _, k := range certificate.Keys {
			named[k.Key] = true
		}
		head = r.Revision
	}
	for _, g := range gone {
		if !named[g.ID] {
			owed = append(owed, g)
		}
	}
	return head, owed, nil
}

// certificateOf gives the certificate in a record; an empty one when it is something else.
func certificateOf(r eventstore.Record) (subject.KeysDestroyed, error) {
	event, err := schema.Decode(r.Type, r.Data)
	if err != nil {
		return subject.KeysDestroyed{}, placed(r, err)
	}
	certificate, _ := event.(subject.KeysDestroyed)
	return certificate, nil
}

// explain gives the facts that have destroyed the keys, and how many of them are remembered. What is not in
// memory is read from the subject's file.
func (c *certifier) explain(ctx context.Context, who domain.SubjectID, gone []keys.Gone) (known []cause, n int, err error) {
	known = c.causes.of(who)
	n = len(known)
	for _, g := range gone {
		if find(known, g.Ref) < 0 {
			known, err = readCauses(ctx, c.j.store, who)
			break
		}
	}
	return known, n, err
}

func find(known []cause, ref keys.Ref) int {
	return slices.IndexFunc(known, func(c cause) bool { return c.ends(ref) })
}

// batch makes the certificates: one for each fact and moment.
func (c *certifier) batch(stream domain.Stream, owed []keys.Gone, known []cause) ([]eventstore.Event, error) {
	type occasion struct {
		cause int
		at    time.Time
	}
	var order []occasion
	groups := map[occasion][]keys.Gone{}
	for _, g := range owed {
		o := occasion{find(known, g.Ref), g.At}
		if groups[o] == nil {
			order = append(order, o)
		}
		groups[o] = append(groups[o], g)
	}
	var batch []eventstore.Event
	for _, o := range order {
		var why cause
		if o.cause >= 0 {
			why = known[o.cause]
		}
		for part := range slices.Chunk(groups[o], maxCertified) {
			event, err := c.event(stream, part, why)
			if err != nil {
				return nil, err
			}
			batch = append(batch, event)
		}
	}
	return batch, nil
}

// event encodes one certificate. Its id comes from the keys that it names.
func (c *certifier) event(stream domain.Stream, gone []keys.Gone, why cause) (eventstore.Event, error) {
	at := gone[0].At
	e := subject.KeysDestroyed{Subject: gone[0].Ref.Subject, UnreadableAt: at, UnrecoverableAfter: at.Add(c.life)}
	sum := sha256.New()
	for _, g := range gone {
		e.Keys = append(e.Keys, subject.DestroyedKey{Key: g.ID, Field: g.Ref.Field, Epoch: g.Ref.Epoch, Master: g.Master})
		sum.Write(g.ID[:])
	}
	digest := hex.EncodeToString(sum.Sum(nil)[:16])
	fact := ledger.Fact{ID: domain.EventID(stream, "certificate:"+digest, 0), Meta: c.meta(why, at, digest), Event: e}
	event, _, err := encode(nil, fact, e)
	return event, err
}

// meta says by what duty the certificate is written: that of the fact which decided it.
func (c *certifier) meta(why cause, at time.Time, digest string) domain.Meta {
	m := why.meta
	if why.event == uuid.Nil { // the fact stands in no file; that is no reason to hide what happened
		m.Purpose, m.Service = c.j.policy.Purposes[0].ID, c.j.policy.Services[0].ID
	}
	m.Grounds = cmp.Or(c.grounds, m.Grounds, c.j.policy.Grounds[0].ID)
	m.Correlation = cmp.Or(m.Correlation, why.event)
	m.Actor, m.OccurredAt, m.RecordedAt, m.Policy = keyActor, at, c.j.clock().UTC().Truncate(time.Microsecond), c.j.policy.Version
	m.Command, m.Content, m.Causation = "key.destroy", digest, why.event
	return m
}
