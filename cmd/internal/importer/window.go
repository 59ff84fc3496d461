package importer

import "crypto/sha256"

// digest stands for a line in the window; it stays in memory and goes with the process.
type digest [16]byte

func digestOf(line []byte) digest {
	sum := sha256.Sum256(line)
	return digest(sum[:16])
}

// window counts identical lines that stand near one another, so that two visits of one second that read
// the same are two visits, while the same line met again by a second run is the same one. It looks back
// over a fixed number of lines: identical lines of a log carry the same second and so stand close.
type window struct {
	ring  []digest
	next  int
	full  bool
	count map[digest]int
}

func newWindow(size int) *window {
	return &window{ring: make([]digest, size), count: make(map[digest]int, size)}
}

// occurrence tells how many identical lines stand in the window before this one, and takes it in.
func (w *window) occurrence(line []byte) int {
	d := digestOf(line)
	if w.full {
		w.forget(w.ring[w.next])
	}
	w.ring[w.next] = d
	w.next++
	if w.next == len(w.ring) {
		w.next, w.full = 0, true
	}
	before := w.count[d]
	w.count[d] = before + 1
	return before
}

func (w *window) forget(d digest) {
	if w.count[d]--; w.count[d] == 0 {
		delete(w.count, d)
	}
}
