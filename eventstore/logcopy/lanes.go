package logcopy

import (
	"sync"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
)

// lanes lets several appends be under way, and holds back those whose place matters:
//
//   - a batch of one subject, in whichever of his streams, waits for the one before it of the same subject;
//   - the first batch of a stream waits for the first batches of the streams before it, and everything after
//     it waits for it: streams appear in the order of the source, and nothing overtakes the appearance of one;
//   - a batch of any other stream (recipients, policies, requests) waits for all before it, and everything
//     after it waits for it.
//
// So what may change places is later records of different subjects, within a window of batches.
type lanes struct {
	send func(*batch) error
	stop func() // ends the appends that wait or try again

	window []*flight             // under way, oldest first
	last   map[uuid.UUID]*flight // of each subject, within the window
	gate   *flight               // the last that nothing may overtake

	failed sync.Once
	cause  error // of the first flight that failed; set before its done is closed
}

// flight is a batch on its way.
type flight struct {
	batch *batch
	lane  uuid.UUID
	done  chan struct{}
	err   error // of a flight that is done
}

func newLanes(stop func(), send func(*batch) error) *lanes {
	return &lanes{send: send, stop: stop, last: map[uuid.UUID]*flight{}}
}

// laneOf gives the subject whose stream it is; false for a stream that is nobody's.
func laneOf(stream string) (uuid.UUID, bool) {
	s := domain.Stream(stream)
	if kind := s.Kind(); kind != domain.KindSubject && kind != domain.KindTrace {
		return uuid.Nil, false
	}
	id, err := s.Owner()
	return id, err == nil
}

// start sends the batch on its way.
func (l *lanes) start(b *batch) {
	f := &flight{batch: b, done: make(chan struct{})}
	before := []*flight{l.gate}
	owner, owned := laneOf(b.stream())
	if owned {
		before = append(before, l.last[owner])
		f.lane, l.last[owner] = owner, f
	} else {
		before = append(before, l.window...)
	}
	if !owned || b.after() == eventstore.NoStream {
		l.gate = f
	}
	l.window = append(l.window, f)
	go func() {
		defer close(f.done)
		if f.err = after(before); f.err == nil {
			f.err = l.send(b)
		}
		if f.err != nil {
			l.failed.Do(func() { l.cause = f.err; l.stop() })
		}
	}()
}

// after waits for flights, and gives the first error of one.
func after(before []*flight) error {
	for _, f := range before {
		if f == nil {
			continue
		}
		if <-f.done; f.err != nil {
			return f.err
		}
	}
	return nil
}

// oldest waits for the oldest flight and takes it out. The error is what failed first, in whichever flight.
func (l *lanes) oldest() (*batch, error) {
	f := l.window[0]
	if <-f.done; f.err != nil {
		return nil, l.cause
	}
	l.window = l.window[1:]
	if l.last[f.lane] == f {
		delete(l.last, f.lane)
	}
	if l.gate == f {
		l.gate = nil
	}
	return f.batch, nil
}

// wait returns when nothing is under way any more.
func (l *lanes) wait() {
	for _, f := range l.window {
		<-f.done
	}
}
