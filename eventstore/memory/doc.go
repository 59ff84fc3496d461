// Package memory is the reference store: the contract of package eventstore in the plainest code that can
// keep it, and deliberately awkward, so that what works here works anywhere.
//
//   - Positions are sparse and start at no round number: nobody can compute them.
//   - Everything given and everything handed out is a copy, and each record's digest is checked again
//     whenever it is read, so aliasing is found where it happens.
//   - Misuse panics: a nil context, a position that this log never gave, reopening what is still open.
//   - With Config.AbortRate some appends end in eventstore.ErrUnknownOutcome, in both flavours (nothing
//     written, all written), so that callers prove that they repeat an append unchanged.
//
// It is for tests: nothing outlives the process. Reopen imitates a restart.
package memory
