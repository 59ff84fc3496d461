package esdbtest

import "github.com/google/uuid"

// expectKind is what an append says of the stream it goes to.
type expectKind int

const (
	expectRevision expectKind = iota // the stream ends at exactly this revision; noRevision: no events
	expectAny
	expectExists
)

type expectation struct {
	kind     expectKind
	revision int64
}

// verdict is what the server decides about an append before it writes.
type verdict int

const (
	accept  verdict = iota
	repeat          // written before: answer as then
	wrong           // expected revision does not hold, or the ids fit only in part
	deleted         // the stream is tombstoned, or soft-deleted where it must exist
)

// outcome is the answer to an append or a delete.
type outcome struct {
	verdict  verdict
	revision int64 // of the last event given, or the current one; noRevision when the stream has none
	position uint64
	current  int64 // revision found, for wrong
}

// append writes the events to one stream, whole or not at all.
func (l *Log) append(name string, want expectation, events []proposed) outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.check(name, want, eventIDs(events))
	if out.verdict != accept {
		return out
	}
	if soft := l.metadata(name); soft.softDeleted() && len(events) > 0 {
		l.undelete(name, soft)
	}
	out.position = l.tail
	if len(events) == 0 {
		l.tail += recordOverhead // an empty commit is in the log, nobody sees it
	}
	for _, p := range events {
		e := l.write(name, p)
		out.revision, out.position = e.revision, e.pos
	}
	return out
}

func eventIDs(events []proposed) []uuid.UUID {
	ids := make([]uuid.UUID, len(events))
	for i, e := range events {
		ids[i] = e.id
	}
	return ids
}

// check decides about an append. Explicit revisions are checked against the stream itself, which is exact
// and survives restarts; Any and StreamExists only against the cache of recent ids.
func (l *Log) check(name string, want expectation, ids []uuid.UUID) outcome {
	current, gone := l.last(name)
	out := outcome{revision: current, current: current}
	switch {
	case gone:
		out.verdict = deleted
	case want.kind == expectExists && l.metadata(name).softDeleted():
		out.verdict = deleted
	case want.kind == expectExists && current == noRevision && len(l.history(metaPrefix+name)) == 0:
		out.verdict = wrong
	case want.kind != expectRevision:
		l.checkRecent(name, ids, &out)
	case want.revision < current:
		l.checkHistory(name, want.revision, ids, &out)
	case want.revision > current:
		out.verdict = wrong
	}
	return out
}

func (l *Log) checkRecent(name string, ids []uuid.UUID, out *outcome) {
	for i, id := range ids {
		e, known := l.recent.find(name, id)
		if !known && i == 0 {
			return // new, even if later ids are known
		}
		if !known {
			out.verdict = wrong
			return
		}
		out.verdict, out.revision, out.position = repeat, e.revision, e.pos
	}
}

func (l *Log) checkHistory(name string, expected int64, ids []uuid.UUID, out *outcome) {
	history := l.history(name)
	out.verdict = wrong
	for i, id := range ids {
		at := expected + 1 + int64(i)
		if at >= int64(len(history)) || history[at].id != id {
			out.verdict = wrong
			if i == 0 && expected == noRevision && l.metadata(name).softDeleted() {
				out.verdict = accept
			}
			return
		}
		out.verdict, out.revision, out.position = repeat, at, history[at].pos
	}
}

// last gives the stream's last revision and whether it is tombstoned; a metadata stream shares the fate of
// the stream it describes.
func (l *Log) last(name string) (revision int64, tombstoned bool) {
	if len(name) > len(metaPrefix) && name[:len(metaPrefix)] == metaPrefix {
		if s := l.streams[name[len(metaPrefix):]]; s != nil && s.tombstoned {
			return deletedStream, true
		}
	}
	s := l.streams[name]
	if s == nil {
		return noRevision, false
	}
	if s.tombstoned {
		return deletedStream, true
	}
	return int64(len(s.entries)) - 1, false
}

func (l *Log) history(name string) []*entry {
	if s := l.streams[name]; s != nil {
		return s.entries
	}
	return nil
}
