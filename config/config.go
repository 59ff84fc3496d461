// Package config holds the knobs of Litopys: what each is called, its unit, its default, and where its
// value came from. Nothing else in the module reads a configuration file or the environment.
//
// A value comes from the first of these that has it: a flag, the environment (LITOPYS_DIR for "dir",
// LITOPYS_IMPORT_BATCH for "import.batch"), the file, the default. A name that nobody knows is refused,
// because a misspelt knob that is silently ignored is a rule that silently does not hold.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Config is every knob. The zero value is not useful; Default and Load make whole ones.
type Config struct {
	// Dir is the data folder of the embedded ledger. Default "./litopys-data".
	Dir string `mapstructure:"dir"`
	// Store says where the log is.
	Store Store `mapstructure:"store"`
	// Keys says where the keys are.
	Keys Keys `mapstructure:"keys"`
	// Answers says where the read models are.
	Answers Answers `mapstructure:"answers"`
	// KMS says what wraps the master keys.
	KMS KMS `mapstructure:"kms"`
	// Policy is the path of the policy file to obey. Default empty: the embedded policy of Imagine.
	Policy string `mapstructure:"policy"`
	// Act says who acts when a command does not say it itself. All parts are empty by default: an
	// operation on personal data without an actor, a purpose and grounds is refused.
	Act Act `mapstructure:"act"`
	// Import bounds the memory of imports.
	Import Import `mapstructure:"import"`
	// Log is the talk on standard error.
	Log Log `mapstructure:"log"`
}

// Store says where the log is.
type Store struct {
	// URL of EventStoreDB, esdb://[user:password@]host:port[,host:port...][?tls=false]. Default empty: the
	// embedded log in Dir.
	URL string `mapstructure:"url"`
}

// Keys says where the keys are.
type Keys struct {
	// URL of the PostgreSQL database of the keys, postgres://user:password@host/database. Default empty:
	// keys.db in Dir.
	URL string `mapstructure:"url"`
	// BackupLife is how many days a backup of the key store is kept at most, 1 to 3650: certificates of erasure
	// say from when on no backup can hold the key. Default 35 days.
	BackupLife int `mapstructure:"backup_life"`
}

// BackupTerm is BackupLife as a duration.
func (k Keys) BackupTerm() time.Duration { return time.Duration(k.BackupLife) * 24 * time.Hour }

// Answers says where the read models are.
type Answers struct {
	// URL of the PostgreSQL database of the read models. Default empty: read.db in Dir.
	URL string `mapstructure:"url"`
}

// KMS says what wraps the master keys of the months.
type KMS struct {
	// URL of the key in a key-management service, as gocloud.dev/secrets writes it: awskms://, gcpkms://,
	// azurekeyvault://, hashivault://. Default empty: local.key in Dir.
	URL string `mapstructure:"url"`
}

// Local tells whether anything that is written to stands in Dir, so that one process at a time may have it.
// The local key is only read once it is made.
func (c Config) Local() bool {
	return c.Store.URL == "" || c.Keys.URL == "" || c.Answers.URL == ""
}

// Act is the default of the flags that every operation needs.
type Act struct {
	// Actor is kind:code, for example "employee:e-17". Default empty.
	Actor string `mapstructure:"actor"`
	// Purpose is a purpose of the policy. Default empty.
	Purpose string `mapstructure:"purpose"`
	// Grounds is a legal basis, for example "ua.11.1.3". Default empty.
	Grounds string `mapstructure:"grounds"`
	// Service is a service of the policy. Default empty.
	Service string `mapstructure:"service"`
	// Role is the role under which personal values are opened. Default empty.
	Role string `mapstructure:"role"`
}

// Import bounds what an import holds in memory.
type Import struct {
	// Batch is how many lines are handed to the ledger at once, 1 to 100000 lines. Default 2000.
	Batch int `mapstructure:"batch"`
	// LineLimit is the longest line taken, 1024 to 1048576 bytes without its end. A longer one is counted and named
	// among the rejected lines, and the import goes on behind it. Default 65536 bytes; lines of
	// commands may have 1048576 unless it is set.
	LineLimit int `mapstructure:"line_limit"`
}

// Log configures the talk on standard error.
type Log struct {
	// Level is the least severe level written: debug, info, warn or error. Default "warn".
	Level string `mapstructure:"level"`
}

// Default gives every knob its default.
func Default() Config {
	return Config{
		Dir:    "./litopys-data",
		Keys:   Keys{BackupLife: 35},
		Import: Import{Batch: 2000, LineLimit: 64 << 10},
		Log:    Log{Level: "warn"},
	}
}

// Validate names everything that is wrong, at once.
func (c Config) Validate() error { return errors.Join(c.problems()...) }

func (c Config) problems() (problems []error) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	check(strings.TrimSpace(c.Dir) != "", "dir: empty; want the path of the data folder")
	check(c.Import.Batch >= 1 && c.Import.Batch <= 100_000,
		"import.batch: %d lines; want 1 to 100000", c.Import.Batch)
	check(c.Import.LineLimit >= 1<<10 && c.Import.LineLimit <= 1<<20,
		"import.line_limit: %d bytes; want 1024 to 1048576", c.Import.LineLimit)
	check(c.Store.URL == "" || scheme(c.Store.URL, "esdb", "esdb+discover"), "store.url: want esdb://host:port or nothing")
	check(c.Keys.URL == "" || scheme(c.Keys.URL, postgres...), "keys.url: want postgres://host/database or nothing")
	check(c.Keys.BackupLife >= 1 && c.Keys.BackupLife <= 3650, "keys.backup_life: %d days; want 1 to 3650", c.Keys.BackupLife)
	check(c.Answers.URL == "" || scheme(c.Answers.URL, postgres...), "answers.url: want postgres://host/database or nothing")
	check(c.KMS.URL == "" || scheme(c.KMS.URL, kms...), "kms.url: want %s:// or nothing", strings.Join(kms, "://, "))
	_, err := c.Log.level()
	check(err == nil, "log.level: %q; want debug, info, warn or error", c.Log.Level)
	return problems
}

// SlogLevel gives the level for a slog handler; warn when the text names none.
func (l Log) SlogLevel() slog.Level {
	level, err := l.level()
	if err != nil {
		return slog.LevelWarn
	}
	return level
}

func (l Log) level() (slog.Level, error) {
	switch l.Level {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("unknown level %q", l.Level)
}
