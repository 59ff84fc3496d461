package keydb

import (
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// Passed is Follow without fates that does not wait: the position is written with the next keys that are made,
// and costs no commit of its own. A log that has lost its end is told by it, also after a crash.
func (s *Store) Passed(position uint64) { s.writer.passed.Store(position) }

// CarryOut is a no-op for what was followed before, but for the cleaning that a failed call left undone. When
// it returns nil, the new states are durable, the cache does not know the old ones, and neither the file nor
// its WAL holds the bytes and tags of what was destroyed.
func (w *writer) CarryOut(position uint64, fates []domain.Fate) error {
	if position > w.followed {
		f := &followed{conn: w.conn, now: w.cfg.Now()}
		err := w.conn.Tx(func() error { return f.apply(position, fates) })
		// Even after a failed commit: what it would have changed is read anew from the file.
		w.cache.Drop(f.changed)
		if err != nil {
			return err
		}
		w.followed = position
		w.unclean = w.unclean || f.erased
	}
	return w.clean()
}

// clean takes what was erased out of the WAL.
func (w *writer) clean() error {
	if !w.unclean {
		return nil
	}
	if err := w.conn.Checkpoint(); err != nil {
		return fmt.Errorf("destroyed or old wrapped keys may still stand in the WAL: %w", err)
	}
	w.unclean = false
	return nil
}

// followed is the transaction of one Follow.
type followed struct {
	conn    *sqlite.Conn
	now     time.Time
	changed []keys.Key
	erased  bool
}

func (f *followed) apply(position uint64, fates []domain.Fate) error {
	for _, fate := range fates {
		if err := f.carryOut(fate); err != nil {
			return err
		}
	}
	return f.conn.Run("UPDATE meta SET followed = ?", position)
}

func (f *followed) carryOut(fate domain.Fate) error {
	ref := keys.RefOf(fate)
	if fate.Through {
		return f.through(ref, fate)
	}
	r, found, err := findRef(f.conn, ref)
	if err != nil {
		return err
	}
	if !found {
		return f.tombstone(ref)
	}
	return f.change(r, fate)
}

// tombstone closes a ref that never had a key, so that a writer who lost the race against its fate can't
// make one.
func (f *followed) tombstone(ref keys.Ref) error {
	return bury(f.conn, keys.Gone{ID: keys.NewID(), Ref: ref, At: f.now})
}

// through carries the fate to the live keys of the field up to the epoch and closes the epochs that have no
// key. When they are closed already, it carries a later word about that decision to what it had retained.
func (f *followed) through(ref keys.Ref, fate domain.Fate) error {
	closed, err := closedThrough(f.conn, ref)
	if err != nil {
		return err
	}
	query, args := liveOf, []any{ref.Subject.UUID, string(ref.Field)}
	if closed {
		query, args = retainedThrough, append(args, string(ref.Epoch))
	}
	var reached []row
	for s, err := range f.conn.Rows(query, args...) {
		if err != nil {
			return err
		}
		if r := scan(s); !keys.Earlier(ref.Epoch, r.key.Ref.Epoch) && sameKind(ref.Epoch, r.key.Ref.Epoch) {
			reached = append(reached, r)
		}
	}
	for _, r := range reached {
		if err := f.change(r, fate); err != nil {
			return err
		}
	}
	if closed {
		return nil
	}
	kind, _ := keys.KindOf(ref.Epoch)
	return f.conn.Run("INSERT OR REPLACE INTO closed (subject, field, kind, through) VALUES (?, ?, ?, ?)",
		ref.Subject.UUID, string(ref.Field), string(kind), string(ref.Epoch))
}

func sameKind(a, b domain.Epoch) bool {
	kind, _ := keys.KindOf(a)
	other, _ := keys.KindOf(b)
	return kind == other
}

// change moves a key forward. A retained key that is retained again takes the later fact's term and rule: a
// hold makes its end unknown, the end of the hold gives the term back.
func (f *followed) change(r row, fate domain.Fate) error {
	if r.key.State == keys.Destroyed {
		return nil
	}
	f.changed = append(f.changed, r.key)
	if fate.Action == domain.Retain {
		if err := f.conn.Run("UPDATE keys SET state = 2, until = ?, rule = ? WHERE n = ?", fate.Until, fate.Rule, r.n); err != nil || !fate.Through {
			return err
		}
		return f.conn.Run("UPDATE keys SET through = ? WHERE n = ?", string(fate.Epoch), r.n)
	}
	return f.erase(r)
}

// erase leaves a tombstone. Bytes and tags are overwritten in their place, never deleted: see the package
// comment.
func (f *followed) erase(r row) error {
	f.erased = true
	if err := f.conn.Run("UPDATE keys SET state = 3, until = NULL, rule = NULL, destroyed = ?, owed = 1 WHERE n = ?", f.now, r.n); err != nil {
		return err
	}
	if err := f.conn.Run("UPDATE secrets SET wrapped = zeroblob(60) WHERE n = ?", r.n); err != nil {
		return err
	}
	return f.eraseTags(r.n)
}

func (f *followed) eraseTags(key int64) error {
	type recorded struct {
		n   int64
		tag keys.Tag
	}
	var tags []recorded
	for s, err := range f.conn.Rows("SELECT n, tag FROM tags WHERE key = ?", key) {
		if err != nil {
			return err
		}
		tags = append(tags, recorded{n: s.ColumnInt64(0), tag: columnTag(s, 1)})
	}
	for _, t := range tags {
		if err := f.conn.Run("DELETE FROM buckets WHERE bucket = ? AND tag = ?", int(t.tag.Bucket()), t.n); err != nil {
			return err
		}
		if err := f.conn.Run("UPDATE tags SET tag = zeroblob(32) WHERE n = ?", t.n); err != nil {
			return err
		}
	}
	return nil
}

func columnTag(s *sqlite3.Stmt, col int) (tag keys.Tag) {
	copy(tag[:], s.ColumnRawBlob(col))
	return tag
}
