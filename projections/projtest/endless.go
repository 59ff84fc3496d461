package projtest

import (
	"context"
	"iter"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

// Endless is a log of so many events that is made while it is read, so that it takes no memory of its own
// but for what is remembered of its people. It must be read from the beginning, once.
type Endless struct {
	*Log
	crowd  *Crowd
	events uint64
	begun  bool
}

// NewEndless is a realistic mix: two thirds page views with five values each, ten events a subject.
func NewEndless(identity uuid.UUID, events uint64) *Endless {
	c := NewCrowd(rand.New(rand.NewPCG(1, 2)).IntN) // #nosec G404 -- a history to be made again
	c.Visits, c.Newcomers = 65, 10
	return &Endless{Log: NewLog(identity), crowd: c, events: events}
}

// Head is the last position.
func (l *Endless) Head(context.Context) (uint64, error) { return l.events, nil }

// ReadAll makes the events; a second reading finds nothing more.
func (l *Endless) ReadAll(ctx context.Context, after uint64) iter.Seq2[domain.Recorded, error] {
	return func(yield func(domain.Recorded, error) bool) {
		if l.begun {
			return
		}
		l.begun = true
		for i := after + 1; i <= l.events; i++ {
			r := l.crowd.Next()
			r.Position, r.ID = i, uuid.New()
			if ctx.Err() != nil || !yield(r, ctx.Err()) {
				return
			}
		}
	}
}

// People is how much memory is held once all is garbage but the people of the log.
func (l *Endless) People() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	runtime.KeepAlive(l)
	return m.HeapAlloc
}

// Peak runs do and gives the most memory that the process had from the system meanwhile.
func Peak(do func()) uint64 {
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() { peak <- watch(stop) }()
	do()
	close(stop)
	return <-peak
}

func watch(stop <-chan struct{}) (peak uint64) {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-stop:
			return peak
		case <-look.C:
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.Sys-m.HeapReleased)
		}
	}
}
