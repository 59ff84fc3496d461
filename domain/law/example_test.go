package law_test

import (
	"fmt"
	"time"

	"imagine.ua/litopys/domain/law"
)

// A transfer is told to the subject in ten working days. Due is the first moment that is too late.
func ExamplePack_Due() {
	ua := law.UA()
	transfer := time.Date(2026, 12, 18, 9, 30, 0, 0, time.UTC)
	notice, _ := ua.Deadline(law.NoticeTransfer)
	fmt.Println(notice.Term, "by", notice.Article, "until", ua.Due(notice.Term, transfer).Format(time.RFC3339))

	peace := ua.WithCalendar(ua.Calendar.WithMartialLaw(false)) // with Christmas and New Year free
	fmt.Println(notice.Term, "in peace until", peace.Due(notice.Term, transfer).Format(time.RFC3339))
	// Output:
	// 10 working days by ua.21.1 until 2027-01-01T22:00:00Z
	// 10 working days in peace until 2027-01-05T22:00:00Z
}

// The subject's own access is never put off; a third party may wait for 45 days in all.
func ExamplePack_Extended() {
	ua := law.UA()
	received := time.Date(2026, 11, 2, 7, 0, 0, 0, time.UTC)
	for _, id := range []law.DeadlineID{law.AccessRequest, law.ThirdPartyRequest} {
		d, _ := ua.Deadline(id)
		due := ua.Due(d.Term, received)
		if longer, err := ua.Extended(id, received, due); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println(due.Format(time.DateOnly), "becomes", longer.Format(time.DateOnly))
		}
	}
	// Output:
	// refused [deadline.extension, clause ua.17.1]: ua.17.1 does not let the term of 30 calendar days be extended; answer in the term of 30 calendar days
	// 2026-12-02 becomes 2026-12-17
}
