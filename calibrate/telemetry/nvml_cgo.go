//go:build linux && cgo

package telemetry

// The binding of NVML is compiled with nvml.h, whose licence asks for its notice in the comments of code that
// uses it (Copyright 1993-2026 NVIDIA Corporation. All rights reserved):
//
// NOTICE TO USER:
//
// This source code is subject to NVIDIA ownership rights under U.S. and
// international Copyright laws.  Users and possessors of this source code
// are hereby granted a nonexclusive, royalty-free license to use this code
// in individual and commercial software.
//
// NVIDIA MAKES NO REPRESENTATION ABOUT THE SUITABILITY OF THIS SOURCE
// CODE FOR ANY PURPOSE.  IT IS PROVIDED "AS IS" WITHOUT EXPRESS OR
// IMPLIED WARRANTY OF ANY KIND.  NVIDIA DISCLAIMS ALL WARRANTIES WITH
// REGARD TO THIS SOURCE CODE, INCLUDING ALL IMPLIED WARRANTIES OF
// MERCHANTABILITY, NONINFRINGEMENT, AND FITNESS FOR A PARTICULAR PURPOSE.
// IN NO EVENT SHALL NVIDIA BE LIABLE FOR ANY SPECIAL, INDIRECT, INCIDENTAL,
// OR CONSEQUENTIAL DAMAGES, OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS
// OF USE, DATA OR PROFITS,  WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE
// OR OTHER TORTIOUS ACTION,  ARISING OUT OF OR IN CONNECTION WITH THE USE
// OR PERFORMANCE OF THIS SOURCE CODE.
//
// U.S. Government End Users.   This source code is a "commercial item" as
// that term is defined at  48 C.F.R. 2.101 (OCT 1995), consisting  of
// "commercial computer  software"  and "commercial computer software
// documentation" as such terms are  used in 48 C.F.R. 12.212 (SEPT 1995)
// and is provided to the U.S. Government only as a commercial end item.
// Consistent with 48 C.F.R.12.212 and 48 C.F.R. 227.7202-1 through
// 227.7202-4 (JUNE 1995), all U.S. Government End Users acquire the
// source code with only those rights set forth herein.
//
// Any use of this source code in individual and commercial software must
// include, in the user documentation and internal comments to the code,
// the above Disclaimer and U.S. Government End Users Notice.

import (
	"errors"
	"fmt"
	"os"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// LibraryVariable is the environment variable that names another libnvidia-ml.so.1.
const LibraryVariable = "SIMCAP_LIBNVML"

// Ways are how this build can watch a GPU.
func Ways() []string { return []string{"NVML", "nvidia-smi"} }

// nvmlSource is a GPU seen through NVML. A function that the library lacks would end the process, so
// that each is looked up before its first call.
type nvmlSource struct {
	lib      nvml.Interface
	device   nvml.Device
	info     Info
	has      Field
	throttle func() (uint64, nvml.Return)
	gpm      *gpm // nil: there is none
}

func openNVML(index int) (Source, error) {
	var options []nvml.LibraryOption
	if path := os.Getenv(LibraryVariable); path != "" {
		options = append(options, nvml.WithLibraryPath(path))
	}
	lib := nvml.New(options...)
	if r := lib.Init(); r != nvml.SUCCESS {
		return nil, initError(r)
	}
	s := &nvmlSource{lib: lib}
	if err := s.open(index); err != nil {
		lib.Shutdown()
		return nil, err
	}
	return s, nil
}

// initError says what a failed start means. No other function may be called after it.
func initError(r nvml.Return) error {
	switch r {
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return fmt.Errorf("libnvidia-ml.so.1 is not installed here (%s can name it)", LibraryVariable)
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return errors.New("the NVIDIA driver is not loaded")
	case nvml.ERROR_NO_PERMISSION:
		return errors.New("no permission to use the GPU")
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return errors.New("the driver was updated and the old one still runs: restart the machine")
	}
	return fmt.Errorf("it does not start: error %d", int(r))
}

// found says whether the library has one of the functions.
func (s *nvmlSource) found(names ...string) bool {
	for _, name := range names {
		if s.lib.Extensions().LookupSymbol(name) == nil {
			return true
		}
	}
	return false
}

func (s *nvmlSource) open(index int) error {
	for _, name := range []string{"nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2",
		"nvmlDeviceGetName"} {
		if !s.found(name) {
			return fmt.Errorf("this driver is too old: it lacks %s", name)
		}
	}
	count, r := s.lib.DeviceGetCount()
	if r != nvml.SUCCESS || count == 0 {
		return ErrNoGPU
	}
	if index < 0 || index >= count {
		return fmt.Errorf("there is no GPU %d; the host has %d, counted from 0", index, count)
	}
	device, r := s.lib.DeviceGetHandleByIndex(index)
	if r != nvml.SUCCESS {
		return fmt.Errorf("GPU %d: %s", index, s.text(r))
	}
	s.device = device
	s.info = Info{Source: "nvml", GPUs: count}
	s.describe()
	s.probe()
	s.gpm = s.openGPM() // what most GPUs lack is not missed
	return nil
}

func (s *nvmlSource) text(r nvml.Return) string {
	if s.found("nvmlErrorString") {
		return s.lib.ErrorString(r)
	}
	return fmt.Sprintf("error %d", int(r))
}

// describe fills in what does not change, as far as the library tells.
func (s *nvmlSource) describe() {
	s.info.Name, _ = s.device.GetName()
	if s.found("nvmlDeviceGetUUID") {
		s.info.UUID, _ = s.device.GetUUID()
	}
	if s.found("nvmlSystemGetDriverVersion") {
		s.info.Driver, _ = s.lib.SystemGetDriverVersion()
	}
	if s.found("nvmlSystemGetCudaDriverVersion") {
		if v, r := s.lib.SystemGetCudaDriverVersion(); r == nvml.SUCCESS {
			s.info.CUDA = fmt.Sprintf("%d.%d", v/1000, v%1000/10)
		}
	}
	if s.found("nvmlDeviceGetMigMode") {
		if mode, _, r := s.device.GetMigMode(); r == nvml.SUCCESS {
			s.info.MIG = mode == nvml.DEVICE_MIG_ENABLE
		}
	}
	if s.found("nvmlDeviceGetMaxClockInfo") {
		if mhz, r := s.device.GetMaxClockInfo(nvml.CLOCK_SM); r == nvml.SUCCESS {
			s.info.MaxSMClockMHz = float64(mhz)
		}
	}
	if s.found("nvmlDeviceGetPowerManagementLimit") {
		if mw, r := s.device.GetPowerManagementLimit(); r == nvml.SUCCESS {
			s.info.PowerLimit = float64(mw) / 1e3
		}
	}
}

// probe finds out which values there are: of functions that the library has, those that work.
func (s *nvmlSource) probe() {
	switch {
	case s.found("nvmlDeviceGetCurrentClocksEventReasons"):
		s.throttle = s.device.GetCurrentClocksEventReasons
	case s.found("nvmlDeviceGetCurrentClocksThrottleReasons"): // until driver 535
		s.throttle = s.device.GetCurrentClocksThrottleReasons
	}
	for _, f := range []struct {
		field Field
		what  string
		names []string
	}{
		{HasSMClock, "clocks", []string{"nvmlDeviceGetClockInfo"}},
		{HasPower, "power", []string{"nvmlDeviceGetPowerUsage"}},
		{HasEnergy, "energy", []string{"nvmlDeviceGetTotalEnergyConsumption"}},
		{HasMemory, "memory", []string{"nvmlDeviceGetMemoryInfo"}},
		{HasProcesses, "processes", []string{"nvmlDeviceGetComputeRunningProcesses_v3",
			"nvmlDeviceGetComputeRunningProcesses_v2", "nvmlDeviceGetComputeRunningProcesses"}},
		{HasTemperature, "temperature", []string{"nvmlDeviceGetTemperature"}},
		{HasUtilization, "utilization", []string{"nvmlDeviceGetUtilizationRates"}},
	} {
		if s.found(f.names...) {
			s.has |= f.field
		} else {
			s.info.Missing = append(s.info.Missing, f.what)
		}
	}
	if s.throttle != nil {
		s.has |= HasThrottle
	} else {
		s.info.Missing = append(s.info.Missing, "throttle reasons")
	}
	if s.has&HasMemory != 0 {
		if m, r := s.device.GetMemoryInfo(); r == nvml.SUCCESS {
			s.info.MemoryMiB = float64(m.Total) / (1 << 20)
		}
	}
}

// Info is what does not change.
func (s *nvmlSource) Info() Info { return s.info }

// Sample reads the GPU once. What one GPU does not support is not known in its samples; a GPU that is
// gone is an error.
func (s *nvmlSource) Sample() (Sample, error) {
	var x Sample
	var lost nvml.Return
	ok := func(field Field, r nvml.Return) bool {
		if r == nvml.ERROR_GPU_IS_LOST || r == nvml.ERROR_UNINITIALIZED {
			lost = r
		}
		if r == nvml.SUCCESS {
			x.Have |= field
		}
		return r == nvml.SUCCESS
	}
	if s.has&HasSMClock != 0 {
		if mhz, r := s.device.GetClockInfo(nvml.CLOCK_SM); ok(HasSMClock, r) {
			x.SMClockMHz = float64(mhz)
		}
	}
	if s.throttle != nil {
		if bits, r := s.throttle(); ok(HasThrottle, r) {
			x.Throttle = bits
		}
	}
	if s.has&HasPower != 0 {
		if mw, r := s.device.GetPowerUsage(); ok(HasPower, r) {
			x.PowerWatts = float64(mw) / 1e3
		}
	}
	if s.has&HasEnergy != 0 {
		if mj, r := s.device.GetTotalEnergyConsumption(); ok(HasEnergy, r) {
			x.EnergyJ = float64(mj) / 1e3
		}
	}
	if s.has&HasMemory != 0 {
		if m, r := s.device.GetMemoryInfo(); ok(HasMemory, r) {
			x.MemoryMiB = float64(m.Used) / (1 << 20)
		}
	}
	if s.has&HasTemperature != 0 {
		if c, r := s.device.GetTemperature(nvml.TEMPERATURE_GPU); ok(HasTemperature, r) {
			x.Temperature = float64(c)
		}
	}
	if s.has&HasUtilization != 0 {
		if u, r := s.device.GetUtilizationRates(); ok(HasUtilization, r) {
			x.Utilization = float64(u.Gpu) / 100
		}
	}
	if s.has&HasProcesses != 0 {
		if all, r := s.device.GetComputeRunningProcesses(); ok(HasProcesses, r) {
			x.Processes = processes(all)
		}
	}
	if s.gpm != nil {
		if x.GPM = s.gpm.read(); x.GPM != nil {
			x.Have |= HasGPM
		}
	}
	if lost != nvml.SUCCESS {
		return x, fmt.Errorf("the GPU is gone: %s", s.text(lost))
	}
	return x, nil
}

func processes(all []nvml.ProcessInfo) []Process {
	var out []Process
	for _, p := range all {
		memory := float64(p.UsedGpuMemory) / (1 << 20)
		if p.UsedGpuMemory == ^uint64(0) { // not told
			memory = 0
		}
		out = append(out, Process{PID: int(p.Pid), MemoryMiB: memory})
	}
	return out
}

// Close ends the use of NVML.
func (s *nvmlSource) Close() error {
	if s.gpm != nil {
		s.gpm.close()
	}
	s.lib.Shutdown()
	return nil
}
