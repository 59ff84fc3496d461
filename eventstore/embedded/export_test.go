package embedded

// Collide makes the streams of a store that has no records yet share a few hashes.
func Collide(s *Store) {
	s.index.hash = func(stream string) uint64 { return uint64(len(stream)) << 62 }
}
