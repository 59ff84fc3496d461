package history_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/projtest"
)

// Given what happened without the person's asking, and what belongs to a request; when his history is told; then
// each entry names its ground, its paper, the exemption by which nobody was told, and the request.
func TestEntriesNameTheirGrounds(t *testing.T) {
	t.Parallel()
	id := domain.SubjectID{UUID: uuid.MustParse("a0000000-0000-4000-8000-000000000001")}
	asked := domain.RequestID{UUID: uuid.MustParse("b0000000-0000-4000-8000-000000000001")}
	at := time.Date(2024, 3, 11, 10, 0, 0, 0, time.UTC)
	gone := []domain.Fate{{Subject: id, Field: "email", Epoch: "1", Action: domain.Destroy}}
	paper := subject.Warrant{Authority: "court-7", Act: "CPC", Article: "170", Document: "757/1-k", Dated: at}
	for _, tc := range []struct {
		event domain.Event
		want  map[string]string
	}{
		{subject.Deleted{Subject: id, Deleted: gone, Ground: "court", Document: "757/1-k"}, map[string]string{"ground": "court", "document": "757/1-k"}},
		{subject.Deleted{Subject: id, Deleted: gone}, map[string]string{"ground": "", "document": ""}},
		{subject.Restricted{Subject: id, Fields: []domain.Field{"email"}, Document: "s-1"}, map[string]string{"document": "s-1", "field": "email"}},
		{subject.HoldPlaced{Subject: id, Warrant: paper}, map[string]string{"authority": "court-7", "act": "CPC", "article": "170", "document": "757/1-k"}},
		{subject.Collected{Subject: id, Source: subject.BySubject, Request: asked}, map[string]string{"source": "subject", "request": asked.String()}},
		{subject.Collected{Subject: id, Source: subject.BySubject}, map[string]string{"request": ""}},
		{subject.Transferred{Subject: id, Basis: subject.ByLaw{Authority: "tax", Article: "73.3"}, Exempt: "authority-task", Retained: true, Request: asked},
			map[string]string{"exempt": "authority-task", "retained": "yes", "request": asked.String(), "authority": "tax", "article": "73.3"}},
		{subject.Transferred{Subject: id, Basis: subject.ByOrder{}}, map[string]string{"exempt": "", "retained": "", "request": ""}},
	} {
		log := projtest.NewLog(identity)
		log.Append(domain.Recorded{Stream: domain.SubjectStream(id), Event: tc.event, Meta: domain.Meta{OccurredAt: at, RecordedAt: at}})
		projtest.Look(t, backend(t, log), func(s projections.Snapshot) {
			entries := timeline(t, s, id, history.Filter{})
			if len(entries) != 1 {
				t.Fatalf("%T: %d entries", tc.event, len(entries))
			}
			for name, want := range tc.want {
				if got := entries[0].Detail(name); got != want {
					t.Errorf("%T: %s is %q, want %q", tc.event, name, got, want)
				}
				if there := slices.ContainsFunc(entries[0].Details, func(d history.Detail) bool { return d.Name == name }); there != (want != "") {
					t.Errorf("%T: %s is there: %v", tc.event, name, there)
				}
			}
		})
	}
}
