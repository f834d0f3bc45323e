package main

import "testing"

// BenchmarkSimcap and BenchmarkLoop run the systems of the table with b.N inputs each.
func BenchmarkSimcap(b *testing.B) {
	for _, system := range benchmarks() {
		b.Run(system.name, func(b *testing.B) {
			b.ReportAllocs()
			simulate(system.system(b.N))
		})
	}
}

func BenchmarkLoop(b *testing.B) {
	for _, system := range benchmarks() {
		b.Run(system.name, func(b *testing.B) {
			b.ReportAllocs()
			system.loop(b.N)
		})
	}
}

// The loops are a fair yardstick only if they serve the same customers: their median latency is that of
// simcap within the width of both histograms and the noise of a short run.
func TestLoopsServeTheSameCustomers(t *testing.T) {
	const inputs = 300_000
	for _, system := range benchmarks() {
		t.Run(system.name, func(t *testing.T) {
			tally := simulate(system.system(inputs))
			done := int64(0)
			want := 0.0
			for i := range tally.Workloads {
				w := &tally.Workloads[i]
				done += w.Latency.Count()
				median, _ := w.Latency.Quantile(0.5)
				want += float64(median) / float64(len(tally.Workloads))
			}
			h := system.loop(inputs)
			if n := h.count(); n != done || n != inputs {
				t.Errorf("the loop serves %d, simcap %d of %d", n, done, inputs)
			}
			if got := float64(h.quantile(0.5)); got < 0.97*want || got > 1.03*want {
				t.Errorf("median latency %.4g s in the loop, %.4g s in simcap", got/1e9, want/1e9)
			}
		})
	}
}
