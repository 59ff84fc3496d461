package policy

import (
	_ "embed"
	"strings"
	"time"
)

//go:embed notice.txt
var noticeText string

// Notice is what users are told of a version (clause 6.1).
type Notice struct {
	Title string
	Body  string // plain text, lines ended by LF
}

// Notice gives what users are told of this version, in Ukrainian and in English. It names no person: the same
// text goes to everyone.
func (p *Policy) Notice() Notice {
	filled := strings.NewReplacer(
		"{controller}", p.Controller.Name, "{version}", p.Version, "{from}", p.EffectiveFrom.UTC().Format(time.DateOnly),
		"{site}", p.Controller.Site, "{contact}", p.Controller.Contact, "{hash}", p.TextHash,
		"{text}", strings.TrimRight(p.Text, "\n"),
	).Replace(noticeText)
	title, body, _ := strings.Cut(filled, "\n")
	return Notice{Title: title, Body: body}
}
