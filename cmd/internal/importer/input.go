package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// ErrDamaged says that the end of the text could not be reached: the file is damaged, or it changed meanwhile.
// What came before is given: damage that the check sum at the end tells of may lie within it.
var ErrDamaged = errors.New("the lines before are recorded as they were read; import a whole copy, which records none of them twice")

// Input is a text to import, uncompressed while it is read.
type Input struct {
	io.Reader
	// Size is the length of the file in bytes as it lies there; 0 when nobody knows.
	Size int64

	name   string
	info   os.FileInfo // nil: no file
	read   atomic.Int64
	source io.Reader
	closer io.Closer
}

// Open opens a file, or standard input when the path is "-". Text compressed by gzip is recognised by its
// first two bytes, whatever the name.
func Open(path string, stdin io.Reader) (*Input, error) {
	in := &Input{source: stdin, name: "standard input"}
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		in.source, in.closer, in.name = file, file, path
	}
	if err := in.look(); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	if err := in.uncompress(); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

// look learns what is read.
func (in *Input) look() error {
	file, ok := in.source.(*os.File)
	if !ok {
		return nil
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return &os.PathError{Op: "import", Path: in.name, Err: errors.New("is a folder")}
	case info.Mode().IsRegular() && in.closer != nil:
		in.Size = info.Size() // of standard input nobody knows where it stands
	}
	in.info = info
	return nil
}

// is tells whether a file is the one that is read. Devices are many things at once: /dev/null may be both ends.
func (in *Input) is(info os.FileInfo) bool {
	return in != nil && in.info != nil && info.Mode()&fs.ModeDevice == 0 && os.SameFile(in.info, info)
}

func (in *Input) uncompress() error {
	counted := bufio.NewReaderSize(countingReader{in}, 64<<10)
	magic, err := counted.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	in.Reader = counted
	if bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(counted)
		if err != nil {
			return in.unreadable(err)
		}
		in.Reader = unzippingReader{in, unzipped}
	}
	return nil
}

// Done is how many bytes of the file have been read so far.
func (in *Input) Done() int64 { return in.read.Load() }

// Close closes the file; standard input stays open.
func (in *Input) Close() error {
	if in.closer == nil {
		return nil
	}
	return in.closer.Close()
}

// countingReader reads the file as it lies there.
type countingReader struct{ in *Input }

// Read reads on. A file that has become shorter is told, so that a line that was cut is not judged as one.
func (r countingReader) Read(p []byte) (int, error) {
	n, err := r.in.source.Read(p)
	if read := r.in.read.Add(int64(n)); errors.Is(err, io.EOF) && read < r.in.Size {
		return n, fmt.Errorf("%s became shorter while it was read: %d bytes of %d are left: %w", r.in.name, read, r.in.Size, ErrDamaged)
	}
	return n, err
}

// unzippingReader says of which file it is that the compressed text is damaged.
type unzippingReader struct {
	in *Input
	z  io.Reader
}

// Read reads on. The check sum stands at the end of the file, so damage may be found long after the place.
func (r unzippingReader) Read(p []byte) (int, error) {
	n, err := r.z.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		if err = r.in.unreadable(err); !errors.Is(err, ErrDamaged) {
			err = fmt.Errorf("%w: %w", err, ErrDamaged)
		}
	}
	return n, err
}

// unreadable tells what is wrong with a compressed text; errors of the file name it themselves.
func (in *Input) unreadable(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) || errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf("%s: the gzip text is damaged or cut off (%w)", in.name, err)
}
