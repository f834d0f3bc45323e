// Package gpu measures a GPU by kernels of its own, through the CUDA driver: a fingerprint of the host,
// and composed workloads that serve calls as a worker does.
package gpu

import (
	"fmt"
	"math"
	"time"

	"github.com/simcap/simcap/calibrate/cuda"
	"github.com/simcap/simcap/calibrate/ptx"
)

// Stage is a stage of a start.
type Stage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// Device is a GPU with the built-in kernels, ready for use by the thread that opened it and by those
// that Bind.
type Device struct {
	*cuda.Context
	Stages  []Stage // driver, context, module
	Tensor  bool    // it has halves and tensor cores
	module  *cuda.Module
	kernels map[string]*cuda.Function
}

// Open loads the driver and compiles the kernels for GPU number index. The calling goroutine stays on
// its thread (runtime.LockOSThread) as long as it uses the device.
func Open(index int) (*Device, error) {
	driver, err := cuda.Load("")
	if err != nil {
		return nil, err
	}
	began := driver.Now()
	c, err := driver.Open(index)
	if err != nil {
		return nil, err
	}
	d := &Device{Context: c, kernels: map[string]*cuda.Function{}}
	if err := d.load(began); err != nil {
		c.Close()
		return nil, err
	}
	return d, nil
}

// load compiles the kernels.
func (d *Device) load(began float64) error {
	if err := d.Bind(); err != nil {
		return err
	}
	info, clock := d.Info(), d.Driver()
	d.Stages = append(d.Stages, Stage{"driver", clock.Starting()}, Stage{"context", clock.Now() - began})
	began = clock.Now()
	text, names := ptx.Baseline, []string{"empty", "spin", "triad", "axpy_f32", "gemm_f32"}
	switch {
	case info.Major < 6:
		return fmt.Errorf("the GPU (%s, compute capability %s) is older than the "+
			"built-in kernels, which need 6.0", info.Name, info.Capability)
	case info.Major >= 8 && info.Driver >= 11000:
		text, names, d.Tensor = ptx.Tensor, append(names, "axpy_f16", "gemm_f16"), true
	}
	var err error
	if d.module, err = d.LoadModule(text); err != nil {
		return err
	}
	for _, name := range names {
		if d.kernels[name], err = d.module.Function(name); err != nil {
			return err
		}
	}
	d.Stages = append(d.Stages, Stage{"module", clock.Now() - began})
	return nil
}

// launch is one kernel with its arguments.
type launch struct {
	f            *cuda.Function
	gridX, gridY int
	threads      int
	args         *cuda.Args
}

func (l *launch) send(s *cuda.Stream) error {
	return s.Launch(l.f, l.gridX, l.gridY, l.threads, l.args)
}

// most is a grid's size that keeps every GPU busy with a loop over the elements.
const most = 4096

func (d *Device) empty() launch { return launch{d.kernels["empty"], 1, 1, 32, nil} }

// spin keeps one thread busy.
func (d *Device) spin(t time.Duration) launch {
	return launch{d.kernels["spin"], 1, 1, 1, cuda.NewArgs(uint64(t.Nanoseconds()))}
}

// triad has n groups of four elements.
func (d *Device) triad(a, b, c cuda.Pointer, s float32, n int) launch {
	grid := min(most, (n+ptx.Threads-1)/ptx.Threads)
	return launch{d.kernels["triad"], grid, 1, ptx.Threads, cuda.NewArgs(uint64(a), uint64(b),
		uint64(c),
		uint64(math.Float32bits(s)), uint64(n))}
}

// axpy is y = a y + x over n elements, an even number.
func (d *Device) axpy(half bool, y, x cuda.Pointer, a float32, n int) launch {
	kernel, factor := d.kernels["axpy_f32"], uint64(math.Float32bits(a))
	if half {
		h := uint64(Half(a))
		kernel, factor, n = d.kernels["axpy_f16"], h<<16|h, n/2
	}
	grid := min(most, (n+ptx.Threads-1)/ptx.Threads)
	return launch{kernel, grid, 1, ptx.Threads, cuda.NewArgs(uint64(y), uint64(x), factor,
		uint64(n))}
}

// gemm is C = A B with A of m rows of k, B of n columns of k, C of m rows of n.
func (d *Device) gemm(half bool, a, b, c cuda.Pointer, m, n, k int) launch {
	kernel, threads := d.kernels["gemm_f32"], ptx.ThreadsGemmF32
	if half {
		kernel, threads = d.kernels["gemm_f16"], ptx.ThreadsGemmF16
	}
	return launch{kernel, n / ptx.Tile, (m + ptx.Tile - 1) / ptx.Tile, threads,
		cuda.NewArgs(uint64(a), uint64(b),
			uint64(c), uint64(m), uint64(n), uint64(k))}
}

// Half is the nearest half of a float (IEEE 754 binary16, ties to even).
func Half(f float32) uint16 {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	a := math.Abs(float64(f))
	switch {
	case math.IsNaN(a):
		return sign | 0x7e00
	case a >= 65520: // half-way behind the largest
		return sign | 0x7c00
	case a < 0x1p-14:
		return sign | uint16(math.RoundToEven(a*0x1p24))
	}
	_, e := math.Frexp(a)                              // a is in [2^(e-1), 2^e)
	m := uint16(math.RoundToEven(math.Ldexp(a, 11-e))) // 1024 to 2048
	return sign | (uint16(e+13)<<10 + m)
}

// Float is the value of a half.
func Float(h uint16) float32 {
	e, m := int(h>>10&31), float64(h&1023)
	v := math.Ldexp(m, -24)
	switch {
	case e == 31 && m == 0:
		v = math.Inf(1)
	case e == 31:
		v = math.NaN()
	case e > 0:
		v = math.Ldexp(1024+m, e-25)
	}
	if h>>15 == 1 {
		v = -v
	}
	return float32(v)
}
