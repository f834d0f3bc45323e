package validation

import (
	"context"
	"math"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/stats"
)

// wave is a measure of the number of busy containers as it swings with the arrivals.
type wave int

const (
	waveMean wave = iota + 1
	waveSwing
	waveLag
)

// wavePeriod is that of the arrivals in seconds; the first period is left out as the transient.
const wavePeriod = 3600.0

// waves are the means and half-widths of a case whose checks are all waves: in each replication
// mean + swing·sin(2π(t - lag)/period) is fitted to the busy containers over time. Results keep that
// series of the first replication only, so each runs by itself with a seed of its own.
func waves(ctx context.Context, c *Case, s *experiment.Scenario) (means, halves []float64,
	err error) {
	one := *s
	one.Replications.Min, one.Replications.Max = 1, 1
	values := make([][]float64, len(c.Checks))
	for r := range s.Replications.Max {
		one.Seed = s.Seed + uint64(r)
		result, err := experiment.Run(ctx, &one, experiment.Options{Detail: true})
		if err != nil {
			return nil, nil, err
		}
		series := result.Detail.Functions["f"].Series
		for i := range c.Checks {
			values[i] = append(values[i], c.Checks[i].Measure.wave.fit(&series, *result.HorizonS))
		}
	}
	for i := range values {
		mean, half := stats.MeanInterval(values[i], Level)
		means, halves = append(means, mean), append(halves, half)
	}
	return means, halves, nil
}

// fit projects the series on a sine and a cosine of the period. Each value is an average over a bin of
// width b, which flattens a wave by sin(x)/x with x = πb/period.
func (w wave) fit(s *experiment.Series, horizon float64) float64 {
	omega := 2 * math.Pi / wavePeriod
	var sum, sine, cosine, n float64
	for i, busy := range s.Busy {
		from := s.StartS + float64(i)*s.BinS
		if from < wavePeriod-1e-6 || from+s.BinS > horizon+1e-6 {
			continue
		}
		middle := from + s.BinS/2
		sum += busy
		sine += busy * math.Sin(omega*middle)
		cosine += busy * math.Cos(omega*middle)
		n++
	}
	x := omega * s.BinS / 2
	flat := math.Sin(x) / x
	sine, cosine = 2*sine/n/flat, 2*cosine/n/flat
	switch w {
	case waveMean:
		return sum / n
	case waveSwing:
		return math.Hypot(sine, cosine)
	}
	return math.Atan2(-cosine, sine) / omega
}
