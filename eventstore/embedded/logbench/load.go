package logbench

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// Load says what is appended: by how many goroutines, in batches of how many events, for how long. Every
// record has RecordBytes bytes, all parts together.
type Load struct {
	Appenders int
	Batch     int
	Duration  time.Duration
}

// The shape of a record of the benchmark, in bytes: 500 with the 16 of its id.
const (
	RecordBytes = 500

	streamBytes  = 44
	typeName     = "DataCollected.v1"
	metaBytes    = 150
	dataBytes    = RecordBytes - 16 - streamBytes - len(typeName) - metaBytes
	streamEvents = 10 // events in a stream, when they come one by one
)

// Rate is the result of one measurement.
type Rate struct {
	Events  int
	Elapsed time.Duration
}

// PerSecond gives events per second.
func (r Rate) PerSecond() float64 { return float64(r.Events) / r.Elapsed.Seconds() }

// StreamName names the n-th stream of a run; other tags give other streams.
func StreamName(tag uint32, n uint64) string {
	var id uuid.UUID
	binary.BigEndian.PutUint32(id[:], tag)
	binary.BigEndian.PutUint64(id[8:], n)
	return "subject-" + id.String()
}

func document(size int) []byte {
	return []byte(`{"field":"` + strings.Repeat("v", size-len(`{"field":""}`)) + `"}`)
}

// maker makes the events of one appender; only their ids differ.
type maker struct {
	tag  uint64
	made uint64
	data []byte
	meta []byte
}

func newMaker(tag uint64) *maker {
	return &maker{tag: tag, data: document(dataBytes), meta: document(metaBytes)}
}

func (m *maker) fill(batch []eventstore.Event) {
	for i := range batch {
		m.made++
		e := &batch[i]
		binary.BigEndian.PutUint64(e.ID[:], m.tag+1)
		binary.BigEndian.PutUint64(e.ID[8:], m.made)
		e.Type, e.Data, e.Meta = typeName, m.data, m.meta
	}
}

// drive runs the appenders until the time is over and counts what they have appended.
func (l Load) drive(ctx context.Context, appender func(n int) (func(context.Context) error, error)) (Rate, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var events atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for n := range l.Appenders {
		step, err := appender(n)
		if err != nil {
			return Rate{}, err
		}
		wg.Go(func() {
			for time.Since(start) < l.Duration && ctx.Err() == nil {
				if err := step(ctx); err != nil {
					cancel(err)
					return
				}
				events.Add(int64(l.Batch))
			}
		})
	}
	wg.Wait()
	return Rate{Events: int(events.Load()), Elapsed: time.Since(start)}, context.Cause(ctx)
}

// Append drives the load against a store. Single events go to streams of ten events each, a batch makes a
// stream of its own. The tag tells the streams of one measurement from those of another.
func Append(ctx context.Context, store eventstore.Appender, tag uint32, l Load) (Rate, error) {
	return l.drive(ctx, func(n int) (func(context.Context) error, error) {
		m := newMaker(uint64(tag)<<32 | uint64(n))
		batch := make([]eventstore.Event, l.Batch)
		head, stream := eventstore.NoStream, uint64(n)<<32
		name := StreamName(tag, stream)
		return func(ctx context.Context) error {
			m.fill(batch)
			done, err := store.Append(ctx, name, head, batch)
			if err != nil {
				return fmt.Errorf("benchmark: %w", err)
			}
			if head = done.Revision; head+1 >= streamEvents {
				stream++
				head, name = eventstore.NoStream, StreamName(tag, stream)
			}
			return nil
		}, nil
	})
}

// Fill appends records to streams in turn, in batches of a few events, so that the events of a stream lie
// apart as in a real log. The streams are StreamName(tag, 0) to StreamName(tag, streams-1), and get
// records/streams events each, appended in rounds of one event a stream.
func Fill(ctx context.Context, store eventstore.Appender, tag uint32, records, streams int) error {
	const appenders = 256
	var wg sync.WaitGroup
	errs := make(chan error, appenders)
	for n := range appenders {
		wg.Go(func() {
			m := newMaker(uint64(tag)<<32 | uint64(n))
			event := make([]eventstore.Event, 1)
			for round := range records / streams {
				for s := n; s < streams; s += appenders {
					m.fill(event)
					if _, err := store.Append(ctx, StreamName(tag, uint64(s)), int64(round)-1, event); err != nil {
						errs <- fmt.Errorf("benchmark: %w", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}
