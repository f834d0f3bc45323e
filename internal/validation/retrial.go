package validation

import (
	"math"
	"math/rand/v2"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/stats"
)

// retrial is M/M/c without a queue, whose refused callers come back after a constant delay until they
// are served. No closed answer is known, so a second simulation gives it, which shares nothing with
// simcap: it knows only when each server is free and who comes next.
type retrial struct {
	lambda, mu, delayS float64
	servers            int
}

// attempt is a caller who comes.
type attempt struct {
	at    float64
	first float64 // instant of the first attempt
}

// run gives the share of first attempts that are refused, the mean time spent coming back, and the mean
// number of busy servers, over the callers and the time after a warm-up.
func (q retrial) run(seed uint64, warmupS, horizonS float64) (refused, backoffS, busy float64) {
	random := rand.New(rand.NewPCG(seed, 4))
	free := make([]float64, q.servers) // when each server is free again
	var waiting []attempt              // callers to come back, in order: the delay is constant
	fresh := random.ExpFloat64() / q.lambda
	var callers, refusals, backoff, work float64
	for fresh < horizonS || len(waiting) > 0 {
		var next attempt
		if len(waiting) > 0 && (waiting[0].at < fresh || fresh >= horizonS) {
			next, waiting = waiting[0], waiting[1:]
		} else {
			next = attempt{fresh, fresh}
			fresh += random.ExpFloat64() / q.lambda
		}
		server := 0
		for i, at := range free {
			if at < free[server] {
				server = i
			}
		}
		counts := next.first >= warmupS && next.first < horizonS
		isFirst := next.at == next.first
		if counts && isFirst {
			callers++
		}
		if free[server] > next.at {
			if counts && isFirst {
				refusals++
			}
			waiting = append(waiting, attempt{next.at + q.delayS, next.first})
			continue
		}
		end := next.at + random.ExpFloat64()/q.mu
		free[server] = end
		work += math.Max(0, math.Min(end, horizonS)-math.Max(next.at, warmupS))
		if counts {
			backoff += next.at - next.first
		}
	}
	return refusals / callers, backoff / callers, work / (horizonS - warmupS)
}

// retrials compares it with clients that retry.
func retrials() Case {
	const runs, warmup, horizon = 20, 200.0, 20_000.0
	q := retrial{lambda: 3, mu: 1, delayS: 2, servers: 4}
	var refused, backoff, busy []float64
	for seed := range uint64(runs) {
		r, b, n := q.run(seed, warmup, horizon)
		refused, backoff, busy = append(refused, r), append(backoff, b), append(busy, n)
	}
	check := func(name, unit string, m Measure, values []float64, within float64) Check {
		mean, half := stats.MeanInterval(values, 0.95)
		return estimated(name, unit, m, mean, half, runs, within)
	}
	back := share(func(row *model.InputRow) bool { return row.Parts[model.Backoff] > 0 })
	return Case{Name: "retrial_4_constant", Source: "a second simulation, in retrial.go",
		Title: "M/M/4 without a queue, 3/s, refused callers come back after 2 s",
		System: bench{rate: q.lambda, horizon: horizon, warmup: warmup, replications: runs,
			platform: "limits: {total_sync: 4}", function: alwaysOn(q.servers) + exponential1,
			workload: "client: {retry: {max_attempts: 1000000, initial_delay: 2s, backoff_coefficient: 1, " +
				"max_delay: 2s}}"},
		Checks: []Check{
			check("first attempts refused", "", back, refused, 0.03),
			check("mean back-off", "s", metric("breakdown.backoff"), backoff, 0.06),
			check("mean busy containers", "", metric("containers.busy_mean"), busy, 0),
			answer("mean busy containers, exact", "", metric("containers.busy_mean"),
				q.lambda/q.mu, 0),
		}}
}
