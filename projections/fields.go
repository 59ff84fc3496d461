package projections

import (
	"strings"

	"imagine.ua/litopys/domain"
)

// FieldText writes a field with its epoch as rows keep it: "email/2".
func FieldText(f domain.Field, e domain.Epoch) string { return string(f) + "/" + string(e) }

// own stands in the name of a stream for the id of the row's own person. No stream is named with it.
const own = "*"

const idLength = len("00000000-0000-0000-0000-000000000000")

// StreamText writes a stream as a row of one person keeps it, which says his id already: "trace-*-2026-05".
func StreamText(s domain.Stream, who domain.SubjectID) string {
	before, after, owned := cutOwner(s, who)
	if !owned {
		return string(s)
	}
	return before + own + after
}

// AddStream adds a stream as StreamText writes it.
func (l *List) AddStream(s domain.Stream, who domain.SubjectID) {
	if before, after, owned := cutOwner(s, who); owned {
		l.Add(before, own, after)
	} else {
		l.Add(string(s))
	}
}

// cutOwner gives what stands around the person's id in the name of his stream.
func cutOwner(s domain.Stream, who domain.SubjectID) (before, after string, owned bool) {
	if id, err := s.Owner(); err != nil || id != who.UUID {
		return "", "", false
	}
	from := len(s.Kind()) + len("-")
	return string(s[:from]), string(s[from+idLength:]), true
}

// ParseStream reads what StreamText wrote.
func ParseStream(text string, who domain.SubjectID) domain.Stream {
	if !strings.Contains(text, own) {
		return domain.Stream(text)
	}
	return domain.Stream(strings.Replace(text, own, who.String(), 1))
}

// FieldTexts writes a list of values referred to.
func FieldTexts(list []domain.FieldEpoch) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = FieldText(v.Field, v.Epoch)
	}
	return out
}

// ParseField reads what FieldText wrote. An epoch never holds a slash.
func ParseField(s string) domain.FieldEpoch {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return domain.FieldEpoch{Field: domain.Field(s)}
	}
	return domain.FieldEpoch{Field: domain.Field(s[:i]), Epoch: domain.Epoch(s[i+1:])}
}

// ParseFields reads a list.
func ParseFields(list []string) []domain.FieldEpoch {
	if len(list) == 0 {
		return nil
	}
	out := make([]domain.FieldEpoch, len(list))
	for i, s := range list {
		out[i] = ParseField(s)
	}
	return out
}

// EpochRank orders the epochs of one field: edits by number, months by calendar and then by generation.
// What is neither ranks 0.
func EpochRank(e domain.Epoch) int64 {
	month, generation, _ := strings.Cut(string(e), ".")
	year, rest, isMonth := strings.Cut(month, "-")
	if !isMonth {
		return number(month)
	}
	return (number(year)*12+number(rest))*1_000_000 + number(generation)
}

func number(s string) (n int64) {
	if len(s) > 9 {
		return 0
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n
}
