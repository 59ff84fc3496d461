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
	if len(c.b)-c.pos < idLen || !parseID(c.b[c.pos:c.pos+idLen], v) {
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

// parseID reads what appendID writes and nothing else.
func parseID(s []byte, id *uuid.UUID) bool {
	if s[0] != '"' || s[idLen-1] != '"' {
		return false
	}
	at := 1
	for i := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			if s[at] != '-' {
				return false
			}
			at++
		}
		hi, lo := nibble(s[at]), nibble(s[at+1])
		if hi|lo > 15 {
			return false
		}
		id[i] = hi<<4 | lo
		at += 2
	}
	return true
}

func nibble(ch byte) byte {
	switch {
	case ch >= '0' && ch <= '9':
		return ch - '0'
	case ch >= 'a' && ch <= 'f':
		return ch - 'a' + 10
	}
	return 255
}

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
	got, ok := parseTime(c.b[c.pos:])
	if !ok {
		c.malformed("a time in UTC with microseconds")
		return
	}
	*t = got
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

// parseTime reads what writeTime writes. A day that its month lacks, a leap second and the zero time are
// no times here.
func parseTime(s []byte) (time.Time, bool) {
	const form = `"dddd-dd-ddTdd:dd:dd.ddddddZ"`
	if len(s) < timeLen {
		return time.Time{}, false
	}
	for i := range timeLen {
		if digit := form[i] == 'd'; digit && s[i]-'0' > 9 || !digit && s[i] != form[i] {
			return time.Time{}, false
		}
	}
	year, month, day := number(s[1:5]), number(s[6:8]), number(s[9:11])
	hour, minute, second, micro := number(s[12:14]), number(s[15:17]), number(s[18:20]), number(s[21:27])
	if year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, micro*1000, time.UTC)
	return t, t.Day() == day && !t.IsZero()
}

func number(digits []byte) int {
	n := 0
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}
