package trace

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	inputBuffer = 1 << 18
	headBytes   = 1 << 16 // looked at to recognise the format
	longestLine = 1 << 24
)

// input is the text of a file: its head for recognition, then its lines.
type input struct {
	r    *bufio.Reader
	raw  io.Reader // the file itself, for formats that jump about in it; nil if compressed
	line int64     // number of the line that next has yielded
	cut  bool      // that line had no end of line
	long []byte
}

// decompress finds out how r is compressed and undoes it.
func decompress(r io.Reader, report *Report) (*input, io.Closer, error) {
	b := bufio.NewReaderSize(r, inputBuffer)
	magic, err := b.Peek(6)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	var closer io.Closer
	in := &input{r: b, raw: r}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		report.Compression = "gzip"
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, fmt.Errorf("a broken gzip file: %w", err)
		}
		in.raw, in.r, closer = nil, bufio.NewReaderSize(z, inputBuffer), z
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		report.Compression = "zstd"
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, fmt.Errorf("a broken zstd file: %w", err)
		}
		c := z.IOReadCloser()
		in.raw, in.r, closer = nil, bufio.NewReaderSize(c, inputBuffer), c
	}
	if packed := packing(magic); packed != "" {
		return nil, nil, fmt.Errorf("a %s file, expected text, gzip or zstd: unpack it first", packed)
	}
	if mark, _ := in.r.Peek(3); string(mark) == "\xef\xbb\xbf" {
		in.r.Discard(3)
	}
	return in, closer, nil
}

// packing names the packings that are recognised but not read.
func packing(magic []byte) string {
	for _, p := range []struct{ magic, name string }{
		{"PK\x03\x04", "zip (or spreadsheet)"}, {"BZh", "bzip2"}, {"\xfd7zXZ", "xz"},
		{"7z\xbc\xaf", "7-zip"}, {"\x04\x22\x4d\x18", "lz4"}, {"SQLite", "SQLite"},
		{"\xff\xfe", "UTF-16 text"}, {"\xfe\xff", "UTF-16 text"}, {"\x7fELF", "program"},
		{"ARROW1", "Arrow"}, {"Obj\x01", "Avro"}, {"\x89PNG", "PNG"}, {"%PDF", "PDF"},
	} {
		if bytes.HasPrefix(magic, []byte(p.magic)) {
			return p.name
		}
	}
	return ""
}

// peek is the beginning of the text.
func (in *input) peek() ([]byte, error) {
	b, err := in.r.Peek(headBytes)
	if err != nil && err != io.EOF {
		return b, in.fault(err)
	}
	return b, nil
}

// next yields the next line that is not blank, without its end; valid until the next call.
func (in *input) next() ([]byte, error) {
	for {
		line, err := in.any()
		if err != nil {
			return nil, err
		}
		if len(line) > 0 && (line[0] > ' ' || len(bytes.TrimSpace(line)) > 0) {
			return line, nil
		}
	}
}

// any yields the next line, blank or not.
func (in *input) any() ([]byte, error) {
	line, err := in.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line, err = in.longer(line)
	}
	if err != nil && err != io.EOF {
		return nil, in.fault(err)
	}
	if len(line) == 0 {
		return nil, io.EOF
	}
	in.line++
	in.cut = err == io.EOF
	if !in.cut {
		line = line[:len(line)-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, nil
}

// longer collects a line that is longer than the buffer.
func (in *input) longer(line []byte) ([]byte, error) {
	in.long = append(in.long[:0], line...)
	for {
		more, err := in.r.ReadSlice('\n')
		in.long = append(in.long, more...)
		if err != bufio.ErrBufferFull {
			return in.long, err
		}
		if len(in.long) > longestLine {
			return nil, fmt.Errorf("line %d is longer than %d MiB: not a file of lines", in.line+1,
				longestLine>>20)
		}
	}
}

// fault explains an error of reading.
func (in *input) fault(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("after line %d the compressed data end early: the file is truncated", in.line)
	}
	return fmt.Errorf("after line %d: %w", in.line, err)
}
