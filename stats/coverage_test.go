package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// queue is an M/M/1 queue of service rate 1 by Lindley's recursion: times in system.
type queue struct {
	luck *rand.Rand
	rho  float64
	wait float64
}

func (q *queue) next() float64 {
	time := q.wait + q.luck.ExpFloat64()
	q.wait = max(0, time-q.luck.ExpFloat64()/q.rho)
	return time
}

// The time in system of an M/M/1 queue is exponential with mean 1/(1 - rho).
func quantileOf(rho, q float64) float64 { return -math.Log(1-q) / (1 - rho) }

// covered counts how often intervals hold the truth.
type covered struct{ hits, tries int }

func (c *covered) see(i Interval, truth float64) {
	c.tries++
	if i.Contains(truth) {
		c.hits++
	}
}

// expect wants the share that a 95 % interval should have: 93 to 97 % of 1,000 seeds.
func (c *covered) expect(t *testing.T, what string) {
	t.Helper()
	share := float64(c.hits) / float64(c.tries)
	t.Logf("%s: %.1f %% of %d", what, 100*share, c.tries)
	if share < 0.93 || share > 0.97 {
		t.Errorf("%s: the 95 %% interval holds the truth in %.1f %% of %d runs", what, 100*share, c.tries)
	}
}

// TestCoverageOfReplications is about an M/M/1 queue at utilisation 0.9, whose memory is long: mean,
// ratio and quantiles over 10 replications.
func TestCoverageOfReplications(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates 320 million customers")
	}
	const rho, replications, warmup, inputs, nano = 0.9, 10, 2000, 30_000, 1e9
	var mean, ratio, median, p99 covered
	for seed := range uint64(1000) {
		var means, sums, counts []float64
		var parts []*Histogram
		for r := range uint64(replications) {
			q := queue{luck: rand.New(rand.NewPCG(seed, r)), rho: rho}
			for range warmup {
				q.next()
			}
			var s Sketch
			sum := 0.0
			for range inputs {
				x := q.next()
				sum += x
				s.Record(int64(x * nano))
			}
			means = append(means, sum/inputs)
			sums, counts = append(sums, sum), append(counts, inputs)
			parts = append(parts, s.Histogram())
		}
		m, half := MeanInterval(means, 0.95)
		mean.see(Interval{m, m - half, m + half}, 1/(1-rho))
		ratio.see(RatioInterval(sums, counts, 0.95), 1/(1-rho))
		pool := Pool(parts)
		median.see(PooledQuantile(pool, parts, 0.5, 0.95), nano*quantileOf(rho, 0.5))
		p99.see(PooledQuantile(pool, parts, 0.99, 0.95), nano*quantileOf(rho, 0.99))
	}
	mean.expect(t, "mean")
	ratio.expect(t, "ratio")
	median.expect(t, "median")
	p99.expect(t, "p99")
}

// TestCoverageOfRatios is about ratios whose denominators vary a lot and hang together with the
// numerators, as costs per input of quiet and busy days do.
func TestCoverageOfRatios(t *testing.T) {
	var ratio covered
	for seed := range uint64(1000) {
		luck := rand.New(rand.NewPCG(seed, 99))
		var above, below []float64
		for range 12 {
			busy := 5 + 10*luck.ExpFloat64()
			below = append(below, busy)
			above = append(above, 3*busy+5*luck.NormFloat64())
		}
		ratio.see(RatioInterval(above, below, 0.95), 3)
	}
	ratio.expect(t, "ratio")
}

// TestCoverageOfBatchMeans is about one long run, seen in 360 stretches of time as simcap sees it.
func TestCoverageOfBatchMeans(t *testing.T) {
	const rho, warmup, bins, perBin = 0.8, 1000, 360, 300
	var mean covered
	independent := 0
	for seed := range uint64(1000) {
		q := queue{luck: rand.New(rand.NewPCG(seed, 7)), rho: rho}
		for range warmup {
			q.next()
		}
		sums, counts := make([]float64, bins), make([]float64, bins)
		for i := range sums {
			for range perBin {
				sums[i] += q.next()
			}
			counts[i] = perBin
		}
		i, b := BatchRatio(sums, counts, 0.95)
		mean.see(i, 1/(1-rho))
		if b.Independent {
			independent++
		}
	}
	mean.expect(t, "batch means")
	if independent < 900 {
		t.Errorf("only %d of 1000 long runs pass for long", independent)
	}
}
