package validation

import (
	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// metric reads a measure that objectives can name too.
func metric(name string) Measure { return Measure{metric: name} }

// quantile reads a quantile of latency, which is known to the error of the sketch.
func quantile(name string) Measure { return Measure{metric: name, sketch: true} }

// plus adds a constant to a measure.
func (m Measure) plus(offset float64) Measure {
	m.offset = offset
	return m
}

// complement is 1 minus a fraction.
func (m Measure) complement() Measure {
	m.scale, m.offset = -1, 1
	return m
}

// startsPerInput is containers started per input that arrives; arrivals are Poisson of a known rate,
// which a count of them would only blur.
func startsPerInput(rate float64) Measure {
	return Measure{metric: "containers.started", perS: true, scale: 1 / rate}
}

// lifetime is the mean life of the containers that stopped.
func lifetime() Measure {
	return Measure{of: func(m *experiment.Measures) experiment.Estimate { return m.Containers.LifetimeMeanS }}
}

// waitOf is how long an input was pending.
func waitOf(row *model.InputRow) sim.Time { return row.Parts[model.Queue] + row.Parts[model.Cold] }

// waits is the share of inputs that wait longer than a number of seconds.
func waits(longerThanS float64) Measure {
	limit := sim.Time(longerThanS * 1e9)
	return share(func(row *model.InputRow) bool { return waitOf(row) > limit })
}

// latencies is the share of inputs whose latency exceeds a number of seconds.
func latencies(longerThanS float64) Measure {
	limit := sim.Time(longerThanS * 1e9)
	return share(func(row *model.InputRow) bool { return row.Latency > limit })
}

// share is the share of inputs of which something is true.
func share(of func(*model.InputRow) bool) Measure {
	return Measure{row: func(row *model.InputRow) float64 {
		if of(row) {
			return 1
		}
		return 0
	}}
}

// latencySquare is the second moment of latency.
func latencySquare() Measure {
	return Measure{row: func(row *model.InputRow) float64 {
		s := row.Latency.Seconds()
		return s * s
	}}
}

// waitSquare is the second moment of the wait.
func waitSquare() Measure {
	return Measure{row: func(row *model.InputRow) float64 {
		s := waitOf(row).Seconds()
		return s * s
	}}
}

// batchesOf is the share of batches that have the given number of inputs: each input stands for one
// n-th of its batch.
func batchesOf(n int) Measure {
	return Measure{
		row: func(row *model.InputRow) float64 {
			if row.BatchSize == n {
				return 1
			}
			return 0
		},
		weight: func(row *model.InputRow) float64 { return 1 / float64(row.BatchSize) },
	}
}

// batchAsSeen is the mean size of the batch that an input finds itself in.
func batchAsSeen() Measure {
	return Measure{row: func(row *model.InputRow) float64 { return float64(row.BatchSize) }}
}

// answer is a check against an exact value; an interval of more than the share within of it would say
// too little (0: defaultWithin).
func answer(name, unit string, m Measure, exact, within float64) Check {
	return Check{Name: name, Unit: unit, Measure: m, Exact: exact, Within: within}
}
