package trace

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"slices"
)

// sortRun is how many records a full sort holds in memory before it writes a sorted run to disk.
const sortRun = 1 << 17

// fullSort puts all records of a file in order, however far out of order they are: sorted runs go to
// a temporary file and are merged.
type fullSort struct {
	buf   []record
	file  *os.File
	ends  []int64 // of the runs in the file, in bytes
	names []string
	index map[string]uint32
	runs  []*run // while merging, a heap by first record
	taken int    // of buf, when there is no file
}

// add takes one record.
func (f *fullSort) add(rec *record) error {
	f.buf = append(f.buf, *rec)
	if len(f.buf) < sortRun {
		return nil
	}
	return f.spill()
}

func (f *fullSort) sortBuffer() {
	slices.SortFunc(f.buf, func(a, b record) int {
		switch {
		case a.at != b.at:
			if a.at < b.at {
				return -1
			}
			return 1
		case a.seq < b.seq:
			return -1
		}
		return 1
	})
}

const recordBytes = 8*11 + 4 + 4 + 1

// spill writes a sorted run.
func (f *fullSort) spill() error {
	f.sortBuffer()
	if f.file == nil {
		file, err := os.CreateTemp("", "simcap-sort-*")
		if err != nil {
			return err
		}
		f.file = file
		f.index = map[string]uint32{}
	}
	w := bufio.NewWriterSize(f.file, 1<<18)
	var b [recordBytes]byte
	for i := range f.buf {
		f.encode(&f.buf[i], &b)
		if _, err := w.Write(b[:]); err != nil {
			return err
		}
	}
	end := int64(len(f.buf)) * recordBytes
	if len(f.ends) > 0 {
		end += f.ends[len(f.ends)-1]
	}
	f.ends = append(f.ends, end)
	f.buf = f.buf[:0]
	return w.Flush()
}

func (f *fullSort) encode(rec *record, b *[recordBytes]byte) {
	name, ok := f.index[rec.function]
	if !ok {
		name = uint32(len(f.names))
		f.index[rec.function] = name
		f.names = append(f.names, rec.function)
	}
	le := binary.LittleEndian
	le.PutUint64(b[0:], uint64(rec.at))
	le.PutUint64(b[8:], uint64(rec.length))
	le.PutUint64(b[16:], rec.seq)
	le.PutUint64(b[24:], math.Float64bits(rec.count))
	le.PutUint64(b[32:], math.Float64bits(rec.size))
	le.PutUint64(b[40:], math.Float64bits(rec.demand))
	le.PutUint64(b[48:], math.Float64bits(rec.prompt))
	le.PutUint64(b[56:], math.Float64bits(rec.output))
	le.PutUint64(b[64:], uint64(rec.line))
	le.PutUint64(b[72:], math.Float64bits(rec.gaps.shape))
	le.PutUint64(b[80:], math.Float64bits(rec.gaps.scale))
	le.PutUint32(b[88:], name)
	le.PutUint32(b[92:], uint32(rec.status))
	b[96] = byte(rec.gaps.kind) << 2
	if rec.poisson {
		b[96] |= 1
	}
	if rec.failed {
		b[96] |= 2
	}
}

func (f *fullSort) decode(rec *record, b *[recordBytes]byte) {
	le := binary.LittleEndian
	rec.at = int64(le.Uint64(b[0:]))
	rec.length = int64(le.Uint64(b[8:]))
	rec.seq = le.Uint64(b[16:])
	rec.count = math.Float64frombits(le.Uint64(b[24:]))
	rec.size = math.Float64frombits(le.Uint64(b[32:]))
	rec.demand = math.Float64frombits(le.Uint64(b[40:]))
	rec.prompt = math.Float64frombits(le.Uint64(b[48:]))
	rec.output = math.Float64frombits(le.Uint64(b[56:]))
	rec.line = int64(le.Uint64(b[64:]))
	rec.gaps.shape = math.Float64frombits(le.Uint64(b[72:]))
	rec.gaps.scale = math.Float64frombits(le.Uint64(b[80:]))
	rec.function = f.names[le.Uint32(b[88:])]
	rec.status = int32(le.Uint32(b[92:]))
	rec.gaps.kind = gapKind(b[96] >> 2)
	rec.poisson, rec.failed = b[96]&1 != 0, b[96]&2 != 0
}

// run reads one sorted run of the file.
type run struct {
	in   *bufio.Reader
	head record
}

func (r *run) advance(f *fullSort) error {
	var b [recordBytes]byte
	if _, err := io.ReadFull(r.in, b[:]); err != nil {
		return err
	}
	f.decode(&r.head, &b)
	return nil
}

// begin ends the collecting.
func (f *fullSort) begin() error {
	if f.file == nil {
		f.sortBuffer()
		return nil
	}
	if err := f.spill(); err != nil {
		return err
	}
	f.buf, f.index = nil, nil
	from := int64(0)
	for _, end := range f.ends {
		r := &run{in: bufio.NewReaderSize(io.NewSectionReader(f.file, from, end-from), 1<<15)}
		from = end
		if err := r.advance(f); err == io.EOF {
			continue
		} else if err != nil {
			return err
		}
		f.runs = append(f.runs, r)
	}
	for i := len(f.runs) / 2; i >= 0; i-- {
		f.down(i)
	}
	return nil
}

// next yields the records in order; io.EOF after the last.
func (f *fullSort) next(rec *record) error {
	if f.file == nil {
		if f.taken == len(f.buf) {
			return io.EOF
		}
		*rec = f.buf[f.taken]
		f.taken++
		return nil
	}
	if len(f.runs) == 0 {
		return io.EOF
	}
	*rec = f.runs[0].head
	if err := f.runs[0].advance(f); err == io.EOF {
		last := len(f.runs) - 1
		f.runs[0] = f.runs[last]
		f.runs = f.runs[:last]
	} else if err != nil {
		return err
	}
	f.down(0)
	return nil
}

func (f *fullSort) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(f.runs); child++ {
			a, b := &f.runs[child].head, &f.runs[least].head
			if a.at < b.at || a.at == b.at && a.seq < b.seq {
				least = child
			}
		}
		if least == i {
			return
		}
		f.runs[i], f.runs[least] = f.runs[least], f.runs[i]
		i = least
	}
}

// close removes the temporary file.
func (f *fullSort) close() error {
	if f.file == nil {
		return nil
	}
	name := f.file.Name()
	err := errors.Join(f.file.Close(), os.Remove(name))
	f.file = nil
	return err
}
