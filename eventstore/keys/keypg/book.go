package keypg

import (
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// book is what the fates of one Follow are about, in memory: they are carried out here, one after the other,
// and what has come of it is written in a few statements.
type book struct {
	rows  map[keys.Ref]*entry
	at    map[place][]*entry // by field and way of counting
	marks map[place]domain.Epoch

	tombstones []keys.Ref     // refs closed before they had a key
	marked     map[place]bool // marks that were moved
}

// entry is a key in the book.
type entry struct {
	key     keys.Key
	through domain.Epoch // of the fate through the field that has retained it
	changed bool
	made    bool // a tombstone of this Follow
}

func newBook(rows []numbered, marks map[place]domain.Epoch) *book {
	b := &book{rows: map[keys.Ref]*entry{}, at: map[place][]*entry{}, marks: marks, marked: map[place]bool{}}
	for _, r := range rows {
		b.add(&entry{key: r.key, through: r.through})
	}
	return b
}

func (b *book) add(e *entry) {
	b.rows[e.key.Ref] = e
	p := placeOf(e.key.Ref)
	b.at[p] = append(b.at[p], e)
}

// carryOut brings the book in line with one fate.
func (b *book) carryOut(fate domain.Fate) {
	ref := keys.RefOf(fate)
	if fate.Through {
		b.carryThrough(ref, fate)
	} else if e, ok := b.rows[ref]; ok {
		e.change(fate)
	} else {
		// A writer who lost the race against the fate must not make a key.
		b.add(&entry{key: keys.Key{ID: keys.NewID(), Ref: ref, State: keys.Destroyed}, made: true})
		b.tombstones = append(b.tombstones, ref)
	}
}

// carryThrough carries the fate to the live keys of the field up to the epoch and closes the epochs that have
// no key. When they are closed already, it carries a later word about that decision to what it had retained.
func (b *book) carryThrough(ref keys.Ref, fate domain.Fate) {
	p, closed := placeOf(ref), isClosed(b.marks, ref)
	for _, e := range b.at[p] {
		reached := e.key.State == keys.Live && !keys.Earlier(ref.Epoch, e.key.Ref.Epoch)
		if closed {
			reached = e.key.State == keys.Retained && e.through == ref.Epoch
		}
		if reached {
			e.change(fate)
			e.through = ref.Epoch
		}
	}
	if !closed {
		b.marks[p], b.marked[p] = ref.Epoch, true
	}
}

// change moves a key forward. A retained key that is retained again takes the later fact's term and rule: a
// hold makes its end unknown, the end of the hold gives the term back.
func (e *entry) change(fate domain.Fate) {
	if e.key.State == keys.Destroyed {
		return
	}
	e.changed = true
	if fate.Action == domain.Retain {
		e.key.State, e.key.Until, e.key.Rule = keys.Retained, fate.Until, fate.Rule
		return
	}
	e.key.State, e.key.Until, e.key.Rule = keys.Destroyed, time.Time{}, ""
}

// destroyed gives the keys that this Follow has destroyed, by shelf.
func (b *book) destroyed() map[int16][]uuid.UUID {
	gone := map[int16][]uuid.UUID{}
	for _, e := range b.rows {
		if e.changed && e.key.State == keys.Destroyed {
			shelf := shelfOf(e.key.Ref.Subject)
			gone[shelf] = append(gone[shelf], e.key.ID)
		}
	}
	return gone
}
