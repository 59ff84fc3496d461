// Package storetest is the contract of package eventstore as tests. Run proves it on any store; every rule
// is a subtest with the rule's name, grouped by the noun it is about:
//
//	Append        order, contiguous revisions, whole batches, the contents of a conflict
//	Idempotency   a repeated batch is answered, not written
//	Limits        what is refused, and that the limit itself is accepted
//	Read          one stream: from any revision, as it stood, bytes out as they went in
//	Log           the whole log: one order, resuming at every position
//	Subscribe     catching up, living on, slow readers, cancellation
//	Concurrency   nothing lost, no gaps that fill up, linearizable, equal to a trivial model
//	Restart       what was acknowledged is there, and nothing else
//	Close         closing ends everything, twice is once
//
// Nothing is timed: a deadline only turns a hang into a failure.
package storetest
