package gpu

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/simcap/simcap/calibrate/cuda"
	"github.com/simcap/simcap/calibrate/ptx"
)

// Spec is a composed workload: a chain of products of matrices and of kernels that only move memory,
// over a batch of inputs of Tokens rows each.
type Spec struct {
	Kind      string `json:"kind"` // mlp or transformer
	Layers    int    `json:"layers"`
	Hidden    int    `json:"hidden"`    // columns; a multiple of 64
	Tokens    int    `json:"tokens"`    // rows of an input
	Precision string `json:"precision"` // f16, f32, or auto: f16 where the GPU has tensor cores
	Graph     bool   `json:"graph"`     // send the chain as a CUDA graph
}

// Preset is a Spec by name.
func Preset(name string) (Spec, error) {
	all := presets()
	for _, p := range all {
		if p.name == name {
			return p.spec, nil
		}
	}
	names := PresetNames()
	return Spec{}, fmt.Errorf("no preset %q: there are %s", name, strings.Join(names, ", "))
}

type preset struct {
	name string
	spec Spec
}

func presets() []preset {
	return []preset{
		{"mlp", Spec{Kind: "mlp", Layers: 8, Hidden: 4096, Tokens: 1}},
		{"bert-base", Spec{Kind: "transformer", Layers: 12, Hidden: 768, Tokens: 128}},
		{"bert-large", Spec{Kind: "transformer", Layers: 24, Hidden: 1024, Tokens: 128}},
		{"vit-base", Spec{Kind: "transformer", Layers: 12, Hidden: 768, Tokens: 197}},
		{"wide", Spec{Kind: "transformer", Layers: 4, Hidden: 4096, Tokens: 128}},
	}
}

// PresetNames are the presets that there are.
func PresetNames() []string {
	var names []string
	for _, p := range presets() {
		names = append(names, p.name)
	}
	return names
}

// Validate says what is wrong with a workload.
func (s *Spec) Validate() error {
	switch {
	case s.Kind != "mlp" && s.Kind != "transformer":
		return fmt.Errorf("workload %q, where mlp or transformer is expected", s.Kind)
	case s.Layers < 1 || s.Layers > 1000:
		return fmt.Errorf("%d layers, where 1 to 1000 are expected", s.Layers)
	case s.Hidden < 64 || s.Hidden > 65536 || s.Hidden%ptx.Tile != 0:
		return fmt.Errorf("%d columns, where a multiple of %d up to 65536 is expected", s.Hidden,
			ptx.Tile)
	case s.Tokens < 1 || s.Tokens > 100_000:
		return fmt.Errorf("%d rows of an input, where 1 to 100000 are expected", s.Tokens)
	case !slices.Contains([]string{"auto", "f16", "f32"}, s.Precision):
		return fmt.Errorf("precision %q, where auto, f16 or f32 is expected", s.Precision)
	}
	return nil
}

// String describes a workload.
func (s *Spec) String() string {
	text := fmt.Sprintf("built-in %s, %d layers of %d, %d rows an input, %s", s.Kind, s.Layers,
		s.Hidden, s.Tokens,
		s.Precision)
	if s.Graph {
		text += ", as a graph"
	}
	return text
}

// product is one product of matrices of a layer: columns of the result and of the operand, in units of
// Hidden.
type product struct{ n, k int }

func (s *Spec) products() []product {
	if s.Kind == "mlp" {
		return []product{{4, 1}, {1, 4}}
	}
	return []product{{3, 1}, {1, 1}, {4, 1}, {1, 4}} // query, key and value; projection; up; down
}

// Model is a workload with its weights on the GPU.
type Model struct {
	d       *Device
	spec    Spec
	half    bool
	width   int              // bytes of a number
	weights [][]cuda.Pointer // by layer and product
	seconds float64          // that the weights took
}

// noiseBytes is how much is copied to the GPU at once.
const noiseBytes = 16 << 20

// drawnBytes is how much is drawn; more repeats it.
const drawnBytes = 1 << 20

// noise is pinned memory full of numbers around 0.
func noise(c *cuda.Context, bytes int, half bool) (*cuda.Host, error) {
	h, err := c.AllocHost(bytes)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 1))
	// Products of rows of thousands of such numbers stay about as large as what goes in.
	draw := func() float32 { return float32(random.Float64()-0.5) * 0.04 }
	drawn := min(bytes, drawnBytes)
	for i := 0; i < drawn/4*4; i += 4 {
		word := math.Float32bits(draw())
		if half {
			word = uint32(Half(draw()))<<16 | uint32(Half(draw()))
		}
		binary.LittleEndian.PutUint32(h.Bytes[i:], word)
	}
	for at := drawn; at < bytes; at += drawn {
		copy(h.Bytes[at:], h.Bytes[:drawn])
	}
	return h, nil
}

// upload fills memory of the GPU with what h has, over and over.
func upload(s *cuda.Stream, to cuda.Pointer, bytes int, h *cuda.Host) error {
	for at := 0; at < bytes; at += len(h.Bytes) {
		if err := s.ToDevice(to.Add(uint64(at)), h, min(len(h.Bytes), bytes-at)); err != nil {
			return err
		}
	}
	return s.Sync()
}

// NewModel brings a workload's weights onto the GPU.
func (d *Device) NewModel(spec Spec) (*Model, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	m := &Model{d: d, spec: spec,
		half: spec.Precision == "f16" || spec.Precision == "auto" && d.Tensor, width: 4}
	if m.half && !d.Tensor {
		return nil, fmt.Errorf("f16 needs a GPU of compute capability 8.0 and a driver for CUDA 11.0; "+
			"this is %s with %s: take --precision f32", d.Info().Capability, cudaVersion(d))
	}
	if m.half {
		m.width = 2
	}
	s, err := d.NewStream()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	h, err := noise(d.Context, noiseBytes, m.half)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	began := d.Driver().Now()
	for range spec.Layers {
		var layer []cuda.Pointer
		for _, p := range spec.products() {
			bytes := p.n * p.k * spec.Hidden * spec.Hidden * m.width
			w, err := d.Alloc(uint64(bytes))
			if err != nil {
				return nil, fmt.Errorf("weights: %w", err)
			}
			if err := upload(s, w, bytes, h); err != nil {
				return nil, err
			}
			layer = append(layer, w)
		}
		m.weights = append(m.weights, layer)
	}
	m.seconds = d.Driver().Now() - began
	return m, nil
}

func cudaVersion(d *Device) string {
	info := d.Info()
	return "CUDA " + info.CUDA()
}

// Lane serves one batch at a time on a stream of its own, with memory of its own. It belongs to the
// thread that made it.
type Lane struct {
	m        *Model
	s        *cuda.Stream
	from, to *cuda.Event
	rows     int             // that there is memory for
	memory   [4]cuda.Pointer // of 1, 4, 4 and 1 times Hidden columns: state, inner, second, result
	in, out  *cuda.Host
	plans    map[int]*plan
}

// plan is the chain for one size of batch.
type plan struct {
	chain []launch
	graph *cuda.Graph
}

// NewLane makes a lane. The calling thread is bound to the device.
func (m *Model) NewLane() (*Lane, error) {
	l := &Lane{m: m, plans: map[int]*plan{}}
	var err error
	if l.s, err = m.d.NewStream(); err != nil {
		return nil, err
	}
	if l.from, err = m.d.NewEvent(); err != nil {
		return nil, err
	}
	l.to, err = m.d.NewEvent()
	return l, err
}

// release gives the memory back.
func (l *Lane) release() {
	for _, p := range l.plans {
		if p.graph != nil {
			p.graph.Close()
		}
	}
	for i, p := range l.memory {
		if p != 0 {
			l.m.d.Free(p)
			l.memory[i] = 0
		}
	}
	for _, h := range []*cuda.Host{l.in, l.out} {
		if h != nil {
			h.Close()
		}
	}
	l.in, l.out, l.rows, l.plans = nil, nil, 0, map[int]*plan{}
}

// grow takes memory for so many rows.
func (l *Lane) grow(rows int) error {
	if rows <= l.rows {
		return nil
	}
	l.release()
	d := l.m.d
	state := rows * l.m.spec.Hidden * l.m.width
	for i, columns := range []int{1, 4, 4, 1} {
		var err error
		if l.memory[i], err = d.Alloc(uint64(state * columns)); err != nil {
			l.release()
			return fmt.Errorf("a batch of %d: %w", rows/l.m.spec.Tokens, err)
		}
		if err := l.s.Fill(l.memory[i], 0, uint64(state*columns/4)); err != nil {
			return err
		}
	}
	var err error
	if l.in, err = noise(d.Context, state, l.m.half); err != nil {
		l.release()
		return err
	}
	if l.out, err = d.AllocHost(state); err != nil {
		l.release()
		return err
	}
	l.rows = rows
	return l.s.Sync()
}

// chain is the kernels for so many rows.
func (l *Lane) chain(rows int) []launch {
	m, d := l.m, l.m.spec.Hidden
	state, inner, second, result := l.memory[0], l.memory[1], l.memory[2], l.memory[3]
	var out []launch
	gemm := func(a, b, c cuda.Pointer, p product) {
		out = append(out, m.d.gemm(m.half, a, b, c, rows, p.n*d, p.k*d))
	}
	move := func(y, x cuda.Pointer, columns int) {
		out = append(out, m.d.axpy(m.half, y, x, 0.5, rows*columns*d))
	}
	for _, w := range m.weights {
		p := m.spec.products()
		if m.spec.Kind == "transformer" {
			move(result, state, 1) // normalisation
			gemm(result, w[0], inner, p[0])
			move(second, inner, 3) // attention reads and writes queries, keys and values
			gemm(second, w[1], result, p[1])
			move(state, result, 1)
			w, p = w[2:], p[2:]
		}
		gemm(state, w[0], inner, p[0])
		move(second, inner, 4) // activation
		gemm(second, w[1], result, p[1])
		move(state, result, 1)
	}
	return out
}

// prepare is the plan for a batch of n.
func (l *Lane) prepare(n int) (*plan, error) {
	if p := l.plans[n]; p != nil {
		return p, nil
	}
	rows := n * l.m.spec.Tokens
	if err := l.grow(rows); err != nil {
		return nil, err
	}
	p := &plan{chain: l.chain(rows)}
	if l.m.spec.Graph {
		var err error
		if p.graph, err = l.s.Capture(func() error { return p.send(l.s) }); err != nil {
			return nil, err
		}
	}
	l.plans[n] = p
	return p, nil
}

// send sends the chain, kernel by kernel.
func (p *plan) send(s *cuda.Stream) error {
	for i := range p.chain {
		if err := p.chain[i].send(s); err != nil {
			return err
		}
	}
	return nil
}

// mostRows bounds a batch: the grids of kernels have no more.
const mostRows = 65535 * ptx.Tile

// Serve does a batch of n inputs: they are copied to the GPU, the chain runs, the results are copied back.
// It returns how long that took by the GPU's clock.
func (l *Lane) Serve(n int) (seconds float64, err error) {
	if n < 1 || n > mostRows/l.m.spec.Tokens || n*l.m.spec.Tokens*l.m.spec.Hidden > math.MaxInt32/4 {
		return 0, fmt.Errorf("a batch of %d inputs of %d rows: out of memory, or out of "+
			"the range of the kernels", n,
			l.m.spec.Tokens)
	}
	p, err := l.prepare(n)
	if err != nil {
		return 0, err
	}
	bytes := n * l.m.spec.Tokens * l.m.spec.Hidden * l.m.width
	send := p.send
	if p.graph != nil {
		send = p.graph.Launch
	}
	for _, step := range []func() error{
		func() error { return l.from.Record(l.s) },
		func() error { return l.s.ToDevice(l.memory[0], l.in, bytes) },
		func() error { return send(l.s) },
		func() error { return l.s.ToHost(l.out, l.memory[3], bytes) },
		func() error { return l.to.Record(l.s) },
		l.s.Sync,
	} {
		if err := step(); err != nil {
			return 0, err
		}
	}
	return l.to.Since(l.from)
}

// Close gives all of the lane back.
func (l *Lane) Close() {
	l.release()
	l.from.Close()
	l.to.Close()
	l.s.Close()
}
