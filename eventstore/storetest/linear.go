package storetest

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// call is one operation on a stream: an append of ids, or (no ids) a look at the head.
type call struct {
	stream   string
	expected int64
	ids      string // of the batch, one after the other
}

// answer is what it gave.
type answer struct {
	revision int64
	conflict bool
}

const idLen = len(uuid.UUID{})

// streamModel is a stream as a string of ids: the whole contract of Append in one step.
func streamModel() porcupine.Model {
	return porcupine.Model{
		Partition: byStream,
		Init:      func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			ids, in, out := state.(string), input.(call), output.(answer)
			head := int64(len(ids)/idLen) - 1
			if in.ids == "" {
				return out.revision == head, ids
			}
			answered := out.revision == in.expected+int64(len(in.ids)/idLen) && !out.conflict
			switch {
			case in.expected == head:
				return answered, ids + in.ids
			case in.expected < head && strings.HasPrefix(ids[(in.expected+1)*int64(idLen):], in.ids):
				return answered, ids
			}
			return out.conflict, ids
		},
	}
}

func byStream(history []porcupine.Operation) [][]porcupine.Operation {
	parts := map[string][]porcupine.Operation{}
	for _, op := range history {
		s := op.Input.(call).stream
		parts[s] = append(parts[s], op)
	}
	var all [][]porcupine.Operation
	for _, part := range parts {
		all = append(all, part)
	}
	return all
}

// linearizable records what concurrent clients asked and were told, and looks for one order that explains
// it all.
func linearizable(t *testing.T, e *env) {
	const clients, calls = 8, 40
	streams := []string{e.Stream(), e.Stream(), e.Stream()}
	began := time.Now()
	var mu sync.Mutex
	var wg sync.WaitGroup
	var history []porcupine.Operation
	for c := range clients {
		wg.Go(func() {
			known := map[string]int64{} // heads as this client last saw them
			var last call
			for range calls {
				in := e.nextCall(streams, known, last)
				start := time.Since(began).Nanoseconds()
				out, err := e.do(in)
				end := time.Since(began).Nanoseconds()
				if err != nil {
					t.Errorf("client %d: %v", c, err)
					return
				}
				if last = in; !out.conflict {
					known[in.stream] = out.revision
				} else {
					delete(known, in.stream)
				}
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: c, Input: in, Call: start, Output: out, Return: end})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got := porcupine.CheckOperationsTimeout(streamModel(), history, hang); got != porcupine.Ok {
		t.Errorf("the history of %d calls is not linearizable: %v", len(history), got)
	}
}

// nextCall asks for the head when the client knows none, appends to it otherwise, and now and then repeats
// the last append.
func (e *env) nextCall(streams []string, known map[string]int64, last call) call {
	if last.ids != "" && e.Intn(5) == 0 {
		return last
	}
	s := streams[e.Intn(len(streams))]
	head, ok := known[s]
	if !ok || e.Intn(4) == 0 {
		return call{stream: s}
	}
	var ids strings.Builder
	for range 1 + e.Intn(2) {
		id := e.Event().ID
		ids.Write(id[:])
	}
	return call{stream: s, expected: head, ids: ids.String()}
}

// do carries out one call on the store.
func (e *env) do(in call) (answer, error) {
	if in.ids == "" {
		head, err := e.StreamHead(e.ctx, in.stream)
		return answer{revision: head}, err
	}
	var batch []eventstore.Event
	for at := 0; at < len(in.ids); at += idLen {
		batch = append(batch, eventstore.Event{ID: uuid.UUID([]byte(in.ids[at : at+idLen])), Type: "Called.v1"})
	}
	got, err := e.Append(e.ctx, in.stream, in.expected, batch)
	if errors.Is(err, eventstore.ErrWrongRevision) {
		return answer{conflict: true}, nil
	}
	return answer{revision: got.Revision}, err
}
