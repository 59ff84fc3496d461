package notices_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/notices"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
)

var noon = time.Date(2024, 3, 11, 12, 0, 0, 0, time.UTC)

func person(n int) domain.SubjectID {
	id := uuid.UUID{6: 0x40, 8: 0x80}
	binary.BigEndian.PutUint32(id[:], uint32(n)) //nolint:gosec // small
	return domain.SubjectID{UUID: id}
}

func event(at time.Time, e domain.Event) domain.Recorded {
	return domain.Recorded{Stream: "subject-1", Event: e, ID: uuid.New(), Meta: domain.Meta{OccurredAt: at, RecordedAt: at}}
}

func registered(n int, version string) domain.Recorded {
	return event(noon, subject.Registered{Subject: person(n), Policy: version, TextHash: "ab"})
}

func told(n int, version string, by subject.Channel) domain.Recorded {
	return event(noon.Add(time.Hour), subject.NoticeGiven{Subject: person(n), Duty: "policy.notice", Policy: version, Channel: by, Document: "m-1"})
}

func pending(t *testing.T, s projections.Snapshot, a notices.Awaiting) []domain.SubjectID {
	t.Helper()
	var out []domain.SubjectID
	for id, err := range notices.Pending(t.Context(), s, a) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	return out
}

// Who was not told of a version is known by name, for each channel and for all of them.
func TestClause_6_1_WhoWasNotToldYet(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(uuid.New())
	log.Append(
		registered(1, "v1"), registered(2, "v1"), registered(3, "v1"), registered(4, "v1"), registered(5, "v1"),
		event(noon, policy.Published{Policy: "imagine", Version: "v2", TextHash: "cd", EffectiveFrom: noon.AddDate(0, 1, 0)}),
		event(noon, policy.Published{Policy: "imagine", Version: "v1", TextHash: "ab", EffectiveFrom: noon.AddDate(-1, 0, 0)}),
		told(1, "v2", subject.ByEmail), told(2, "v2", subject.ByAccount), told(2, "v2", subject.ByEmail), told(3, "v1", subject.ByEmail),
		event(noon, subject.NoticeGiven{Subject: person(3), Cause: uuid.New(), Duty: "notice.change", Channel: subject.ByEmail}),
		event(noon, subject.Closed{Subject: person(4)}), registered(6, "v2"),
	)
	projtest.Look(t, both.Filled(t, log, notices.New()), func(s projections.Snapshot) {
		for name, tc := range map[string]struct {
			ask  notices.Awaiting
			want []domain.SubjectID
		}{
			"in any way": {notices.Awaiting{Version: "v2"}, []domain.SubjectID{person(3), person(5)}},
			"by e-mail":  {notices.Awaiting{Version: "v2", Channel: subject.ByEmail}, []domain.SubjectID{person(3), person(5)}},
			"by account": {notices.Awaiting{Version: "v2", Channel: subject.ByAccount}, []domain.SubjectID{person(1), person(3), person(5)}},
			"from there": {notices.Awaiting{Version: "v2", After: person(3)}, []domain.SubjectID{person(5)}},
		} {
			if diff := cmp.Diff(tc.want, pending(t, s, tc.ask)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		list, err := notices.Versions(t.Context(), s)
		if err != nil || len(list) != 2 || list[0].Version != "v1" || list[1].TextHash != "cd" {
			t.Errorf("versions %+v, %v", list, err)
		}
		got, err := notices.Of(t.Context(), s, person(2))
		if err != nil || len(got) != 2 || got[0].Channel != subject.ByAccount || got[0].Document != "m-1" || !got[0].At.Equal(noon.Add(time.Hour)) {
			t.Errorf("told %+v, %v", got, err)
		}
	})
}

// A page's edge loses nobody and names nobody twice.
func TestPendingAcrossPages(t *testing.T) {
	t.Parallel()
	const everybody = 4100
	log := projtest.NewLog(uuid.New())
	want := 0
	for n := range everybody {
		log.Append(registered(n+1, "v1"))
		if n%3 == 0 {
			log.Append(told(n+1, "v2", subject.BySite))
			continue
		}
		want++
	}
	projtest.Look(t, both.Filled(t, log, notices.New()), func(s projections.Snapshot) {
		seen := map[domain.SubjectID]bool{}
		for _, id := range pending(t, s, notices.Awaiting{Version: "v2"}) {
			n := int(binary.BigEndian.Uint32(id.UUID[:])) - 1
			if seen[id] || n%3 == 0 {
				t.Error(fmt.Sprint("wrong: ", n))
			}
			seen[id] = true
		}
		if len(seen) != want {
			t.Errorf("%d pending, want %d", len(seen), want)
		}
	})
}
