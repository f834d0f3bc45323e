//go:build linux && cgo

package telemetry

import (
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// gpmEvery is the least time between the two samples of GPM that its shares are over: NVML asks for 100 ms.
const gpmEvery = 250 * time.Millisecond

// gpm reads the counters of GPM.
type gpm struct {
	lib     nvml.Interface
	device  nvml.Device
	samples [2]nvml.GpmSample // the earlier one, and room for the next
	taken   time.Time         // of the earlier one
	last    *GPM
}

// openGPM is nil where the library or the GPU has no GPM.
func (s *nvmlSource) openGPM() *gpm {
	for _, name := range []string{"nvmlGpmQueryDeviceSupport", "nvmlGpmSampleAlloc", "nvmlGpmSampleFree",
		"nvmlGpmSampleGet", "nvmlGpmMetricsGet"} {
		if !s.found(name) {
			return nil
		}
	}
	support, r := s.device.GpmQueryDeviceSupport()
	if r != nvml.SUCCESS || support.IsSupportedDevice == 0 {
		return nil
	}
	g := &gpm{lib: s.lib, device: s.device}
	for i := range g.samples {
		if g.samples[i], r = s.lib.GpmSampleAlloc(); r != nvml.SUCCESS {
			if i > 0 {
				g.samples[0].Free()
			}
			return nil
		}
	}
	if g.samples[0].Get(s.device) != nvml.SUCCESS {
		g.close()
		return nil
	}
	g.taken = time.Now()
	return g
}

// read is the shares since the sample before, renewed every quarter of a second; nil until there are any.
func (g *gpm) read() *GPM {
	if time.Since(g.taken) < gpmEvery {
		return g.last
	}
	if g.samples[1].Get(g.device) != nvml.SUCCESS {
		return g.last
	}
	ids := []nvml.GpmMetricId{nvml.GPM_METRIC_SM_UTIL, nvml.GPM_METRIC_SM_OCCUPANCY,
		nvml.GPM_METRIC_ANY_TENSOR_UTIL, nvml.GPM_METRIC_DRAM_BW_UTIL}
	ask := &nvml.GpmMetricsGetType{Version: nvml.GPM_METRICS_GET_VERSION, NumMetrics: uint32(len(ids)),
		Sample1: g.samples[0], Sample2: g.samples[1]}
	for i, id := range ids {
		ask.Metrics[i].MetricId = uint32(id)
	}
	r := g.lib.GpmMetricsGet(ask)
	g.samples[0], g.samples[1], g.taken = g.samples[1], g.samples[0], time.Now()
	if r != nvml.SUCCESS {
		return g.last
	}
	next := &GPM{}
	for i, into := range []*float64{&next.SMActive, &next.SMOccupancy, &next.TensorActive, &next.DRAMActive} {
		if m := &ask.Metrics[i]; nvml.Return(m.NvmlReturn) == nvml.SUCCESS {
			*into = m.Value / 100
		}
	}
	g.last = next
	return next
}

func (g *gpm) close() {
	for _, s := range g.samples {
		s.Free()
	}
}
