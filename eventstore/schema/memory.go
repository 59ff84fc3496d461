package schema

import (
	"encoding/binary"
	"time"
)

// memory is what a coder remembers from one document to the next. It makes reading cheaper and changes
// nothing of what is read.
type memory struct {
	// texts are short strings that documents repeat again and again (fields, purposes, services), so that a
	// million events share one copy of each. They are bounded: a newer string takes an older one's place.
	texts   [512]string
	scratch []any // an empty event of each type, by its number

	dayText [dayLen]byte // the day of the time that was read last, as it is written
	day     time.Time    // the same
}

// time reads what writeTime writes. The zero time is no time here.
func (m *memory) time(s *[timeLen]byte) (time.Time, bool) {
	if [dayLen]byte(s[:dayLen]) != m.dayText {
		day, ok := parseDay(s[:dayLen])
		if !ok {
			return time.Time{}, false
		}
		m.dayText, m.day = [dayLen]byte(s[:dayLen]), day
	}
	clock, ok := parseClock(s[dayLen:])
	t := m.day.Add(clock)
	return t, ok && !t.IsZero()
}

// maxShared is the longest string worth remembering: longer ones are digests and names, which vary.
const maxShared = 24

// text gives the string of the bytes.
func (m *memory) text(b []byte) string {
	if len(b) == 0 || len(b) > maxShared {
		return string(b)
	}
	slot := &m.texts[placeOf(b)%uint64(len(m.texts))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

// placeOf spreads strings by their ends, which is where they differ most.
func placeOf(b []byte) uint64 {
	var first, last uint64
	switch n := len(b); {
	case n >= 8:
		first, last = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		first, last = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[n-4:]))
	default:
		first, last = uint64(b[0]), uint64(b[n-1])
	}
	h := (first ^ uint64(len(b))) * 0x9e3779b97f4a7c15
	h = (h ^ h>>32 ^ last) * 0x9e3779b97f4a7c15
	return h >> 40
}
