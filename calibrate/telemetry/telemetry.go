// Package telemetry watches a GPU while something else measures: clocks, throttling, power, energy,
// memory and processes, through NVML, through nvidia-smi, or from a recording.
package telemetry

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"
)

// Field says which values of a sample are known.
type Field uint16

// The values of a sample.
const (
	HasSMClock Field = 1 << iota
	HasThrottle
	HasPower
	HasEnergy
	HasMemory
	HasProcesses
	HasTemperature
	HasUtilization
	HasGPM
)

// The bits of Sample.Throttle: why the clocks are below what they could be (nvml.h,
// nvmlClocksEventReasons).
const (
	ThrottleIdle         = 0x1
	ThrottleAppClocks    = 0x2
	ThrottlePowerCap     = 0x4
	ThrottleHWSlowdown   = 0x8
	ThrottleSyncBoost    = 0x10
	ThrottleSWThermal    = 0x20
	ThrottleHWThermal    = 0x40
	ThrottleHWPowerBrake = 0x80
)

// Sample is the GPU at one instant.
type Sample struct {
	At          float64   `json:"at"` // s since the watch began
	Have        Field     `json:"have"`
	SMClockMHz  float64   `json:"sm_clock_mhz,omitempty"`
	Throttle    uint64    `json:"throttle,omitempty"`
	PowerWatts  float64   `json:"power_watts,omitempty"`
	EnergyJ     float64   `json:"energy_j,omitempty"` // since the driver was loaded
	MemoryMiB   float64   `json:"memory_mib,omitempty"`
	Temperature float64   `json:"temperature_c,omitempty"`
	Utilization float64   `json:"utilization,omitempty"` // share of time with at least one kernel
	GPM         *GPM      `json:"gpm,omitempty"`
	Processes   []Process `json:"processes,omitempty"`
}

// GPM is how much of the GPU worked, as shares of what it could do, over the quarter of a second before the
// sample (NVML's GPM counters, from Hopper on).
type GPM struct {
	SMActive     float64 `json:"sm_active"`     // SMs with at least one warp
	SMOccupancy  float64 `json:"sm_occupancy"`  // warps of those that fit
	TensorActive float64 `json:"tensor_active"` // tensor cores
	DRAMActive   float64 `json:"dram_active"`   // bandwidth of memory
}

// Process is a process with a context on the GPU. PIDs are the host's.
type Process struct {
	PID       int     `json:"pid"`
	MemoryMiB float64 `json:"memory_mib"` // 0: not told
}

// Info is what does not change.
type Info struct {
	Source        string   `json:"source"` // nvml, nvidia-smi, recording
	Name          string   `json:"name"`
	UUID          string   `json:"uuid"`
	Driver        string   `json:"driver"`
	CUDA          string   `json:"cuda"`
	MIG           bool     `json:"mig"`
	Instance      string   `json:"instance,omitempty"` // of MIG, that computes: its profile, SMs and memory
	MaxSMClockMHz float64  `json:"max_sm_clock_mhz"`
	PowerLimit    float64  `json:"power_limit_watts"`
	MemoryMiB     float64  `json:"memory_mib"`
	GPUs          int      `json:"gpus"`              // on the host
	Missing       []string `json:"missing,omitempty"` // what this driver or GPU does not tell
}

// Synthetic says whether the GPU is none: a recording, or a fake, as fakes say by their name.
func (i *Info) Synthetic() bool {
	return i.Source == recordingSource || strings.Contains(strings.ToLower(i.Name), "fake")
}

const recordingSource = "recording"

// Source is a GPU that can be watched. It is not safe for use by several goroutines.
type Source interface {
	Info() Info
	Sample() (Sample, error)
	Close() error
}

// ErrNoGPU says that there is nothing to watch.
var ErrNoGPU = errors.New("no GPU")

// Open opens GPU number index by the best way there is: "nvml", "nvidia-smi", or "auto" for the first
// that works; "recording:FILE" plays a recording. "none" is no source and no error.
func Open(way string, index int) (Source, error) {
	switch way {
	case "none":
		return nil, nil
	case "nvml":
		return openNVML(index)
	case "nvidia-smi":
		return openSMI(index)
	case "auto", "":
	default:
		if path, ok := strings.CutPrefix(way, "recording:"); ok {
			return openRecording(path)
		}
		return nil, fmt.Errorf("there is no way %q to watch a GPU; choose auto, nvml, nvidia-smi, none, "+
			"or recording:FILE", way)
	}
	s, err := openNVML(index)
	if err == nil {
		return s, nil
	}
	other, otherErr := openSMI(index)
	if otherErr == nil {
		return other, nil
	}
	return nil, fmt.Errorf("%w: NVML: %w; nvidia-smi: %w", ErrNoGPU, err, otherErr)
}

// Watch samples a source until it is stopped.
type Watch struct {
	source Source
	began  time.Time
	mu     sync.Mutex
	all    []Sample
	seen   func(at float64) // called at each sample; nil: not
	failed error
	stop   chan struct{}
	done   chan struct{}
	once   sync.Once
}

// NewWatch begins to sample, so many times a second. The times of samples count from began.
func NewWatch(s Source, hertz float64, began time.Time, each func(at float64)) *Watch {
	w := &Watch{source: s, began: began, stop: make(chan struct{}), done: make(chan struct{}), seen: each}
	go w.run(time.Duration(float64(time.Second) / hertz))
	return w
}

func (w *Watch) run(every time.Duration) {
	defer close(w.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if w.seen != nil {
			w.seen(time.Since(w.began).Seconds())
		}
		if w.source != nil {
			before := time.Since(w.began).Seconds()
			sample, err := w.source.Sample()
			sample.At = (before + time.Since(w.began).Seconds()) / 2
			w.mu.Lock()
			if err != nil {
				w.failed = err
			} else {
				w.all = append(w.all, sample)
			}
			w.mu.Unlock()
		}
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
	}
}

// Between are the samples of a span, both ends included.
func (w *Watch) Between(from, to float64) []Sample {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := sort.Search(len(w.all), func(i int) bool { return w.all[i].At >= from })
	j := sort.Search(len(w.all), func(i int) bool { return w.all[i].At > to })
	return append([]Sample(nil), w.all[i:j]...)
}

// Err is the last error of the source; nil where every sample worked.
func (w *Watch) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// Stop ends the watch; the samples stay.
func (w *Watch) Stop() {
	w.once.Do(func() { close(w.stop) })
	<-w.done
}
