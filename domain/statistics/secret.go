package statistics

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"
)

// Secret is all the chance of one publication: which cells are left out beside the small ones, and which way each
// figure is rounded. It is random, used once and destroyed when the month is closed: whoever had it could work the
// figures backwards. It is handed on by pointer, so that clearing it leaves no copy.
type Secret [32]byte

// Group stands for the persons of a cell or of a table: a sum of their keys. What is drawn for a group depends on
// who is in it and on nothing else, so that the same persons get the same figure wherever they stand, and no second
// table takes anything from the uncertainty of the first. Statistical offices call this the cell-key method.
type Group struct {
	Key     uint64
	Persons int64
}

// Join adds a person to the group.
func (g *Group) Join(person uint64) {
	g.Key += person
	g.Persons++
}

// Person gives the key of a person in this publication.
func (s *Secret) Person(id uuid.UUID) uint64 {
	return s.hash('p', binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:]))
}

// Order gives the number by which a group is left out beside the small ones, above 0 and up to 1.
func (s *Secret) Order(g Group) float64 { return fraction(s.hash('o', g.Key, uint64(g.Persons))) }

// Round gives the number by which a group's figure is rounded, above 0 and up to 1.
func (s *Secret) Round(g Group) float64 { return fraction(s.hash('r', g.Key, uint64(g.Persons))) }

// hash is a keyed hash: all messages are of one length, so that nothing can be appended to one. The block is cleared,
// so that no copy of the secret outlives it.
func (s *Secret) hash(use byte, a, b uint64) uint64 {
	var block [len(s) + 17]byte
	copy(block[:], s[:])
	block[len(s)] = use
	binary.BigEndian.PutUint64(block[len(s)+1:], a)
	binary.BigEndian.PutUint64(block[len(s)+9:], b)
	sum := sha256.Sum256(block[:])
	clear(block[:])
	return binary.BigEndian.Uint64(sum[:])
}

// fraction makes a number above 0 and up to 1 of 53 bits, as many as a float64 tells apart.
func fraction(n uint64) float64 { return (float64(n>>11) + 1) / (1 << 53) }

// Renew puts another secret in place of this one, made from it and telling nothing of it.
func (s *Secret) Renew() {
	var next Secret
	for i := range len(s) / 8 {
		binary.BigEndian.PutUint64(next[8*i:], s.hash('n', uint64(i), 0))
	}
	*s = next
	clear(next[:])
}
