package keys

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"imagine.ua/litopys/eventstore/seal"
)

// cachedTags is how many recorded tags are remembered beside a key, so that a warm Ensure with a tag needs
// no I/O. Attributes have one value, and so one tag, for each key.
const cachedTags = 4

// Entry is a cached key with the tags known to be recorded for it. It is never changed once others know it.
type Entry struct {
	Key  Key
	tags []Tag
}

// NewEntry makes an entry of a key whose recorded tags are not known. It makes the key's cipher.
func NewEntry(k Key) *Entry { return &Entry{Key: k.Prepared()} }

// Unwrap puts the secret into the entry of a key that was read without it, and makes its cipher: NewEntry of
// Master.Unwrap, without copies of the key. A destroyed key has neither, and needs no master key. The error is
// ErrUnwrap.
func (e *Entry) Unwrap(m *Master, wrapped []byte) error {
	if e.Key.State == Destroyed {
		return nil
	}
	if err := m.unwrap(&e.Key, wrapped); err != nil {
		return err
	}
	e.Key.cipher = seal.NewCipher(e.Key.ID, &e.Key.Secret)
	return nil
}

// WithTag gives a copy of the entry that knows the tag.
func (e *Entry) WithTag(tag Tag) *Entry {
	known := e.tags
	if len(known) == cachedTags {
		known = known[1:]
	}
	return &Entry{Key: e.Key, tags: append(slices.Clone(known), tag)}
}

// Has reports whether the tag is known to be recorded. Nil, for no tag, always is.
func (e *Entry) Has(tag *Tag) bool { return tag == nil || slices.Contains(e.tags, *tag) }

// Cache keeps keys in memory, by address and by id, bounded. What Drop has dropped never comes back from a
// reader who had read it before: he gives the generation in which he began, and is too late. It is safe for
// concurrent use.
type Cache struct {
	byRef *otter.Cache[Ref, *Entry]
	byID  *otter.Cache[uuid.UUID, *Entry]

	generation atomic.Uint64
	mu         sync.RWMutex // held for writing while a generation ends, for reading while entries are put
}

// NewCache makes a cache of at most size keys. A key takes about 1.5 KiB.
func NewCache(size int) *Cache {
	return &Cache{
		byRef: otter.Must(&otter.Options[Ref, *Entry]{MaximumSize: size}),
		byID:  otter.Must(&otter.Options[uuid.UUID, *Entry]{MaximumSize: size}),
	}
}

// ByRef finds a key by its address.
func (c *Cache) ByRef(ref Ref) (*Entry, bool) { return c.byRef.GetIfPresent(ref) }

// ByID finds a key by its id.
func (c *Cache) ByID(id uuid.UUID) (*Entry, bool) { return c.byID.GetIfPresent(id) }

// Generation is what Put must be given; take it before reading the store.
func (c *Cache) Generation() uint64 { return c.generation.Load() }

// Put remembers an entry that was read from the store in the given generation, by its address and its id.
func (c *Cache) Put(generation uint64, e *Entry) {
	c.during(generation, func() {
		c.byRef.Set(e.Key.Ref, e)
		c.byID.Set(e.Key.ID, e)
	})
}

// PutOpened is Put for keys that were wanted by their ids. Who opens values seldom seals under the same keys,
// and to remember addresses costs as much as to read the keys.
func (c *Cache) PutOpened(generation uint64, opened []*Entry) {
	c.during(generation, func() {
		for _, e := range opened {
			c.byID.Set(e.Key.ID, e)
		}
	})
}

// during runs put unless the generation is over. None ends meanwhile.
func (c *Cache) during(generation uint64, put func()) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.generation.Load() == generation {
		put()
	}
}

// Drop forgets keys whose state has changed in the store, and ends the generation.
func (c *Cache) Drop(changed []Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation.Add(1)
	for _, k := range changed {
		c.byRef.Invalidate(k.Ref)
		c.byID.Invalidate(k.ID)
	}
}

// Clear forgets everything.
func (c *Cache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation.Add(1)
	c.byRef.InvalidateAll()
	c.byID.InvalidateAll()
}
