package keypg

import (
	"context"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// maxGroup bounds the wants that one transaction carries, and so how long the first caller waits for those
// who came after him.
const maxGroup = 4096

// job is one call on its way through the writer: an Ensure, or a Follow.
type job struct {
	wants []keys.Want
	got   []keys.Key // the answer to wants

	follow   bool
	position uint64
	fates    []domain.Fate

	err  error
	done chan error
}

// do hands the job to the writer and waits.
func (s *Store) do(ctx context.Context, j *job) error {
	j.done = make(chan error, 1)
	if err := submit(ctx, s, s.jobs, j); err != nil {
		return err
	}
	return await(ctx, j.done)
}

// write carries out jobs until the channel is closed. Callers' contexts end one call each, and a group has
// many, so it works under a context of its own; patience ends its attempts.
func (s *Store) write() {
	ctx := context.Background()
	for first := range s.jobs {
		group, next := gather(first, s.jobs)
		if len(group) > 0 {
			s.ensureGroup(ctx, group)
		}
		if next != nil {
			next.done <- s.carryOut(ctx, next)
		}
	}
}

// gather takes the Ensure calls that wait already; a Follow ends the group and is done after it.
func gather(first *job, jobs <-chan *job) (group []*job, follow *job) {
	total := 0
	for next := first; next != nil; {
		if next.follow {
			return group, next
		}
		group = append(group, next)
		if total += len(next.wants); total >= maxGroup {
			return group, nil
		}
		select {
		case next = <-jobs: // nil when the channel is closed
		default:
			return group, nil
		}
	}
	return group, nil
}
