package embedded

import (
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
// generation lie beyond the commit that is torn, it was not torn but damaged.
//
// The frame format is SQLite's, documented at https://sqlite.org/fileformat2.html#the_write_ahead_log.
func checkWAL(fsys FS, path string) error {
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
	headerGood := w.matches(h[24:])
	broken, commitsAfter, err := w.frames(f, headerGood)
	if err != nil {
		return fmt.Errorf("check write-ahead log: %w", err)
	}
	if commitsAfter > 1 {
		return &eventstore.CorruptError{File: path, Place: fmt.Sprintf("frame %d", broken),
			Detail: fmt.Sprintf("it does not match its checksum, but %d commits follow", commitsAfter)}
	}
	return nil
}

// walScan walks the frames of a write-ahead log with the running checksum that chains them.
type walScan struct {
	header []byte
	order  binary.ByteOrder // of the words in the checksum
	s0, s1 uint32
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

// frames finds the first frame, from 1, whose checksum is wrong, and counts the commit frames of the same
// generation from there on. Frames of an earlier generation have other salts.
func (w *walScan) frames(f File, good bool) (broken, commitsAfter int, err error) {
	frame := make([]byte, walFrameHeader+pageSize)
	for n := 1; ; n++ {
		at := walHeaderSize + int64(n-1)*int64(len(frame))
		if _, err := f.ReadAt(frame, at); errors.Is(err, io.EOF) {
			return broken, commitsAfter, nil
		} else if err != nil {
			return 0, 0, err
		}
		if n == 1 && !good {
			// A header of 32 bytes is never torn: it is damaged, or was never written. The first frame
			// tells which generation it belonged to.
			copy(w.header[16:24], frame[8:16])
			broken = n
		}
		ours := string(frame[8:16]) == string(w.header[16:24])
		if good {
			w.sum(frame[:8])
			w.sum(frame[walFrameHeader:])
			good = ours && w.matches(frame[16:24])
			if !good {
				broken = n
			}
		}
		if commit := binary.BigEndian.Uint32(frame[4:]) != 0; !good && ours && commit {
			commitsAfter++
		}
	}
}
