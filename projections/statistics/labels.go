package statistics

import (
	"net/url"
	"strings"

	"github.com/mileusna/useragent"

	"imagine.ua/litopys/domain/statistics"
)

// maxRaw bounds what is looked at of a raw value.
const maxRaw = 2048

// coarse makes of a raw value the word that a plan's list may let through.
func coarse(d statistics.Dimension, raw string) string {
	raw = raw[:min(len(raw), maxRaw)]
	if d == statistics.Browser {
		return family(raw)
	}
	return section(raw)
}

// family gives the browser's family. Programs that say what they are count as bots.
func family(raw string) string {
	agent := useragent.Parse(raw)
	if agent.Bot {
		return "bot"
	}
	switch agent.Name {
	case useragent.MobileSafari:
		return "safari"
	case useragent.OperaMini, useragent.OperaTouch:
		return "opera"
	case useragent.HeadlessChrome:
		return "bot"
	}
	return strings.ReplaceAll(strings.ToLower(agent.Name), " ", "-")
}

// section gives the first part of the path; "home" for the front page.
func section(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimLeft(u.Path, "/"), "/")
	if first == "" {
		return "home"
	}
	return strings.ToLower(first)
}
