// Package keydb is the key store in one SQLite file.
//
// One goroutine writes: it takes all calls that wait and commits them together, so that a hundred callers
// share one fsync. Readers have connections of their own, and a warm key comes out of memory without
// touching the file.
//
// # Erasure in a B-tree
//
// SQLite's secure_delete promises zeros over the cell that is deleted. It says nothing of the copies that
// page splits can leave behind in unallocated space; the version in use zeroes them too, by our test, but
// erasure must not rest on that. So what must vanish is kept where no cell ever moves. Wrapped keys (table
// secrets) and tags (table tags) have a fixed length and stand in tables whose row ids only rise, where
// SQLite appends pages and never splits one, and destroying them writes zeros of the same length over the
// same bytes. The index over the tags holds 16 bits of each, too few to tell one value from the many that
// share them. After each destruction the WAL, which still has the older page, is copied back and cut to
// nothing. What the file system or the disk's own firmware keeps of overwritten blocks is beyond this
// package; that the bytes are wrapped under a master key which is itself wrapped elsewhere is the answer to it.
package keydb
