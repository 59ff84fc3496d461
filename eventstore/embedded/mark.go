package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

const (
	markName  = "events.head"
	markMagic = "litohead"
	markSize  = 40
)

// mark remembers beside the log how far it was committed. SQLite takes a write-ahead log that was cut, or is
// gone, for one that ends there; who has the mark knows better. It is written after each commit and never
// synced: a killed process leaves it right, a crash of the machine may leave it older, and nothing leaves it
// ahead of the log. The writer's goroutine owns it.
//
// The file: "litohead" | version u32 = 1 | ledger[16] | seq u64 | crc u32, big-endian; crc is the CRC-32C of
// what stands before it.
type mark struct {
	file   File // nil when it can't be written
	logger *slog.Logger
	bytes  [markSize]byte
}

// markOf gives the content of the file.
func markOf(ledger uuid.UUID, seq uint64) (b [markSize]byte) {
	copy(b[:], markMagic)
	binary.BigEndian.PutUint32(b[8:], 1)
	copy(b[12:], ledger[:])
	binary.BigEndian.PutUint64(b[28:], seq)
	binary.BigEndian.PutUint32(b[36:], crc32.Checksum(b[:36], castagnoli))
	return b
}

// readMark gives the last record that is known to be committed, or 0 when the file does not tell: it is
// missing, or a crash has torn it.
func readMark(fsys FS, path string, ledger uuid.UUID) (seq uint64, err error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	var b [markSize]byte
	if _, err := f.ReadAt(b[:], 0); errors.Is(err, io.EOF) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	seq = binary.BigEndian.Uint64(b[28:])
	if of := uuid.UUID(b[12:28]); b == markOf(of, seq) && of != ledger {
		return 0, fmt.Errorf("%s: %w: it is of ledger %s, expected %s", path, eventstore.ErrForeign, of, ledger)
	}
	if b != markOf(ledger, seq) {
		return 0, nil
	}
	return seq, nil
}

// checkMark compares the mark with the log's end.
func checkMark(cfg Config, ledger uuid.UUID, head uint64) error {
	path := filepath.Join(cfg.Dir, markName)
	seq, err := readMark(cfg.FS, path, ledger)
	if err != nil {
		return fmt.Errorf("end of the log: %w", err)
	}
	if seq > head {
		return &eventstore.CorruptError{File: filepath.Join(cfg.Dir, logName), Place: fmt.Sprintf("record %d", head+1), Detail: fmt.Sprintf(
			"the log ends before it, but records up to %d were committed (%s): its write-ahead log was cut, or put away", seq, markName)}
	}
	return nil
}

// openMark begins to mark the log's end. A disk that does not take the file leaves the log without it.
func openMark(cfg Config, ledger uuid.UUID, head uint64) *mark {
	m := &mark{logger: cfg.Logger, bytes: markOf(ledger, head)}
	f, err := cfg.FS.OpenFile(filepath.Join(cfg.Dir, markName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		m.failed(err)
		return m
	}
	m.file = f
	m.write()
	return m
}

// move marks a new end.
func (m *mark) move(head uint64) {
	if m.file == nil {
		return
	}
	binary.BigEndian.PutUint64(m.bytes[28:], head)
	binary.BigEndian.PutUint32(m.bytes[36:], crc32.Checksum(m.bytes[:36], castagnoli))
	m.write()
}

// write is tried again with the next commit when the disk is full.
func (m *mark) write() {
	if _, err := m.file.WriteAt(m.bytes[:], 0); err != nil && !isFull(err) {
		m.failed(err)
		_ = m.close()
	}
}

func (m *mark) failed(err error) {
	m.logger.Warn("log: its end is not marked; a write-ahead log that is lost after a crash may go unseen", "file", markName, "error", err)
}

// close releases the file. Closing nil or twice is a no-op.
func (m *mark) close() error {
	if m == nil || m.file == nil {
		return nil
	}
	f := m.file
	m.file = nil
	return f.Close()
}
