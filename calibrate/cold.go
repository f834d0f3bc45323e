package calibrate

import (
	"math"
	"slices"

	"github.com/simcap/simcap/calibrate/telemetry"
)

// The band around the memory at readiness within which the weights count as loaded: 1 %, or 32 MiB. A
// device whose memory rises by less than 64 MiB holds no model.
const (
	plateauShare = 0.01
	plateauMiB   = 32.0
	leastRiseMiB = 64.0
)

// Stages divides a start, from the process (at 0) to its readiness, by what the GPU showed meanwhile:
// until it has a context (init), until its memory has reached its plateau (weights), until it is ready
// (warmup). Own says whose PIDs the server's are; where the processes of the samples never are, as in
// a container with PIDs of its own, the rise of the device's memory stands in, and attributed is
// false. Without a sign of the GPU the start is one stage.
func Stages(samples []telemetry.Sample, ready float64, own func(pid int) bool) (stages []StageTime,
	readyMiB, peakMiB float64, attributed bool) {
	whole := []StageTime{{Name: "init", Seconds: ready}}
	if len(samples) < 2 {
		return whole, 0, 0, false
	}
	memory, attributed := ownMemory(samples, own)
	if !attributed {
		base := samples[0].MemoryMiB
		for i := range samples {
			memory[i] = math.Max(0, samples[i].MemoryMiB-base)
		}
		if slices.Max(memory) < leastRiseMiB {
			return whole, 0, 0, false
		}
	}
	within := (samples[len(samples)-1].At - samples[0].At) / float64(len(samples)-1)
	last := len(samples) - 1
	for last > 0 && samples[last].At > ready {
		last--
	}
	readyMiB, peakMiB = memory[last], slices.Max(memory)
	context, plateau := -1, 0
	for i, m := range memory[:last+1] {
		if context < 0 && m > 0 {
			context = i
		}
		if math.Abs(m-readyMiB) > math.Max(plateauShare*readyMiB, plateauMiB) {
			plateau = i + 1
		}
	}
	if context < 0 {
		return whole, readyMiB, peakMiB, attributed
	}
	plateau = min(max(plateau, context), last)
	a, b := between(samples, context), between(samples, plateau)
	stages = append(stages, StageTime{"init", a, within})
	if b > a {
		stages = append(stages, StageTime{"weights", b - a, within})
	}
	if ready > b {
		stages = append(stages, StageTime{"warmup", ready - b, within})
	}
	return stages, readyMiB, peakMiB, attributed
}

// between is half-way from the sample before to the one at which something was first seen: it happened at
// any instant between them, so that over several starts the error averages out.
func between(samples []telemetry.Sample, i int) float64 {
	if i == 0 {
		return samples[0].At
	}
	return (samples[i-1].At + samples[i].At) / 2
}

// ownMemory is the memory of the server's processes in each sample, and whether any was seen.
func ownMemory(samples []telemetry.Sample, own func(pid int) bool) ([]float64, bool) {
	memory, seen := make([]float64, len(samples)), false
	for i := range samples {
		for _, p := range samples[i].Processes {
			if own(p.PID) {
				seen = true
				memory[i] += math.Max(p.MemoryMiB, 1) // a context counts also where its memory is not told
			}
		}
	}
	return memory, seen
}
