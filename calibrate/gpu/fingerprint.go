package gpu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/simcap/simcap/calibrate/cuda"
	"github.com/simcap/simcap/calibrate/fit"
)

// Figure is one property of the host, as the built-in kernels find it.
type Figure struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`             // s, B/s or FLOP/s
	Spread float64 `json:"spread,omitempty"` // between the quartiles of the repetitions, over the median
}

// Fingerprint is what tells hosts apart: launches, copies, memory and arithmetic of the GPU. It says
// nothing about how fast a model can be on it: the kernels are plain ones.
type Fingerprint struct {
	GPU     cuda.Info `json:"gpu"`
	Figures []Figure  `json:"figures"`
	Notes   []string  `json:"notes,omitempty"` // what could not be measured, and why
}

// Figure is the value of a figure; 0 where it was not measured.
func (f *Fingerprint) Figure(name string) float64 {
	for i := range f.Figures {
		if f.Figures[i].Name == name {
			return f.Figures[i].Value
		}
	}
	return 0
}

// repetitions of each measurement; the median counts.
const repetitions = 7

// bench measures on one stream.
type bench struct {
	*Device
	ctx      context.Context
	s        *cuda.Stream
	from, to *cuda.Event
	out      *Fingerprint
	gate     time.Duration // how long a kernel keeps back what is sent behind it
}

// Measure takes the fingerprint. With an error or when the context ends it has what was finished. The
// caller is on the device's thread.
func (d *Device) Measure(ctx context.Context, out *Fingerprint) error {
	b := &bench{Device: d, ctx: ctx, out: out, gate: time.Millisecond}
	out.GPU = d.Info()
	for _, s := range d.Stages {
		out.Figures = append(out.Figures, Figure{Name: s.Name, Value: s.Seconds, Unit: "s"})
	}
	var err error
	if b.s, err = d.NewStream(); err != nil {
		return err
	}
	defer b.s.Close()
	if b.from, err = d.NewEvent(); err != nil {
		return err
	}
	defer b.from.Close()
	if b.to, err = d.NewEvent(); err != nil {
		return err
	}
	defer b.to.Close()
	steps := []func() error{b.launches, b.graphs, b.copies, b.memory,
		func() error { return b.arithmetic(false) }}
	if d.Tensor {
		steps = append(steps, func() error { return b.arithmetic(true) })
	} else {
		b.note("no tensor cores: they need compute capability 8.0 and a driver for CUDA 11.0")
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(); err != nil {
			if !cuda.IsOutOfMemory(err) && !errors.Is(err, errBusy) {
				return err
			}
			b.note("%v", err)
		}
	}
	return ctx.Err()
}

func (b *bench) note(format string, args ...any) {
	b.out.Notes = append(b.out.Notes, fmt.Sprintf(format, args...))
}

// add adds a figure that is f of the median of times.
func (b *bench) add(name, unit string, times []float64, f func(seconds float64) float64) {
	slices.Sort(times)
	n := len(times)
	median := times[n/2]
	if median <= 0 { // a difference that is lost in what varies
		b.note("%s: too small to be told from what varies", name)
		return
	}
	b.out.Figures = append(b.out.Figures, Figure{name, f(median), unit, (times[3*n/4] - times[n/4]) / median})
}

func same(x float64) float64 { return x }

// time is how long the GPU takes for what work sends, by its own clock, n times over, each time.
func (b *bench) time(n int, work func() error) (float64, error) {
	if err := b.from.Record(b.s); err != nil {
		return 0, err
	}
	for range n {
		if err := work(); err != nil {
			return 0, err
		}
	}
	if err := b.to.Record(b.s); err != nil {
		return 0, err
	}
	if err := b.s.Sync(); err != nil {
		return 0, err
	}
	t, err := b.to.Since(b.from)
	return t / float64(n), err
}

// longestGate is how long sending may take; beyond it the host is too busy to be told from the GPU.
const longestGate = time.Second

// gated is how long the GPU takes for what work sends, n times over, each time, and how long the host
// takes to send it. A kernel keeps the stream back until all is sent, so that the GPU never waits for the
// host, and the times of small things are its own. The queue of a stream holds about a thousand of them.
func (b *bench) gated(n int, work func() error) (gpu, host float64, err error) {
	clock := b.Driver()
	for {
		gate := b.spin(b.gate)
		if err := gate.send(b.s); err != nil {
			return 0, 0, err
		}
		began := clock.Now()
		gpu, err = b.time(n, func() error {
			err := work()
			host = clock.Now() - began
			return err
		})
		if err != nil || host < 0.8*b.gate.Seconds() {
			return gpu, host / float64(n), err
		}
		if b.gate >= longestGate {
			return 0, 0, errBusy
		}
		b.gate *= 2
	}
}

// errBusy says that the host cannot send as fast as the GPU works.
var errBusy = errors.New("the host takes longer than a second to send a hundred small things: it is too busy")

// times are repetitions of time, behind one that is thrown away.
func (b *bench) times(n int, work func() error) ([]float64, error) {
	var out []float64
	for i := range repetitions + 1 {
		if err := b.ctx.Err(); err != nil {
			return nil, err
		}
		t, err := b.time(n, work)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, t)
		}
	}
	return out, nil
}

// slope measures two sizes of the same work: their difference is free of what each costs by itself.
// Rest is that cost.
func (b *bench) slope(n int, small, large float64, work func(size float64) error) (perUnit,
	rest []float64,
	err error) {
	for i := range repetitions + 1 {
		if err := b.ctx.Err(); err != nil {
			return nil, nil, err
		}
		s, err := b.time(n, func() error { return work(small) })
		if err != nil {
			return nil, nil, err
		}
		l, err := b.time(n, func() error { return work(large) })
		if err != nil {
			return nil, nil, err
		}
		if i > 0 {
			one := (l - s) / (large - small)
			perUnit, rest = append(perUnit, one), append(rest, s-one*small)
		}
	}
	return perUnit, rest, nil
}

// launches measures how many empty kernels a second can be sent, one by one, and what of it is the host's
// and the GPU's.
func (b *bench) launches() error {
	empty := b.empty()
	t, err := b.times(1000, func() error { return empty.send(b.s) })
	if err != nil {
		return err
	}
	b.add("launch", "s", t, same)
	var gpu, host []float64
	for range repetitions {
		g, h, err := b.gated(smallCount, func() error { return empty.send(b.s) })
		if err != nil {
			return err
		}
		gpu, host = append(gpu, g), append(host, h)
	}
	b.add("launch, host", "s", host, same)
	b.add("launch, GPU", "s", gpu, same)
	clock := b.Driver()
	t = t[:0]
	for range 10 * repetitions {
		began := clock.Now()
		if err := errors.Join(empty.send(b.s), b.s.Sync()); err != nil {
			return err
		}
		t = append(t, clock.Now()-began)
	}
	b.add("round trip", "s", t, same)
	return nil
}

// graphs measures the same with graphs.
func (b *bench) graphs() error {
	empty := b.empty()
	var graphs []*cuda.Graph
	defer func() {
		for _, g := range graphs {
			g.Close()
		}
	}()
	for _, nodes := range []int{50, 250} {
		g, err := b.s.Capture(func() error {
			for range nodes {
				if err := empty.send(b.s); err != nil {
					return err
				}
			}
			return nil
		})
		if errors.Is(err, cuda.ErrNoGraphs) {
			b.note("%v", err)
			return nil
		}
		if err != nil {
			return err
		}
		graphs = append(graphs, g)
	}
	perNode, rest, err := b.slope(1, 50, 250, func(nodes float64) error {
		if nodes == 50 {
			return graphs[0].Launch(b.s)
		}
		return graphs[1].Launch(b.s)
	})
	if err != nil {
		return err
	}
	b.add("graph kernel", "s", perNode, same)
	b.add("graph launch", "s", rest, same)
	return nil
}

func inverse(x float64) float64 { return 1 / x }

// smallCount is how many small things are sent behind a gate, so that the half microsecond that events
// resolve is divided by it.
const smallCount = 100

// copySizes are bytes: at the small ones a copy is nearly all start, at the large ones nearly all transfer.
// Few of the large are sent at a time.
func copySizes() []struct{ bytes, count int } {
	return []struct{ bytes, count int }{{4 << 10, smallCount}, {16 << 10, smallCount}, {256 << 10, 20},
		{8 << 20, 4}, {32 << 20, 2}}
}

// copies measures pinned memory to the GPU and back: start and rate together, by least squares of the
// relative errors over all sizes. The least of the repetitions would be of the luckiest; the median counts.
func (b *bench) copies() error {
	sizes := copySizes()
	largest := sizes[len(sizes)-1].bytes
	h, err := b.AllocHost(largest)
	if err != nil {
		return err
	}
	defer h.Close()
	p, err := b.Alloc(uint64(largest))
	if err != nil {
		return err
	}
	defer b.Free(p)
	for _, way := range []struct {
		name string
		copy func(bytes int) error
	}{
		{"host to device", func(n int) error { return b.s.ToDevice(p, h, n) }},
		{"device to host", func(n int) error { return b.s.ToHost(h, p, n) }},
	} {
		var perByte, starts, host []float64
		for i := range repetitions + 1 {
			var points []fit.Point
			for _, size := range sizes {
				if err := b.ctx.Err(); err != nil {
					return err
				}
				gpu, sent, err := b.gated(size.count, func() error { return way.copy(size.bytes) })
				if err != nil {
					return err
				}
				points = append(points, fit.Point{N: size.bytes, Times: []float64{gpu}})
				if size.count == smallCount && i > 0 {
					host = append(host, sent)
				}
			}
			start, slope, ok := fit.Line(points)
			if i > 0 && ok { // the first repetition wakes the GPU up
				perByte, starts = append(perByte, slope), append(starts, start)
			}
		}
		if len(perByte) == 0 {
			b.note("%s: the times are on no line", way.name)
			continue
		}
		b.add(way.name, "B/s", perByte, inverse)
		b.add(way.name+", start", "s", starts, same)
		b.add(way.name+", host", "s", host, same)
	}
	return nil
}

// memory measures the GPU's memory by a triad over arrays far larger than caches.
func (b *bench) memory() error {
	const small, large = 64 << 20, 256 << 20 // bytes of one array
	var p [3]cuda.Pointer
	for i := range p {
		var err error
		if p[i], err = b.Alloc(large); err != nil {
			return fmt.Errorf("memory: %w", err)
		}
		defer b.Free(p[i])
		if err := b.s.Fill(p[i], 0x3f800000, large/4); err != nil {
			return err
		}
	}
	work := map[float64]*launch{}
	for _, bytes := range []int{small, large} {
		l := b.triad(p[0], p[1], p[2], 0.5, bytes/16)
		work[float64(3*bytes)] = &l
	}
	perByte, _, err := b.slope(10, 3*small, 3*large,
		func(n float64) error { return work[n].send(b.s) })
	if err != nil {
		return err
	}
	b.add("memory", "B/s", perByte, inverse)
	return nil
}

// arithmetic measures products of matrices.
func (b *bench) arithmetic(half bool) error {
	const n, k = 4096, 4096
	rows, name, width := []int{2048, 4096}, "fp32", 4
	if half {
		rows, name, width = []int{4096, 8192}, "f16 tensor cores", 2
	}
	var p [3]cuda.Pointer
	for i, words := range []int{rows[1] * k, n * k, rows[1] * n} {
		var err error
		if p[i], err = b.Alloc(uint64(words * width)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer b.Free(p[i])
	}
	if err := b.scatter(p[0], rows[1]*k*width, half); err != nil {
		return err
	}
	if err := b.scatter(p[1], n*k*width, half); err != nil {
		return err
	}
	work := map[float64]*launch{}
	flops := func(m int) float64 { return 2 * float64(m) * n * k }
	for _, m := range rows {
		l := b.gemm(half, p[0], p[1], p[2], m, n, k)
		work[flops(m)] = &l
	}
	perFlop, _, err := b.slope(3, flops(rows[0]), flops(rows[1]),
		func(f float64) error { return work[f].send(b.s) })
	if err != nil {
		return err
	}
	b.add(name, "FLOP/s", perFlop, inverse)
	return nil
}

// scatter fills memory with numbers like those of a model: how much power arithmetic takes depends on
// them.
func (b *bench) scatter(p cuda.Pointer, bytes int, half bool) error {
	h, err := noise(b.Context, min(bytes, noiseBytes), half)
	if err != nil {
		return err
	}
	defer h.Close()
	return upload(b.s, p, bytes, h)
}
