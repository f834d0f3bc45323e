package gpu

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/simcap/simcap/calibrate/cuda"
)

// Check is one result of a self-test.
type Check struct {
	What string `json:"what"`
	Good bool   `json:"good"`
	Text string `json:"text"`
}

// SelfTest computes small cases on the GPU and compares them with the same sums done here, and holds the
// GPU's clock against a kernel that keeps it busy for a known time. The caller is on the device's thread.
func (d *Device) SelfTest() ([]Check, error) {
	s, err := d.NewStream()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	info := d.Info()
	out := []Check{{"GPU", true, fmt.Sprintf("%s, compute capability %s, driver for CUDA %s",
		info.Name,
		info.Capability, info.CUDA())}}
	precisions := []bool{false}
	if d.Tensor {
		precisions = append(precisions, true)
	} else {
		out = append(out, Check{"tensor cores", true,
			"not used: they need compute capability 8.0 and CUDA 11.0"})
	}
	for _, half := range precisions {
		for _, test := range []func(*cuda.Stream, bool) (Check, error){d.testGemm, d.testAxpy} {
			one, err := test(s, half)
			if err != nil {
				return out, err
			}
			out = append(out, one)
		}
	}
	one, err := d.testTriad(s)
	if err != nil {
		return out, err
	}
	out = append(out, one)
	one, err = d.testClock(s)
	if err != nil {
		return out, err
	}
	return append(out, one), nil
}

// encode writes numbers as floats or halves.
func encode(half bool, values []float32) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		if half {
			out = binary.LittleEndian.AppendUint16(out, Half(v))
		} else {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		}
	}
	return out
}

// decode reads them back.
func decode(half bool, data []byte) []float32 {
	var out []float32
	for len(data) > 0 {
		if half {
			out, data = append(out, Float(binary.LittleEndian.Uint16(data))), data[2:]
		} else {
			out, data = append(out, math.Float32frombits(binary.LittleEndian.Uint32(data))),
				data[4:]
		}
	}
	return out
}

// compute puts the operands onto the GPU, runs what kernel makes of their places, and brings the operand
// number result back.
func (d *Device) compute(s *cuda.Stream, half bool, operands [][]float32, result int,
	kernel func(p []cuda.Pointer) launch) ([]float32, error) {
	var places []cuda.Pointer
	var back *cuda.Host
	for i, values := range operands {
		data := encode(half, values)
		h, err := d.AllocHost(len(data))
		if err != nil {
			return nil, err
		}
		defer h.Close()
		copy(h.Bytes, data)
		p, err := d.Alloc(uint64(len(data)))
		if err != nil {
			return nil, err
		}
		defer d.Free(p)
		if err := s.ToDevice(p, h, len(data)); err != nil {
			return nil, err
		}
		if places = append(places, p); i == result {
			back = h
		}
	}
	if err := s.Sync(); err != nil {
		return nil, err
	}
	l := kernel(places)
	if err := l.send(s); err != nil {
		return nil, err
	}
	if err := s.ToHost(back, places[result], len(back.Bytes)); err != nil {
		return nil, err
	}
	if err := s.Sync(); err != nil {
		return nil, err
	}
	return decode(half, back.Bytes), nil
}

// whole numbers from -4 to 4 make sums that halves and floats have exactly.
func whole(n, salt int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32((i*7+i/13*5+salt)%9 - 4)
	}
	return out
}

// compare says whether the results are exactly what they should be.
func compare(what string, half bool, got, want []float32) Check {
	if half {
		what += ", f16"
	} else {
		what += ", fp32"
	}
	for i := range want {
		if got[i] != want[i] {
			return Check{what, false, fmt.Sprintf("result %d is %g, and should be %g", i, got[i],
				want[i])}
		}
	}
	return Check{what, true, fmt.Sprintf("%d results are exact", len(want))}
}

func (d *Device) testGemm(s *cuda.Stream, half bool) (Check, error) {
	const m, n, k = 70, 128, 96 // rows that fill no tile
	a, b, c := whole(m*k, 1), whole(n*k, 2), make([]float32, m*n)
	got, err := d.compute(s, half, [][]float32{a, b, c}, 2, func(p []cuda.Pointer) launch {
		return d.gemm(half, p[0], p[1], p[2], m, n, k)
	})
	if err != nil {
		return Check{}, err
	}
	for r := range m {
		for col := range n {
			for i := range k {
				c[r*n+col] += a[r*k+i] * b[col*k+i]
			}
		}
	}
	return compare("product of matrices", half, got, c), nil
}

func (d *Device) testAxpy(s *cuda.Stream, half bool) (Check, error) {
	const n = 1002
	y, x := whole(n, 3), whole(n, 4)
	got, err := d.compute(s, half, [][]float32{y, x}, 0, func(p []cuda.Pointer) launch {
		return d.axpy(half, p[0], p[1], 0.5, n)
	})
	if err != nil {
		return Check{}, err
	}
	for i := range y {
		y[i] = 0.5*y[i] + x[i]
	}
	return compare("sum of vectors", half, got, y), nil
}

func (d *Device) testTriad(s *cuda.Stream) (Check, error) {
	const n = 4 * 300
	a, b, c := make([]float32, n), whole(n, 5), whole(n, 6)
	got, err := d.compute(s, false, [][]float32{a, b, c}, 0, func(p []cuda.Pointer) launch {
		return d.triad(p[0], p[1], p[2], 0.5, n/4)
	})
	if err != nil {
		return Check{}, err
	}
	for i := range a {
		a[i] = b[i] + 0.5*c[i]
	}
	return compare("triad", false, got, a), nil
}

// testClock has the GPU busy for 10 ms by its own counter of nanoseconds, and asks its events.
func (d *Device) testClock(s *cuda.Stream) (Check, error) {
	const busy, allowed = 10 * time.Millisecond, 0.01
	from, err := d.NewEvent()
	if err != nil {
		return Check{}, err
	}
	defer from.Close()
	to, err := d.NewEvent()
	if err != nil {
		return Check{}, err
	}
	defer to.Close()
	var seconds float64
	for range 2 { // the first one wakes the GPU up
		spin := d.spin(busy)
		for _, step := range []func() error{func() error { return from.Record(s) },
			func() error { return spin.send(s) },
			func() error { return to.Record(s) }, s.Sync} {
			if err := step(); err != nil {
				return Check{}, err
			}
		}
		if seconds, err = to.Since(from); err != nil {
			return Check{}, err
		}
	}
	return Check{"clock", math.Abs(seconds/busy.Seconds()-1) <= allowed,
		fmt.Sprintf("a kernel of %v takes %.3f ms by events", busy, 1e3*seconds)}, nil
}
