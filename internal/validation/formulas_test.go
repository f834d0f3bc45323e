package validation

import (
	"math"
	"testing"
)

// TestFormulas compares the formulas with the same answers as solved by a program of others, to the
// digits that it prints.
func TestFormulas(t *testing.T) {
	same := func(name string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-7*math.Abs(want)) { // eight digits
			t.Errorf("%s: %.9g; %.9g was expected", name, got, want)
		}
	}
	one, ten, hundred := mmc{0.7, 1, 1}, mmc{8, 1, 10}, mmc{95, 1, 100}
	same("M/M/1 P(wait)", one.waits(), 0.7)
	same("M/M/1 wait", one.meanWait(), 2.3333333)
	same("M/M/1 wait p50", one.waitQuantile(0.5), 1.1215741)
	same("M/M/1 wait p90", one.waitQuantile(0.9), 6.4863672)
	same("M/M/1 wait p95", one.waitQuantile(0.95), 8.7968578)
	same("M/M/1 wait p99", one.waitQuantile(0.99), 14.161651)
	same("M/M/1 latency p50", one.sojournQuantile(0.5), 2.3104906)
	same("M/M/1 latency p95", one.sojournQuantile(0.95), 9.9857742)
	same("M/M/1 latency p99", one.sojournQuantile(0.99), 15.350567)
	same("M/M/10 P(wait)", ten.waits(), 0.40918015)
	same("M/M/10 wait", ten.meanWait(), 0.20459008)
	same("M/M/10 wait p50", ten.waitQuantile(0.5), 0)
	same("M/M/10 wait p90", ten.waitQuantile(0.9), 0.70449267)
	same("M/M/10 wait p95", ten.waitQuantile(0.95), 1.0510663)
	same("M/M/10 wait p99", ten.waitQuantile(0.99), 1.8557852)
	same("M/M/10 latency p50", ten.sojournQuantile(0.5), 0.91214461)
	same("M/M/10 latency p95", ten.sojournQuantile(0.95), 3.3282747)
	same("M/M/10 latency p99", ten.sojournQuantile(0.99), 4.9461113)
	same("M/M/100 P(wait)", hundred.waits(), 0.50645685)
	same("M/M/100 wait", hundred.meanWait(), 0.10129137)
	same("M/M/100 wait p50", hundred.waitQuantile(0.5), 0.0025662074)
	same("M/M/100 wait p90", hundred.waitQuantile(0.9), 0.32445379)
	same("M/M/100 wait p95", hundred.waitQuantile(0.95), 0.46308323)
	same("M/M/100 wait p99", hundred.waitQuantile(0.99), 0.78497081)
	same("M/M/100 latency p50", hundred.sojournQuantile(0.5), 0.8079159)
	same("M/M/100 latency p95", hundred.sojournQuantile(0.95), 3.1149487)
	same("M/M/100 latency p99", hundred.sojournQuantile(0.99), 4.724387)

	same("Erlang B", erlangB(5, 4), 0.19906687)
	same("M/D/1 wait", meanWaitMG1(0.8, 1, 1), 2)
	same("M/D/1 wait²", waitSquareMG1(0.8, 1, 1, 1), 9.3333333)
	same("M/D/1 wait p50", waitQuantileMD1(0.8, 0.5), 1.2759399)
	same("M/D/1 wait p90", waitQuantileMD1(0.8, 0.9), 5.0115115)
	same("M/D/1 wait p95", waitQuantileMD1(0.8, 0.95), 6.620325)
	same("M/D/1 wait p99", waitQuantileMD1(0.8, 0.99), 10.355887)
	same("M/G/1 wait", meanWaitMG1(0.6, 1, 5), 3.75)
	same("M/G/1 wait²", waitSquareMG1(0.6, 1, 5, 125), 90.625)
	same("token bucket 10", tokenBucketAccepts(1, 10), 0.94915254)
	same("token bucket 200", 1-tokenBucketAccepts(1, 200), 0.0025020851)

	w := window{lambda: 0.02, mean: 3, second: 11.25, setup: 30, window: 60}
	same("window wait", w.meanWait(), 10.068364)
	same("window off", w.stopped(), 0.23978877)
	same("window starting", w.starting(), 0.14387326)
	same("window starts", w.starts(), 0.23978877)

	for _, b := range []struct {
		name                       string
		queue                      batchQueue
		latency, batch, seen, busy float64
	}{
		{"batch ∞ 50", batchQueue{50, 0.02, 0.002, 1000}, 0.032818028, 1.4652287, 1.9015023,
			0.78248732},
		{"batch ∞ 100", batchQueue{100, 0.02, 0.002, 1000}, 0.039322681, 2.6047061, 3.4746687,
			0.96784096},
		{"batch 8 60", batchQueue{60, 0.05, 0.002, 8}, 0.087277741, 3.4471152, 4.3596208,
			0.99029294},
		{"batch 32 250", batchQueue{250, 0.05, 0.002, 32}, 0.15586503, 25, 26.072717, 1},
	} {
		a := b.queue.solve()
		same(b.name+" latency", a.latency, b.latency)
		same(b.name+" batch", a.batch, b.batch)
		same(b.name+" batch as seen", a.seen, b.seen)
		same(b.name+" busy", a.busy, b.busy)
	}
	size, delay := batchWindow{100, 0.1, 8}.mean()
	same("forming batch", size, 7.7598697)
	same("forming delay", delay, 0.034136571)
	same("forming full", batchWindow{100, 0.1, 8}.law()[8], 0.86985858)

	s := exponentialService(10, 0.8, 3600, 60)
	same("wave mean", s.mean, 600)
	same("wave swing", s.swing, 477.38956)
	same("wave lag", s.lag, 59.782107)
	// Of constant service, the integral of the rate over the last d before its peak, by hand.
	d := constantService(10, 0.8, 3600, 600)
	same("wave of constant service", d.mean+d.swing, integral(900+300-600, 900+300))
}

// integral of 10(1 + 0.8 sin(2πt/3600)) by the midpoint rule.
func integral(from, to float64) float64 {
	const steps = 100_000
	sum := 0.0
	for i := range steps {
		t := from + (to-from)*(float64(i)+0.5)/steps
		sum += 10 * (1 + 0.8*math.Sin(2*math.Pi*t/3600))
	}
	return sum * (to - from) / steps
}

// TestCited compares answers that cases work out where they stand.
func TestCited(t *testing.T) {
	cited := map[string]float64{
		"erlang_a: P(wait > 0)":            0.85038495,
		"erlang_a: abandoned fraction":     0.19565594,
		"erlang_a: mean queue":             4.6957427,
		"erlang_a: mean busy containers":   9.6521287,
		"ps_loss_8: rejected fraction":     0.047908906,
		"ps_loss_8: mean latency":          1.3710632,
		"ps_loss_8: utilization":           0.96996267,
		"mm1_ps: mean square of latency":   58.333333 + 25,
		"mm1_setup: mean latency":          12,
		"mm1_setup: mean starting":         0.41666667,
		"mg1_window: mean idle":            0.55633797,
		"mg1_window: mean live":            0.76021123,
		"token_bucket_10: throughput":      189.83051,
		"token_bucket_200: throughput":     199.49958,
		"mru_loss_5: rejected fraction":    0.19906687,
		"mru_loss_5: mean busy":            3.2037325,
		"mmc_100: mean queue":              9.6226802,
		"mmc_10: mean latency":             1.2045901,
		"batch_window_100_8: full batches": 0.86985858,
	}
	for _, family := range Theory() {
		for _, c := range family.Cases {
			for _, check := range c.Checks {
				name := c.Name + ": " + check.Name
				want, ok := cited[name]
				if !ok {
					continue
				}
				if math.Abs(check.Exact-want) > 1e-7*want {
					t.Errorf("%s: %.9g; %.9g was expected", name, check.Exact, want)
				}
				delete(cited, name)
			}
		}
	}
	for name := range cited {
		t.Errorf("no check %s", name)
	}
}
