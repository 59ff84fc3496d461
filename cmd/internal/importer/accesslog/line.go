// Package accesslog reads one line of a web server's access log in Apache's combined format:
//
//	address ident user [02/Jan/2006:15:04:05 -0700] "request" status bytes "referrer" "browser"
//
// It takes what the policy's clause 1.1.2 names and no more: ident, user, status and size are read over.
// A line is parsed whole or rejected with a reason; a reason never quotes the line.
package accesslog

import (
	"bytes"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Visit is what one line says of a visitor. Empty text means that the log had none ("-").
type Visit struct {
	Address  string    // canonical IP address, or host name in lower case
	At       time.Time // UTC
	Page     string    // target of the request; the whole request when it is no HTTP request
	Referrer string
	Browser  string
}

// Visitor is the mark under which one visitor is found again: his address and his browser.
func (v Visit) Visitor() string { return v.Address + "\n" + v.Browser }

// Reason says why a line was rejected. It never holds text of the line.
type Reason string

// Error is the reason.
func (r Reason) Error() string { return string(r) }

// The reasons.
const (
	Empty        Reason = "the line is empty"
	NotText      Reason = "the line is not valid UTF-8"
	ControlChars Reason = "the line holds control characters"
	NoAddress    Reason = "address: missing"
	BadAddress   Reason = "address: neither an IP address nor a host name"
	NoUser       Reason = "ident or user: missing"
	NoTime       Reason = "time: no [time] where one belongs"
	BadTime      Reason = "time: not of the form 02/Jan/2006:15:04:05 -0700"
	NoRequest    Reason = "request: no quoted text where it belongs"
	OpenRequest  Reason = "request: its quote is never closed"
	BadStatus    Reason = "status: not a number of three digits"
	BadSize      Reason = "size: neither a number nor -"
	NoReferrer   Reason = "referrer: no quoted text where it belongs (is the log in the combined format?)"
	OpenReferrer Reason = "referrer: its quote is never closed"
	NoBrowser    Reason = "browser: no quoted text where it belongs"
	OpenBrowser  Reason = "browser: its quote is never closed"
	Surplus      Reason = "there is text after the browser"
)

// Parse reads one line without its line ending. The error is a Reason.
func Parse(line []byte) (Visit, error) {
	if len(line) == 0 {
		return Visit{}, Empty
	}
	if !utf8.Valid(line) {
		return Visit{}, NotText
	}
	if bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return Visit{}, ControlChars
	}
	r := reader{rest: string(line)}
	var v Visit
	v.Address = r.address()
	r.word(NoUser)
	r.word(NoUser)
	v.At = r.time()
	request := r.quoted(NoRequest, OpenRequest)
	r.number(BadStatus, func(s string) bool { return len(s) == 3 && digits(s) })
	r.number(BadSize, func(s string) bool { return s == "-" || digits(s) })
	v.Referrer = present(r.quoted(NoReferrer, OpenReferrer))
	v.Browser = present(r.quoted(NoBrowser, OpenBrowser))
	r.end()
	if r.failed != "" {
		return Visit{}, r.failed
	}
	v.Page = target(request)
	return v, nil
}

// reader walks along the line; after the first failure every further step does nothing.
type reader struct {
	rest   string
	failed Reason
}

func (r *reader) fail(why Reason) {
	if r.failed == "" {
		r.failed = why
	}
}

// word takes the text up to the next space.
func (r *reader) word(missing Reason) string {
	if r.failed != "" {
		return ""
	}
	w, rest, ok := strings.Cut(r.rest, " ")
	if !ok || w == "" {
		r.fail(missing)
		return ""
	}
	r.rest = rest
	return w
}

func (r *reader) address() string {
	text := r.word(NoAddress)
	if r.failed != "" {
		return ""
	}
	if ip, err := netip.ParseAddr(text); err == nil {
		// One visitor must not become two because a server writes ::FFFF:192.0.2.1 or another 192.0.2.1.
		return ip.Unmap().String()
	}
	if len(text) <= 253 && hostName.MatchString(text) {
		return strings.ToLower(text)
	}
	r.fail(BadAddress)
	return ""
}

var hostName = regexp.MustCompile(`^[\pL\pN_]([\pL\pN_-]*[\pL\pN_])?(\.[\pL\pN_]([\pL\pN_-]*[\pL\pN_])?)*\.?$`)

// timeLayout is Apache's %t.
const timeLayout = "02/Jan/2006:15:04:05 -0700"

func (r *reader) time() time.Time {
	if r.failed != "" {
		return time.Time{}
	}
	text, rest, ok := strings.Cut(r.rest, "] ")
	if !ok || !strings.HasPrefix(text, "[") {
		r.fail(NoTime)
		return time.Time{}
	}
	r.rest = rest
	at, ok := parseTime(text[1:])
	if !ok {
		r.fail(BadTime)
	}
	return at
}

// parseTime reads Apache's time. A leap second (…:60) is the first moment of the next minute, since
// neither Go nor POSIX can name it.
func parseTime(text string) (time.Time, bool) {
	const seconds = len("02/Jan/2006:15:04:")
	var leap time.Duration
	if len(text) == len(timeLayout) && text[seconds:seconds+2] == "60" {
		text = text[:seconds] + "59" + text[seconds+2:]
		leap = time.Second
	}
	at, err := time.Parse(timeLayout, text)
	if err != nil || at.Year() < 1970 {
		return time.Time{}, false
	}
	return at.Add(leap).UTC(), true
}

// quoted takes the text between quotes, where \" does not end it, and the space after it.
func (r *reader) quoted(missing, open Reason) string {
	if r.failed != "" {
		return ""
	}
	if !strings.HasPrefix(r.rest, `"`) {
		r.fail(missing)
		return ""
	}
	for i := 1; i < len(r.rest); i++ {
		switch r.rest[i] {
		case '\\':
			i++
		case '"':
			text := r.rest[1:i]
			r.rest = strings.TrimPrefix(r.rest[i+1:], " ")
			return unescape(text)
		}
	}
	r.fail(open)
	return ""
}

func (r *reader) number(bad Reason, ok func(string) bool) {
	if w := r.word(bad); !ok(w) {
		r.fail(bad)
	}
}

func (r *reader) end() {
	if strings.TrimRight(r.rest, " \t") != "" {
		r.fail(Surplus)
	}
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func present(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// target takes the requested page out of "METHOD target HTTP/1.1". What is no HTTP request (a probe, a
// TLS greeting on the plain port) was still sent by the visitor and is kept as it is.
func target(request string) string {
	request = present(request)
	method, rest, ok := strings.Cut(request, " ")
	if !ok || !isMethod(method) {
		return request
	}
	if i := strings.LastIndex(rest, " HTTP/"); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

func isMethod(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == ""
}

// unescape undoes the server's escapes (\" \\ \xhh \n ...). Where the result would not be plain text, the
// escaped form is the value: it can be stored, shown and compared.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		i++
		switch c := text[i]; c {
		case '"', '\\':
			out.WriteByte(c)
		case 'x':
			if i+2 >= len(text) {
				return text
			}
			b, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil {
				return text
			}
			out.WriteByte(byte(b))
			i += 2
		default:
			return text
		}
	}
	if !plain(out.String()) {
		return text
	}
	return out.String()
}

func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
