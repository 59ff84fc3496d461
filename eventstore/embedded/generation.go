package embedded

import (
	"iter"
	"slices"
	"strings"
)

// generation is a piece of the index that is in memory only: a contiguous stretch of the newest records.
// Streams stand in it by name, so nothing in it can collide. It is not safe for concurrent use.
type generation struct {
	first   uint64 // the record that it begins with
	next    uint64 // the record after its last
	streams map[string]*stretch
}

// stretch is the part of one stream that lies in a generation.
type stretch struct {
	rev  int64    // revision of the first event
	seqs []uint64 // where the events stand
}

func newGeneration(first uint64) *generation {
	return &generation{first: first, next: first, streams: make(map[string]*stretch)}
}

func (g *generation) count() uint64 { return g.next - g.first }

// add takes the next record of the log.
func (g *generation) add(stream string, rev int64) {
	s, ok := g.streams[stream]
	if !ok {
		s = &stretch{rev: rev}
		// The caller's string may be a piece of something large.
		g.streams[strings.Clone(stream)] = s
	}
	s.seqs = append(s.seqs, g.next)
	g.next++
}

// addMany takes the next n records, all of one stream.
func (g *generation) addMany(stream string, rev int64, n int) {
	for i := range n {
		g.add(stream, rev+int64(i))
	}
}

// head gives the revision of the last event that the generation has of the stream.
func (g *generation) head(stream string) (int64, bool) {
	s, ok := g.streams[stream]
	if !ok {
		return 0, false
	}
	return s.rev + int64(len(s.seqs)) - 1, true
}

// window appends the entries of the stream with from <= revision < to.
func (g *generation) window(into []entry, stream string, hash uint64, from, to int64) []entry {
	s, ok := g.streams[stream]
	if !ok {
		return into
	}
	for rev := max(from, s.rev); rev < min(to, s.rev+int64(len(s.seqs))); rev++ {
		into = append(into, entry{hash: hash, rev: rev, seq: s.seqs[rev-s.rev]})
	}
	return into
}

// sorted gives all entries in the order of a run.
func (g *generation) sorted(hashOf func(string) uint64) []entry {
	entries := make([]entry, 0, g.count())
	for stream, s := range g.streams {
		hash := hashOf(stream)
		for i, seq := range s.seqs {
			entries = append(entries, entry{hash: hash, rev: s.rev + int64(i), seq: seq})
		}
	}
	slices.SortFunc(entries, compareEntries)
	return entries
}

// each makes a sequence that can't fail of a slice.
func each(entries []entry) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}
