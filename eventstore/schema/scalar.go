package schema

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// id walks a required id.
func (c *coder) id(name string, v *uuid.UUID) {
	if c.writing && *v == uuid.Nil {
		c.missing(name)
		return
	}
	if !c.need(name) {
		return
	}
	c.bareID(v)
	if c.err == nil && *v == uuid.Nil {
		c.missing(name)
	}
}

// maybeID walks an optional id; the nil one is left out.
func (c *coder) maybeID(name string, v *uuid.UUID) {
	if (c.writing && *v == uuid.Nil) || !c.key(name) {
		return
	}
	c.bareID(v)
	if c.err == nil && *v == uuid.Nil {
		c.malformed("no nil " + name)
	}
}

// idLen is the length of an id in its quotes: 8-4-4-4-12 digits.
const idLen = 38

// bareID walks an id without a key, in lower case.
func (c *coder) bareID(v *uuid.UUID) {
	if c.err != nil {
		return
	}
	if c.writing {
		c.b = appendID(c.b, *v)
		return
	}
	if len(c.b)-c.pos < idLen || !parseID((*[idLen]byte)(c.b[c.pos:]), v) {
		c.malformed("an id in lower case")
		return
	}
	c.pos += idLen
}

const hexDigits = "0123456789abcdef"

func appendID(b []byte, id uuid.UUID) []byte {
	b = append(b, '"')
	for i, x := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, hexDigits[x>>4], hexDigits[x&15])
	}
	return append(b, '"')
}

// idPlaces is where the two digits of each byte of an id stand.
var idPlaces = [...]uint8{1, 3, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 29, 31, 33, 35}

// parseID reads what appendID writes and nothing else.
func parseID(s *[idLen]byte, id *uuid.UUID) bool {
	if s[0] != '"' || s[9] != '-' || s[14] != '-' || s[19] != '-' || s[24] != '-' || s[idLen-1] != '"' {
		return false
	}
	var wrong uint8
	for i, at := range idPlaces {
		hi, lo := hexValue[s[at]], hexValue[s[at+1]]
		wrong |= hi | lo
		id[i] = hi<<4 | lo
	}
	return wrong <= 15
}

// hexValue is what a digit of hexDigits stands for; more than 15 for every other byte.
var hexValue = func() (t [256]uint8) {
	for ch := range t {
		t[ch] = 0xff
	}
	for value, ch := range []byte(hexDigits) {
		t[ch] = uint8(value) // #nosec G115 -- below 16
	}
	return t
}()

// moment walks a required time.
func (c *coder) moment(name string, t *time.Time) {
	if c.writing && t.IsZero() {
		c.missing(name)
		return
	}
	if c.need(name) {
		c.bareTime(t)
	}
}

// maybeMoment walks an optional time; the zero one is left out.
func (c *coder) maybeMoment(name string, t *time.Time) {
	if (c.writing && t.IsZero()) || !c.key(name) {
		return
	}
	c.bareTime(t)
}

// bareTime walks a time without a key: "2015-05-17T10:05:03.000000Z", always in UTC with microseconds, so
// that times sort as text.
func (c *coder) bareTime(t *time.Time) {
	if c.err != nil {
		return
	}
	if c.writing {
		c.writeTime(t.UTC())
		return
	}
	rest, ok := c.b[c.pos:], false
	if len(rest) >= timeLen {
		*t, ok = c.memory.time((*[timeLen]byte)(rest))
	}
	if !ok {
		c.malformed("a time in UTC with microseconds")
		return
	}
	c.pos += timeLen
}

const timeLen = len(`"2006-01-02T15:04:05.000000Z"`)

func (c *coder) writeTime(t time.Time) {
	t = t.Truncate(time.Microsecond)
	year, month, day := t.Date()
	if t.IsZero() || year < 1 || year > 9999 {
		c.fail(fmt.Errorf("%w: time outside the years 1 to 9999", ErrIncomplete))
		return
	}
	hour, minute, second := t.Clock()
	b := append(c.b, '"')
	b = appendDigits(b, year, 4)
	b = appendDigits(append(b, '-'), int(month), 2)
	b = appendDigits(append(b, '-'), day, 2)
	b = appendDigits(append(b, 'T'), hour, 2)
	b = appendDigits(append(b, ':'), minute, 2)
	b = appendDigits(append(b, ':'), second, 2)
	b = appendDigits(append(b, '.'), t.Nanosecond()/1000, 6)
	c.b = append(b, 'Z', '"')
}

func appendDigits(b []byte, n, width int) []byte {
	for div := pow10[width-1]; div > 0; div /= 10 {
		b = append(b, byte('0'+n/div%10))
	}
	return b
}

var pow10 = [...]int{1, 10, 100, 1000, 10_000, 100_000}

// parseClock reads the second half of what writeTime writes: the time since midnight. A leap second is none.
func parseClock(s []byte) (time.Duration, bool) {
	const form = `dd:dd:dd.ddddddZ"`
	if !inForm(s, form) {
		return 0, false
	}
	hour, minute, second, micro := number(s[0:2]), number(s[3:5]), number(s[6:8]), number(s[9:15])
	clock := time.Duration((hour*60+minute)*60+second)*time.Second + time.Duration(micro)*time.Microsecond
	return clock, hour <= 23 && minute <= 59 && second <= 59
}

// dayLen is how long the first half of a time is: a day, up to the letter between.
const dayLen = len(`"2006-01-02T`)

// parseDay reads the first half: midnight. A day that its month lacks is none.
func parseDay(s []byte) (time.Time, bool) {
	const form = `"dddd-dd-ddT`
	if !inForm(s, form) {
		return time.Time{}, false
	}
	year, month, day := number(s[1:5]), number(s[6:8]), number(s[9:11])
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t, year >= 1 && month >= 1 && month <= 12 && day >= 1 && t.Day() == day
}

// inForm tells whether the bytes are those of the form, which is as long, with a digit wherever it has a "d".
func inForm(s []byte, form string) bool {
	for i, ch := range s {
		if digit := form[i] == 'd'; digit && ch-'0' > 9 || !digit && ch != form[i] {
			return false
		}
	}
	return true
}

func number(digits []byte) int {
	n := 0
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}
