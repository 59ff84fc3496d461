package esdbtest

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// streamMeta is what a $$ stream says about its stream.
type streamMeta struct {
	TruncateBefore int64 `json:"$tb"`
	MaxCount       int64 `json:"$maxCount"`
	MaxAge         int64 `json:"$maxAge"` // seconds
	raw            map[string]json.RawMessage
}

// softDeleted reports a stream that was deleted and may come back.
func (m streamMeta) softDeleted() bool { return m.TruncateBefore == deletedStream }

// metadata reads the last record of the $$ stream. Metadata streams themselves keep one record, by a rule
// that nobody can change.
func (l *Log) metadata(name string) streamMeta {
	if len(name) >= len(metaPrefix) && name[:len(metaPrefix)] == metaPrefix {
		return streamMeta{MaxCount: 1}
	}
	records := l.history(metaPrefix + name)
	if len(records) == 0 {
		return streamMeta{}
	}
	last := records[len(records)-1]
	var m streamMeta
	if json.Unmarshal(last.data, &m) != nil || json.Unmarshal(last.data, &m.raw) != nil {
		return streamMeta{} // the server ignores metadata that it can't read
	}
	return m
}

// writeMetadata appends a $metadata record that keeps every other property and sets $tb.
func (l *Log) writeMetadata(name string, m streamMeta, truncateBefore int64) *entry {
	props := map[string]json.RawMessage{}
	for k, v := range m.raw {
		props[k] = v
	}
	tb, _ := json.Marshal(truncateBefore) // an integer always marshals
	props["$tb"] = tb
	data, _ := json.Marshal(props)
	return l.write(metaPrefix+name, proposed{id: uuid.New(), typ: typeMetadata, json: true, data: data})
}

// undelete lets a soft-deleted stream go on after its last revision.
func (l *Log) undelete(name string, m streamMeta) {
	l.writeMetadata(name, m, int64(len(l.history(name))))
}

// delete soft-deletes the stream: everything written so far is truncated, new events may follow.
func (l *Log) delete(name string, want expectation) outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.check(name, want, []uuid.UUID{uuid.New()})
	if out.verdict == accept {
		out.position = l.writeMetadata(name, l.metadata(name), deletedStream).pos
	}
	return out
}

// tombstone ends the stream for good.
func (l *Log) tombstone(name string, want expectation) outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.check(name, want, []uuid.UUID{uuid.New()})
	if out.verdict != accept {
		return out
	}
	s := l.streams[name]
	if s == nil {
		s = &stream{}
		l.streams[name] = s
	}
	s.tombstoned = true
	e := l.newEntry(name, deletedStream, proposed{id: uuid.New(), typ: typeDeleted})
	l.commit(e)
	out.position = e.pos
	return out
}

// visible tells whether a stream read shows the event. $all does not ask: there, only a scavenge removes.
func (m streamMeta) visible(e *entry, last int64, now time.Time) bool {
	if e.revision < m.TruncateBefore {
		return false
	}
	if m.MaxCount > 0 && e.revision <= last-m.MaxCount {
		return false
	}
	return m.MaxAge <= 0 || !e.created.Before(now.Add(-time.Duration(m.MaxAge)*time.Second))
}
