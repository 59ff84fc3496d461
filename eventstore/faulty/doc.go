// Package faulty makes storage fail on purpose: the i-th operation of a SQLite file (VFS), of plain files
// (FS) or of a whole store (Store), each in several flavours. One Injector counts and decides for all of
// them, so that a store with files of both kinds is failed over its whole I/O.
//
// The way to use it is Loop: the same story with i = 1, 2, 3 ... until it runs through untouched, and after
// each round a check that nothing acknowledged is missing.
//
// The shared memory of the WAL index is not counted: it is mapped, not written by calls, and it is rebuilt
// after a crash.
package faulty
