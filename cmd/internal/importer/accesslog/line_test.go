package accesslog

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2015, 5, 17, 10, 5, 3, 0, time.UTC)

func TestParse(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("p", 16<<10)
	for name, test := range map[string]struct {
		line string
		want Visit
	}{
		"plain": {
			`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 1234 "http://example.org/" "Agent/1.0 (x; y)"`,
			Visit{"203.0.113.9", noon, "/a?b=c", "http://example.org/", "Agent/1.0 (x; y)"},
		},
		"absent parts": {
			`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "-" 408 - "-" "-"`,
			Visit{"203.0.113.9", noon, "", "", ""},
		},
		"empty quotes": {
			`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "" 408 - "" ""`,
			Visit{"203.0.113.9", noon, "", "", ""},
		},
		"IPv6 in its canonical form": {
			`2001:0DB8:0:0::0001 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/2.0" 200 0 "-" "A"`,
			Visit{"2001:db8::1", noon, "/", "", "A"},
		},
		"mapped IPv4": {
			`::ffff:203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/2.0" 200 0 "-" "A"`,
			Visit{"203.0.113.9", noon, "/", "", "A"},
		},
		"host name": {
			`Host-7.Example.ORG - olena [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200 0 "-" "A"`,
			Visit{"host-7.example.org", noon, "/", "", "A"},
		},
		"time with an offset": {
			`203.0.113.9 - - [17/May/2015:13:35:03 +0330] "GET / HTTP/1.1" 200 0 "-" "A"`,
			Visit{"203.0.113.9", noon, "/", "", "A"},
		},
		"leap second": {
			`203.0.113.9 - - [30/Jun/2015:23:59:60 +0000] "GET / HTTP/1.1" 200 0 "-" "A"`,
			Visit{"203.0.113.9", time.Date(2015, 7, 1, 0, 0, 0, 0, time.UTC), "/", "", "A"},
		},
		"escaped quotes": {
			`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET /\"q\" HTTP/1.1" 200 0 "-" "A \"b\" \\c"`,
			Visit{"203.0.113.9", noon, `/"q"`, "", `A "b" \c`},
		},
		"escaped bytes that are text": {
			`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET /\xd0\xb0 HTTP/1.1" 200 0 "-" "A"`,
			Visit{"203.0.113.9", noon, "/а", "", "A"},
		},
		"escaped bytes that are not": {
			`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "\x16\x03\x01" 400 226 "-" "-"`,
			Visit{"203.0.113.9", noon, `\x16\x03\x01`, "", ""},
		},
		"spaces in the page": {
			`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET /a b c HTTP/1.1" 200 0 "-" "A"`,
			Visit{"203.0.113.9", noon, "/a b c", "", "A"},
		},
		"HTTP 0.9": {
			`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET /old" 200 0 "-" "A"`,
			Visit{"203.0.113.9", noon, "/old", "", "A"},
		},
		"no HTTP request": {
			`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "quit now" 400 0 "-" "A"`,
			Visit{"203.0.113.9", noon, "quit now", "", "A"},
		},
		"16 KiB page": {
			`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET ` + long + ` HTTP/1.1" 200 0 "-" "A"`,
			Visit{"203.0.113.9", noon, long, "", "A"},
		},
		"spaces at the end": {
			`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 0 "-" "A"  `,
			Visit{"203.0.113.9", noon, "/", "", "A"},
		},
	} {
		got, err := Parse([]byte(test.line))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestReject(t *testing.T) {
	t.Parallel()
	const good = `203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12 "-" "A"`
	change := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for _, test := range []struct {
		line string
		want Reason
	}{
		{"", Empty},
		{change("A", "\xff"), NotText},
		{change("A", "\x1b[2J"), ControlChars},
		{" " + good, NoAddress},
		{"word", NoAddress},
		{change("203.0.113.9", "not/an/address"), BadAddress},
		{"203.0.113.9  ", NoUser},
		{"203.0.113.9 - - soon", NoTime},
		{change("[17/May/2015:10:05:03 +0000] ", ""), NoTime},
		{change("17/May", "17/Mai"), BadTime},
		{change("17/May", "31/Feb"), BadTime},
		{change("2015", "1915"), BadTime},
		{change(`"GET / HTTP/1.1"`, "GET / HTTP/1.1"), NoRequest},
		{`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1`, OpenRequest},
		{change("200", "20"), BadStatus},
		{change("200", "OK!"), BadStatus},
		{change(" 12 ", " many "), BadSize},
		{change(` "-" "A"`, ""), BadSize},
		{change(`"-" "A"`, ""), NoReferrer},
		{change(`"-" "A"`, `"-`), OpenReferrer},
		{change(` "A"`, ""), NoBrowser},
		{change(`"A"`, `"A`), OpenBrowser},
		{change(`"A"`, `"A\"`), OpenBrowser},
		{good + ` "proxy"`, Surplus},
	} {
		_, err := Parse([]byte(test.line))
		if !errors.Is(err, test.want) {
			t.Errorf("%.80q gives %v, want %v", test.line, err, test.want)
		}
	}
}

func TestVisitorKeepsAddressAndBrowserApart(t *testing.T) {
	t.Parallel()
	a := Visit{Address: "a", Browser: "b c"}.Visitor()
	b := Visit{Address: "a b", Browser: "c"}.Visitor()
	if a == b {
		t.Errorf("two visitors share the mark %q", a)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 1 "-" "A"`))
	f.Add([]byte(`2001:db8::1 - - [30/Jun/2015:23:59:60 -0100] "\x16\"" 400 - "" "\\"`))
	f.Add([]byte(`x`))
	f.Fuzz(func(t *testing.T, line []byte) {
		v, err := Parse(line)
		if err != nil {
			var reason Reason
			if !errors.As(err, &reason) {
				t.Errorf("%q is rejected with %T", line, err)
			}
			return
		}
		if v.Address == "" || v.At.IsZero() || v.At.Location() != time.UTC {
			t.Errorf("%q gives a visit without address or time", line)
		}
		for _, text := range []string{v.Address, v.Page, v.Referrer, v.Browser} {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\x00\x1b") || len(text) > len(line)+64 {
				t.Errorf("%q gives the value %q", line, text)
			}
		}
	})
}
