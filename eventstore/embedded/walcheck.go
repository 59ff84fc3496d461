package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"imagine.ua/litopys/eventstore"
)

const (
	walSuffix      = "-wal"
	walHeaderSize  = 32
	walFrameHeader = 24
)

// checkWAL looks for damage in a write-ahead log that a crash has left. SQLite stops at the first frame
// whose checksum is wrong and takes the rest for a torn commit: a flipped bit would silently take
// acknowledged records away. But a torn commit is the last one. So when complete commits of the same
// generation lie beyond the commit that is torn, it was not torn but damaged. dbPath is the database's.
//
// The frame format is SQLite's, documented at https://sqlite.org/fileformat2.html#the_write_ahead_log.
func checkWAL(fsys FS, dbPath string) error {
	path := dbPath + walSuffix
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check write-ahead log: %w", err)
	}
	defer func() { _ = f.Close() }()
	h := make([]byte, walHeaderSize)
	if _, err := f.ReadAt(h, 0); errors.Is(err, io.EOF) {
		return nil // nothing was ever written to it
	} else if err != nil {
		return fmt.Errorf("check write-ahead log: %w", err)
	}
	w := walScan{header: h, order: binary.ByteOrder(binary.LittleEndian)}
	if h[3]&1 == 1 {
		w.order = binary.BigEndian
	}
	w.sum(h[:24])
	if err := w.frames(f, w.matches(h[24:])); err != nil {
		return fmt.Errorf("check write-ahead log: %w", err)
	}
	if w.commitsAfter < 2 {
		return nil
	}
	if w.broken == 1 {
		// A log that was copied back begins again with a new header; if that was torn, the old frames
		// behind it are in the database already.
		if copied, err := w.copiedBack(fsys, f, dbPath); err != nil || copied {
			return err
		}
	}
	return &eventstore.CorruptError{File: path, Place: fmt.Sprintf("frame %d", w.broken),
		Detail: fmt.Sprintf("it does not match its checksum, but %d commits follow", w.commitsAfter)}
}

// walScan walks the frames of a write-ahead log with the running checksum that chains them.
type walScan struct {
	header []byte
	order  binary.ByteOrder // of the words in the checksum
	s0, s1 uint32

	broken       int   // the first frame, from 1, that is not right; 0 for none
	commitsAfter int   // commit frames of its generation from there on
	lastCommit   int64 // where the last of them begins in the file
}

func (w *walScan) sum(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		w.s0 += w.order.Uint32(b) + w.s1
		w.s1 += w.order.Uint32(b[4:]) + w.s0
	}
}

func (w *walScan) matches(b []byte) bool {
	return binary.BigEndian.Uint32(b) == w.s0 && binary.BigEndian.Uint32(b[4:]) == w.s1
}

// frames finds the first frame whose checksum is wrong, and counts the commit frames of the same generation
// from there on. Frames of an earlier generation have other salts.
func (w *walScan) frames(f File, good bool) error {
	frame := make([]byte, walFrameHeader+pageSize)
	for n := 1; ; n++ {
		at := walHeaderSize + int64(n-1)*int64(len(frame))
		if _, err := f.ReadAt(frame, at); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if n == 1 && !good {
			// The first frame tells which generation the damaged header belonged to.
			copy(w.header[16:24], frame[8:16])
			w.broken = n
		}
		ours := string(frame[8:16]) == string(w.header[16:24])
		if good {
			w.sum(frame[:8])
			w.sum(frame[walFrameHeader:])
			if good = ours && w.matches(frame[16:24]); !good {
				w.broken = n
			}
		}
		if commit := binary.BigEndian.Uint32(frame[4:]) != 0; !good && ours && commit {
			w.commitsAfter++
			w.lastCommit = at
		}
	}
}

// copiedBack tells whether the page in the last commit frame stands in the database as it is in the frame.
// Every commit changes the page that holds the log's end, so it does only after a complete copy.
func (w *walScan) copiedBack(fsys FS, wal File, dbPath string) (bool, error) {
	db, err := fsys.OpenFile(dbPath, os.O_RDONLY, 0)
	if err != nil {
		return false, fmt.Errorf("check write-ahead log: %w", err)
	}
	defer func() { _ = db.Close() }()
	frame, page := make([]byte, walFrameHeader+pageSize), make([]byte, pageSize)
	if _, err := wal.ReadAt(frame, w.lastCommit); err != nil {
		return false, fmt.Errorf("check write-ahead log: %w", err)
	}
	number := int64(binary.BigEndian.Uint32(frame))
	if _, err := db.ReadAt(page, (number-1)*pageSize); errors.Is(err, io.EOF) {
		return false, nil // the database was never as long as this
	} else if err != nil {
		return false, fmt.Errorf("check write-ahead log: %w", err)
	}
	return bytes.Equal(frame[walFrameHeader:], page), nil
}
