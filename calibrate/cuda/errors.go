// Package cuda is a thin layer over the CUDA driver API. The library is loaded at run time: no toolkit
// is needed to build or to run, and neither is cgo.
package cuda

import (
	"errors"
	"fmt"
)

// LibraryVariable is the environment variable that names another libcuda.so.1.
const LibraryVariable = "SIMCAP_LIBCUDA"

// Result is a CUresult.
type Result int32

// The results that are told apart (cuda.h).
const (
	Success           Result = 0
	OutOfMemory       Result = 2
	NoDevice          Result = 100
	InvalidPTX        Result = 218
	UnsupportedPTX    Result = 222
	NoBinary          Result = 209
	NotFound          Result = 500
	NotReady          Result = 600
	systemMismatch    Result = 803
	deviceUnavailable Result = 46
)

// ErrNoDriver says that there is no libcuda to load.
var ErrNoDriver = errors.New("no NVIDIA driver is installed here")

// MissingSymbolError is a driver too old for what is called.
type MissingSymbolError struct{ Library, Symbol string }

func (e *MissingSymbolError) Error() string {
	return fmt.Sprintf("%s has no %s: the driver is too old; simcap needs one for CUDA 9.0 or newer",
		e.Library, e.Symbol)
}

// Error is a call that failed.
type Error struct {
	Call string
	Code Result
	Name string // as the driver calls it; "" where it does not know it
}

func (e *Error) Error() string {
	name := e.Name
	if name == "" {
		name = "an unknown error"
	}
	text := fmt.Sprintf("%s: %s (%d)", e.Call, name, e.Code)
	if why := e.Code.why(); why != "" {
		text += ": " + why
	}
	return text
}

// why is what people can do about a result.
func (r Result) why() string {
	switch r {
	case OutOfMemory:
		return "out of memory on the GPU"
	case NoDevice:
		return "no GPU: the driver sees none (is the container started with GPUs, is " +
			"CUDA_VISIBLE_DEVICES empty?)"
	case UnsupportedPTX:
		return "the driver is older than the kernels, which need CUDA 11.0"
	case NoBinary:
		return "the GPU is older than the kernels"
	case InvalidPTX:
		return "the driver does not take the kernels"
	case systemMismatch:
		return "the library and the kernel module of the driver are of different versions: restart the host"
	case deviceUnavailable:
		return "the GPU is busy with a process that has it for itself, or in a bad state"
	}
	return ""
}

// Is makes errors of the same result alike.
func (e *Error) Is(other error) bool {
	o, ok := other.(*Error)
	return ok && o.Code == e.Code && (o.Call == "" || o.Call == e.Call)
}

// Info is what does not change about a GPU.
type Info struct {
	Name         string `json:"name"`
	UUID         string `json:"uuid,omitempty"`
	Driver       int    `json:"driver"`                 // of CUDA: 12020 is 12.2
	Major, Minor int    `json:"-"`                      // of the compute capability
	Capability   string `json:"capability"`             // 8.0
	SMs          int    `json:"sms"`                    // multiprocessors
	ClockKHz     int    `json:"clock_khz,omitempty"`    // highest
	MemoryBytes  uint64 `json:"memory_bytes,omitempty"` // in all
	Fake         bool   `json:"fake,omitempty"`         // it is no GPU, but a library of tests
}

// CUDA is the version of the driver's API as people write it: 12.2.
func (i *Info) CUDA() string { return fmt.Sprintf("%d.%d", i.Driver/1000, i.Driver%1000/10) }
