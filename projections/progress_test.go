package projections

import (
	"testing"
	"time"

	"imagine.ua/litopys/domain"
)

// What is left of a stage follows from how fast it went since it began, whatever went before.
func TestTimeLeft(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	var told Progress
	p := progress{now: func() time.Time { return now }, watch: func(g Progress) { told = g }, began: now, start: 100, head: 500}
	step := func(what string, want time.Duration, do func()) {
		t.Helper()
		now = now.Add(10 * time.Second)
		if do(); told.Left != want {
			t.Errorf("%s: %s left, want %s", what, told.Left, want)
		}
	}
	step("begun", 0, func() { p.say(Loading) })
	step("a quarter read", 30*time.Second, func() { p.advance(domain.Recorded{Position: 200}, 100) })
	step("all read", 0, func() { p.advance(domain.Recorded{Position: 500}, 300) })
	p.expect(1000)
	step("nothing stored", 0, func() { p.say(Storing) })
	step("a fifth stored", 40*time.Second, func() { p.stored(20, 200) })
	step("half compared", 20*time.Second, func() { p.stored(0, 300) })
	step("asked for again", 0, func() { p.stored(20, 2000) })
	if told.Rows != 40 || told.Events != 400 {
		t.Errorf("told %+v", told)
	}
	step("switched", 0, func() { p.say(Switched) })
}
