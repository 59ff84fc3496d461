// Package logbench measures an event store beside a baseline: the same bytes appended to a plain file with
// group commit and fsync, without index, checksum or check. The benchmarks of the embedded store and the
// command that measures a user's own machine share it.
//
// A figure is worth nothing alone, for machines and neighbours differ: compare what was measured in one run.
package logbench
