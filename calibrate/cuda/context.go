package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// Context is a GPU in use by this process. Each thread that calls anything of it has to Bind it first
// and to stay on its thread (runtime.LockOSThread).
type Context struct {
	d      *Driver
	device int32
	handle uintptr
	info   Info
}

// Module is compiled kernels.
type Module struct {
	c      *Context
	handle uintptr
}

// Function is a kernel.
type Function struct {
	name   string
	handle uintptr
}

// Stream is a line of work on the GPU.
type Stream struct {
	c      *Context
	handle uintptr
}

// Event is a mark in a stream.
type Event struct {
	c      *Context
	handle uintptr
}

// Graph is launches that are sent as one.
type Graph struct {
	c           *Context
	graph, exec uintptr
}

// Pointer is memory of the GPU.
type Pointer uint64

// Add is the address so many bytes further.
func (p Pointer) Add(bytes uint64) Pointer { return p + Pointer(bytes) }

// Host is pinned memory of the host, from which the GPU copies by itself.
type Host struct {
	c       *Context
	address *byte
	Bytes   []byte
}

// Info is what does not change about the GPU.
func (c *Context) Info() Info { return c.info }

// Bind makes the context the one of this thread.
func (c *Context) Bind() error {
	return c.d.check("cuCtxSetCurrent", invoke(c.d.f.setCurrent, c.handle))
}

// Close gives the context back.
func (c *Context) Close() error {
	return c.d.check("cuDevicePrimaryCtxRelease", invoke(c.d.f.release, uintptr(c.device)))
}

// Memory is how many bytes are free, and how many there are.
func (c *Context) Memory() (free, total uint64, err error) {
	err = c.d.check("cuMemGetInfo", invoke(c.d.f.memoryInfo, uintptr(unsafe.Pointer(&free)),
		uintptr(unsafe.Pointer(&total))))
	return free, total, err
}

// Options of cuModuleLoadDataEx (cuda.h, CUjit_option).
const (
	jitErrorLog     = 5
	jitErrorLogSize = 6
)

// LoadModule has the driver compile PTX. The error has what the driver's compiler says.
func (c *Context) LoadModule(ptx []byte) (*Module, error) {
	m := &Module{c: c}
	image := append(append(make([]byte, 0, len(ptx)+1), ptx...), 0)
	log := make([]byte, 4096)
	options := []int32{jitErrorLog, jitErrorLogSize}
	values := []uintptr{uintptr(unsafe.Pointer(&log[0])), uintptr(len(log))}
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&log[0]) // values has its address as a number only
	err := c.d.check("cuModuleLoadDataEx", invoke(c.d.f.load, uintptr(unsafe.Pointer(&m.handle)),
		uintptr(unsafe.Pointer(&image[0])), 2,
		uintptr(unsafe.Pointer(&options[0])), uintptr(unsafe.Pointer(&values[0]))))
	if err != nil {
		if said := strings.TrimSpace(goString(&log[0])); said != "" {
			err = fmt.Errorf("%w\n%s", err, said)
		}
		return nil, err
	}
	return m, nil
}

// Close unloads the module.
func (m *Module) Close() error {
	return m.c.d.check("cuModuleUnload", invoke(m.c.d.f.unload, m.handle))
}

// Function is a kernel by its name.
func (m *Module) Function(name string) (*Function, error) {
	f := &Function{name: name}
	text := append([]byte(name), 0)
	err := m.c.d.check("cuModuleGetFunction", invoke(m.c.d.f.function,
		uintptr(unsafe.Pointer(&f.handle)), m.handle, uintptr(unsafe.Pointer(&text[0]))))
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", name, err)
	}
	return f, nil
}

// Alloc takes memory of the GPU.
func (c *Context) Alloc(bytes uint64) (Pointer, error) {
	var p uint64
	if err := c.d.check("cuMemAlloc", invoke(c.d.f.alloc, uintptr(unsafe.Pointer(&p)),
		uintptr(bytes))); err != nil {
		if IsOutOfMemory(err) {
			if free, total, told := c.Memory(); told == nil {
				return 0, fmt.Errorf("%.0f MiB are wanted, %.0f of %.0f MiB are free: %w",
					mib(bytes), mib(free), mib(total), err)
			}
		}
		return 0, err
	}
	return Pointer(p), nil
}

func mib(bytes uint64) float64 { return float64(bytes) / (1 << 20) }

// Free gives memory of the GPU back.
func (c *Context) Free(p Pointer) error {
	return c.d.check("cuMemFree", invoke(c.d.f.free, uintptr(p)))
}

// AllocHost takes pinned memory of the host.
func (c *Context) AllocHost(bytes int) (*Host, error) {
	h := &Host{c: c}
	if err := c.d.check("cuMemHostAlloc", invoke(c.d.f.allocHost,
		uintptr(unsafe.Pointer(&h.address)), uintptr(bytes), 0)); err != nil {
		return nil, err
	}
	h.Bytes = unsafe.Slice(h.address, bytes)
	return h, nil
}

// Close gives pinned memory back.
func (h *Host) Close() error {
	h.Bytes = nil
	return h.c.d.check("cuMemFreeHost", invoke(h.c.d.f.freeHost,
		uintptr(unsafe.Pointer(h.address))))
}

// NewStream makes a stream that waits for no other one.
func (c *Context) NewStream() (*Stream, error) {
	const nonBlocking = 1
	s := &Stream{c: c}
	if err := c.d.check("cuStreamCreate", invoke(c.d.f.stream, uintptr(unsafe.Pointer(&s.handle)),
		nonBlocking)); err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends the stream.
func (s *Stream) Close() error {
	return s.c.d.check("cuStreamDestroy", invoke(s.c.d.f.streamEnd, s.handle))
}

// Sync waits until all of the stream's work is done. What went wrong in it is told here.
func (s *Stream) Sync() error {
	return s.c.d.check("cuStreamSynchronize", invoke(s.c.d.f.streamSync, s.handle))
}

// ToDevice copies bytes of pinned memory to the GPU.
func (s *Stream) ToDevice(to Pointer, from *Host, bytes int) error {
	if bytes > len(from.Bytes) {
		return fmt.Errorf("a copy of %d bytes out of %d", bytes, len(from.Bytes))
	}
	return s.c.d.check("cuMemcpyHtoDAsync", invoke(s.c.d.f.toDevice, uintptr(to),
		uintptr(unsafe.Pointer(from.address)),
		uintptr(bytes), s.handle))
}

// ToHost copies bytes of the GPU to pinned memory.
func (s *Stream) ToHost(to *Host, from Pointer, bytes int) error {
	if bytes > len(to.Bytes) {
		return fmt.Errorf("a copy of %d bytes into %d", bytes, len(to.Bytes))
	}
	return s.c.d.check("cuMemcpyDtoHAsync", invoke(s.c.d.f.toHost,
		uintptr(unsafe.Pointer(to.address)), uintptr(from),
		uintptr(bytes), s.handle))
}

// Fill writes the same 32 bits over so many words.
func (s *Stream) Fill(to Pointer, word uint32, words uint64) error {
	return s.c.d.check("cuMemsetD32Async", invoke(s.c.d.f.memset, uintptr(to), uintptr(word),
		uintptr(words), s.handle))
}

// Args are the arguments of a kernel. They are read when it is launched.
type Args struct {
	values   []uint64
	pointers []*uint64
}

// NewArgs makes arguments of whole numbers and addresses; floats by math.Float32bits. Each is read by as
// many bytes as the kernel says.
func NewArgs(values ...uint64) *Args {
	a := &Args{values: values, pointers: make([]*uint64, len(values))}
	for i := range values {
		a.pointers[i] = &a.values[i]
	}
	return a
}

// Launch sends a kernel. Of a grid and a block only x and y are used.
func (s *Stream) Launch(f *Function, gridX, gridY, threads int, args *Args) error {
	var pins runtime.Pinner
	list := uintptr(0)
	if args != nil && len(args.values) > 0 {
		pins.Pin(&args.values[0])
		pins.Pin(&args.pointers[0])
		list = uintptr(unsafe.Pointer(&args.pointers[0]))
	}
	r := invoke(s.c.d.f.launch, f.handle, uintptr(gridX), uintptr(gridY), 1, uintptr(threads), 1,
		1, 0, s.handle, list, 0)
	pins.Unpin()
	if r == 0 {
		return nil
	}
	return fmt.Errorf("kernel %s: %w", f.name, s.c.d.check("cuLaunchKernel", r))
}

// NewEvent makes a mark.
func (c *Context) NewEvent() (*Event, error) {
	e := &Event{c: c}
	if err := c.d.check("cuEventCreate", invoke(c.d.f.event, uintptr(unsafe.Pointer(&e.handle)),
		0)); err != nil {
		return nil, err
	}
	return e, nil
}

// Close ends the mark.
func (e *Event) Close() error {
	return e.c.d.check("cuEventDestroy", invoke(e.c.d.f.eventEnd, e.handle))
}

// Record sets the mark behind all of the stream's work so far.
func (e *Event) Record(s *Stream) error {
	return e.c.d.check("cuEventRecord", invoke(e.c.d.f.record, e.handle, s.handle))
}

// Sync waits until the mark is reached.
func (e *Event) Sync() error {
	return e.c.d.check("cuEventSynchronize", invoke(e.c.d.f.eventSync, e.handle))
}

// Since is the seconds from one reached mark to this one, which the GPU resolves to about half a
// microsecond.
func (e *Event) Since(earlier *Event) (float64, error) {
	var ms float32
	err := e.c.d.check("cuEventElapsedTime", invoke(e.c.d.f.elapsed, uintptr(unsafe.Pointer(&ms)),
		earlier.handle, e.handle))
	return float64(ms) / 1e3, err
}

// ErrNoGraphs says that the driver has no graphs.
var ErrNoGraphs = errors.New("the driver has no CUDA graphs; they came with CUDA 11.4")

// Capture makes a graph of what work sends to the stream, without doing it.
func (s *Stream) Capture(work func() error) (*Graph, error) {
	f := &s.c.d.f
	for _, need := range []uintptr{f.capture, f.captureEnd, f.instantiate, f.graphLaunch,
		f.graphEnd, f.execEnd} {
		if need == 0 {
			return nil, ErrNoGraphs
		}
	}
	const threadLocal = 1
	if err := s.c.d.check("cuStreamBeginCapture", invoke(f.capture, s.handle,
		threadLocal)); err != nil {
		return nil, err
	}
	g := &Graph{c: s.c}
	failed := work()
	err := s.c.d.check("cuStreamEndCapture", invoke(f.captureEnd, s.handle,
		uintptr(unsafe.Pointer(&g.graph))))
	if err = errors.Join(failed, err); err != nil {
		return nil, err
	}
	if err := s.c.d.check("cuGraphInstantiate", invoke(f.instantiate,
		uintptr(unsafe.Pointer(&g.exec)), g.graph, 0)); err != nil {
		return nil, errors.Join(err, s.c.d.check("cuGraphDestroy", invoke(f.graphEnd, g.graph)))
	}
	return g, nil
}

// Launch sends all of the graph.
func (g *Graph) Launch(s *Stream) error {
	return s.c.d.check("cuGraphLaunch", invoke(s.c.d.f.graphLaunch, g.exec, s.handle))
}

// Close ends the graph.
func (g *Graph) Close() error {
	return errors.Join(g.c.d.check("cuGraphExecDestroy", invoke(g.c.d.f.execEnd, g.exec)),
		g.c.d.check("cuGraphDestroy", invoke(g.c.d.f.graphEnd, g.graph)))
}
