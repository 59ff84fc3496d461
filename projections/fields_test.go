package projections

import (
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

// A row names the person whose stream it is once, and gives the stream back whole.
func TestStreamText(t *testing.T) {
	t.Parallel()
	who, other := domain.SubjectID{UUID: uuid.New()}, domain.SubjectID{UUID: uuid.New()}
	tests := map[domain.Stream]string{
		domain.SubjectStream(who):            "subject-*",
		domain.TraceStream(who, "2026-05"):   "trace-*-2026-05",
		domain.TraceStream(other, "2026-05"): string(domain.TraceStream(other, "2026-05")),
		domain.PolicyStream("imagine"):       "policy-imagine",
		domain.StatisticsStream("2026-05"):   "statistics-2026-05",
	}
	for stream, want := range tests {
		text := StreamText(stream, who)
		if text != want {
			t.Errorf("%s is written as %s, want %s", stream, text, want)
		}
		if got := ParseStream(text, who); got != stream {
			t.Errorf("%s is read as %s, want %s", text, got, stream)
		}
	}
}
