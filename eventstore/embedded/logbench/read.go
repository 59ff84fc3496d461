package logbench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"imagine.ua/litopys/eventstore"
)

// Scan reads the whole log in order.
func Scan(ctx context.Context, store eventstore.LogReader) (Rate, error) {
	start := time.Now()
	n := 0
	for _, err := range store.ReadAll(ctx, eventstore.Start) {
		if err != nil {
			return Rate{}, fmt.Errorf("benchmark: %w", err)
		}
		n++
	}
	return Rate{Events: n, Elapsed: time.Since(start)}, nil
}

// ReadStreams reads some of the streams that Fill made, each whole, and gives the median time of one read.
func ReadStreams(ctx context.Context, store eventstore.StreamReader, tag uint32, streams, events, samples int) (time.Duration, error) {
	times := make([]time.Duration, 0, samples)
	for i := range samples {
		// A step that is prime to any number of streams scatters the reads.
		name := StreamName(tag, uint64(i)*7_919_333%uint64(streams))
		start := time.Now()
		n := 0
		for _, err := range store.ReadStream(ctx, name, eventstore.NoStream) {
			if err != nil {
				return 0, fmt.Errorf("benchmark: %w", err)
			}
			n++
		}
		times = append(times, time.Since(start))
		if n != events {
			return 0, fmt.Errorf("benchmark: %s has %d events, want %d", name, n, events)
		}
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// Resident gives the resident memory of this process in bytes, or 0 where the system does not tell.
func Resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// clockTick is the unit of time in /proc: USER_HZ, which is 100 on every machine that Go runs on.
const clockTick = 10 * time.Millisecond

// Used gives the processor time that this process has used, user and system together, or 0 where the system
// does not tell. On a machine that is shared it can be compared between runs when wall time can't.
func Used() time.Duration {
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	// The second field is the program's name in brackets, which may hold spaces; utime and stime are the
	// fields 14 and 15.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick
}
