package embedded

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
)

// Config says where the store lives and how much memory it may use.
type Config struct {
	// Dir is the data folder; it is made when it does not exist. Required.
	Dir string
	// Identity is the ledger that the folder must belong to; another gives eventstore.ErrForeign. A new
	// folder takes it as its own. The nil id accepts any ledger and gives a new folder a random id.
	Identity uuid.UUID
	// VFS is the name of a registered SQLite VFS; empty for the operating system's. For fault injection.
	VFS string
	// FS is used for all other files; nil for OS. For fault injection.
	FS FS
	// Logger is told what was found and repaired; nil for slog.Default().
	Logger *slog.Logger
	// Readers is how many reads may run at the same time; 0 means 4.
	Readers int
	// TailEvents is how many of the newest events may be indexed in memory only before they are written
	// to a run file; 0 means 65,536. Up to sixteen times as many are held while the disk lags behind.
	TailEvents int
	// HeadCache is how many stream heads are kept in memory at least; 0 means 16,384.
	HeadCache int
	// GroupBytes bounds what is committed together, in bytes of data; 0 means 4 MiB.
	GroupBytes int
	// CheckpointPages is after how many pages of 8 KiB the write-ahead log is copied back into the
	// database; 0 means 1024. The file reaches twice as much, and more while readers hold it back.
	CheckpointPages int
}

func (c Config) withDefaults() Config {
	if c.FS == nil {
		c.FS = OS{}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	for _, d := range []struct {
		field *int
		value int
	}{{&c.Readers, 4}, {&c.TailEvents, 1 << 16}, {&c.HeadCache, 1 << 14}, {&c.GroupBytes, 4 << 20}, {&c.CheckpointPages, 1024}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("no data folder is given: Dir is empty"))
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"Readers", c.Readers}, {"TailEvents", c.TailEvents}, {"HeadCache", c.HeadCache},
		{"GroupBytes", c.GroupBytes}, {"CheckpointPages", c.CheckpointPages},
	} {
		if n.value < 1 {
			errs = append(errs, fmt.Errorf("%s is %d, must be positive", n.name, n.value))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("embedded store: %w", errors.Join(errs...))
	}
	return nil
}
