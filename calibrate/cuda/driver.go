package cuda

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unsafe"
)

// Driver is a loaded libcuda. Its methods may be called from any thread.
type Driver struct {
	path    string
	f       functions
	version int
	fake    bool
	began   time.Time
	started float64 // s that cuInit took
}

// functions are the addresses of what is called.
type functions struct {
	init, version, errorName, count, device, name, uuid, attribute, totalMemory, retain, release,
	setCurrent,
	memoryInfo, load, unload, function, alloc, free, allocHost, freeHost, toDevice, toHost,
	memset, stream,
	streamEnd, streamSync, event, eventEnd, record, eventSync, elapsed, launch, capture,
	captureEnd, instantiate,
	graphLaunch, graphEnd, execEnd, now uintptr
}

// table names what is called: the newest name first, where drivers differ. What is optional is not in all
// drivers that simcap works with.
func (f *functions) table() []struct {
	name     string
	into     *uintptr
	optional bool
} {
	return []struct {
		name     string
		into     *uintptr
		optional bool
	}{
		{"cuInit", &f.init, false}, {"cuDriverGetVersion", &f.version, false},
		{"cuGetErrorName", &f.errorName, false}, {"cuDeviceGetCount", &f.count, false},
		{"cuDeviceGet", &f.device, false}, {"cuDeviceGetName", &f.name, false},
		{"cuDeviceGetUuid_v2|cuDeviceGetUuid", &f.uuid, true},
		{"cuDeviceGetAttribute", &f.attribute, false},
		{"cuDeviceTotalMem_v2", &f.totalMemory, false},
		{"cuDevicePrimaryCtxRetain", &f.retain, false},
		{"cuDevicePrimaryCtxRelease_v2|cuDevicePrimaryCtxRelease", &f.release, false},
		{"cuCtxSetCurrent", &f.setCurrent, false},
		{"cuMemGetInfo_v2", &f.memoryInfo, false}, {"cuModuleLoadDataEx", &f.load, false},
		{"cuModuleUnload", &f.unload, false}, {"cuModuleGetFunction", &f.function, false},
		{"cuMemAlloc_v2", &f.alloc, false}, {"cuMemFree_v2", &f.free, false},
		{"cuMemHostAlloc", &f.allocHost, false}, {"cuMemFreeHost", &f.freeHost, false},
		{"cuMemcpyHtoDAsync_v2", &f.toDevice, false}, {"cuMemcpyDtoHAsync_v2", &f.toHost, false},
		{"cuMemsetD32Async", &f.memset, false}, {"cuStreamCreate", &f.stream, false},
		{"cuStreamDestroy_v2", &f.streamEnd, false}, {"cuStreamSynchronize", &f.streamSync, false},
		{"cuEventCreate", &f.event, false}, {"cuEventDestroy_v2", &f.eventEnd, false},
		{"cuEventRecord", &f.record, false}, {"cuEventSynchronize", &f.eventSync, false},
		{"cuEventElapsedTime_v2|cuEventElapsedTime", &f.elapsed, false}, {"cuLaunchKernel",
			&f.launch, false},
		{"cuStreamBeginCapture_v2", &f.capture, true}, {"cuStreamEndCapture", &f.captureEnd, true},
		{"cuGraphInstantiateWithFlags", &f.instantiate, true}, {"cuGraphLaunch", &f.graphLaunch,
			true},
		{"cuGraphDestroy", &f.graphEnd, true}, {"cuGraphExecDestroy", &f.execEnd, true},
		{"fakecudaNowNs", &f.now, true},
	}
}

// Load loads libcuda from path or, where path is empty, from where LibraryVariable says or where it is
// installed, and starts it. The error is ErrNoDriver, a *MissingSymbolError or an *Error, or says why
// the library cannot be loaded.
func Load(path string) (*Driver, error) {
	if path == "" {
		path = os.Getenv(LibraryVariable)
	}
	handle, found, err := openLibrary(path)
	if err != nil {
		return nil, err
	}
	d := &Driver{path: found, began: time.Now(), fake: symbol(handle, "fakecudaVersion") != 0}
	for _, one := range d.f.table() {
		names := strings.Split(one.name, "|")
		for _, name := range names {
			if *one.into == 0 {
				*one.into = symbol(handle, name)
			}
		}
		if *one.into == 0 && !one.optional {
			return nil, &MissingSymbolError{found, names[len(names)-1]}
		}
	}
	before := d.Now()
	if err := d.check("cuInit", invoke(d.f.init, 0)); err != nil {
		return nil, err
	}
	d.started = d.Now() - before
	var version int32
	if err := d.check("cuDriverGetVersion", invoke(d.f.version,
		uintptr(unsafe.Pointer(&version)))); err != nil {
		return nil, err
	}
	d.version = int(version)
	if d.version < 9000 {
		return nil,
			fmt.Errorf("the driver is too old: it is for CUDA %d.%d, and simcap needs one for "+
				"9.0 or newer",
				d.version/1000, d.version%1000/10)
	}
	return d, nil
}

// check makes an error of a result.
func (d *Driver) check(call string, result uintptr) error {
	code := Result(int32(result))
	if code == Success {
		return nil
	}
	e := &Error{Call: call, Code: code}
	var text *byte
	if r := invoke(d.f.errorName, uintptr(code),
		uintptr(unsafe.Pointer(&text))); r == 0 && text != nil {
		e.Name = goString(text)
	}
	return e
}

// goString copies a string of C.
func goString(p *byte) string {
	var b strings.Builder
	for n := 0; *p != 0 && n < 4096; n++ {
		b.WriteByte(*p)
		p = (*byte)(unsafe.Add(unsafe.Pointer(p), 1))
	}
	return b.String()
}

// Now is seconds since the driver was loaded: by the host's clock, or by the virtual clock of a library
// of tests.
func (d *Driver) Now() float64 {
	if d.f.now != 0 {
		return float64(invoke(d.f.now)) / 1e9
	}
	return time.Since(d.began).Seconds()
}

// Starting is how many seconds the driver took to start (cuInit).
func (d *Driver) Starting() float64 { return d.started }

// Count is how many GPUs there are.
func (d *Driver) Count() (int, error) {
	var n int32
	err := d.check("cuDeviceGetCount", invoke(d.f.count, uintptr(unsafe.Pointer(&n))))
	return int(n), err
}

// Numbers of attributes (cuda.h, CUdevice_attribute).
const (
	attributeClock = 13
	attributeSMs   = 16
	attributeMajor = 75
	attributeMinor = 76
)

// describe reads what does not change about a GPU.
func (d *Driver) describe(device int32) (Info, error) {
	i := Info{Driver: d.version, Fake: d.fake}
	name := make([]byte, 256)
	if err := d.check("cuDeviceGetName", invoke(d.f.name, uintptr(unsafe.Pointer(&name[0])),
		uintptr(len(name)),
		uintptr(device))); err != nil {
		return i, err
	}
	i.Name = strings.TrimSpace(goString(&name[0]))
	for _, a := range []struct {
		number int
		into   *int
	}{{attributeClock, &i.ClockKHz}, {attributeSMs, &i.SMs}, {attributeMajor, &i.Major},
		{attributeMinor, &i.Minor}} {
		var v int32
		if err := d.check("cuDeviceGetAttribute", invoke(d.f.attribute,
			uintptr(unsafe.Pointer(&v)), uintptr(a.number),
			uintptr(device))); err != nil {
			return i, err
		}
		*a.into = int(v)
	}
	i.Capability = fmt.Sprintf("%d.%d", i.Major, i.Minor)
	var total uint64
	if err := d.check("cuDeviceTotalMem", invoke(d.f.totalMemory, uintptr(unsafe.Pointer(&total)),
		uintptr(device))); err != nil {
		return i, err
	}
	i.MemoryBytes = total
	if d.f.uuid != 0 {
		var u [16]byte
		if d.check("cuDeviceGetUuid", invoke(d.f.uuid, uintptr(unsafe.Pointer(&u)),
			uintptr(device))) == nil {
			i.UUID = fmt.Sprintf("GPU-%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
		}
	}
	return i, nil
}

// Open creates the context of a GPU in this process.
func (d *Driver) Open(index int) (*Context, error) {
	count, err := d.Count()
	if err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, &Error{Call: "cuDeviceGetCount", Code: NoDevice, Name: "CUDA_ERROR_NO_DEVICE"}
	}
	if index < 0 || index >= count {
		return nil, fmt.Errorf("there is no GPU %d; the host has %d, counted from 0", index, count)
	}
	c := &Context{d: d}
	if err := d.check("cuDeviceGet", invoke(d.f.device, uintptr(unsafe.Pointer(&c.device)),
		uintptr(index))); err != nil {
		return nil, err
	}
	if c.info, err = d.describe(c.device); err != nil {
		return nil, err
	}
	err = d.check("cuDevicePrimaryCtxRetain", invoke(d.f.retain,
		uintptr(unsafe.Pointer(&c.handle)), uintptr(c.device)))
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Driver is the driver that the context is of.
func (c *Context) Driver() *Driver { return c.d }

// IsOutOfMemory says whether an error is that the GPU's memory does not suffice.
func IsOutOfMemory(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == OutOfMemory
}
