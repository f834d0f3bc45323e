package main

import (
	"math"
	"os/exec"
	"testing"
)

// Peers are a fair comparison only if they serve the same customers: all of them, whose mean time in the
// system is that of theory and of simcap.
func TestPeersServeTheSameCustomers(t *testing.T) {
	const customers, rho = 20_000, 0.8
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			python, err := p.python()
			if err != nil {
				t.Skip(err)
			}
			a, err := p.simulate(python, 1, rho, customers)
			if err != nil {
				t.Fatal(err)
			}
			// The mean wait of n customers has this variance (Daley 1968, The serial correlation coefficients of waiting times).
			variance := rho * (2 + 5*rho - 4*rho*rho + rho*rho*rho) / math.Pow(1-rho, 4)
			within := 4 * math.Sqrt(variance/customers)
			if want := 1 / (1 - rho); math.Abs(a.meanS-want) > within {
				t.Errorf("%d customers of M/M/1 stay for %.3f s on average, want %.3f s ± %.2f", a.served, a.meanS, want, within)
			}
			w := &simulate(queue(1, rho, 10*customers)).Workloads[0]
			if ours := w.Latency.Mean() / 1e9; math.Abs(ours-a.meanS) > 1.5*within {
				t.Errorf("customers stay for %.3f s in simcap, %.3f s in %s", ours, a.meanS, p.name)
			}
		})
	}
}

// What a script says wrong, or does not say, is an error that names the simulator.
func TestPeersThatFail(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	for _, script := range []string{"raise Exception('no')", "print('1.0')", "print('1.0 5 1.0 1.0')", ""} {
		p := peer{name: "Mine", script: script}
		if a, err := p.simulate(python, 1, 0.8, 10); err == nil {
			t.Errorf("%q: %v", script, a)
		} else {
			t.Log(err)
		}
	}
	if _, err := (peer{module: "no_such_module_of_python"}).python(); err == nil {
		t.Error("a module that there is not was found")
	}
}
