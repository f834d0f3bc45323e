package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// peer is another simulator, with a queue written as its own manual does.
type peer struct {
	name, module string
	script       string // in Python; its arguments are servers, arrivals per second and customers
}

//go:embed peers/simpy_mmc.py
var simpyScript string

//go:embed peers/ciw_mmc.py
var ciwScript string

var peers = []peer{{"SimPy", "simpy", simpyScript}, {"Ciw", "ciw", ciwScript}}

// python is the first interpreter that has the module.
func (p peer) python() (string, error) {
	found := false
	for _, name := range []string{"python3", "/usr/bin/python3", "python"} {
		if _, err := exec.LookPath(name); err != nil {
			continue
		}
		found = true
		if exec.Command(name, "-c", "import "+p.module).Run() == nil {
			return name, nil
		}
	}
	if !found {
		return "", errors.New("there is no Python")
	}
	return "", fmt.Errorf("no module %s in Python", p.module)
}

// answer is what a peer found.
type answer struct {
	version string
	served  int
	meanS   float64 // time of a customer in the system
	tookS   float64 // processor time of the simulation, without start and end of Python
}

// simulate lets the peer serve customers who come at random and stay a second on average.
func (p peer) simulate(python string, servers int, ratePerS float64, customers int) (answer, error) {
	run := exec.Command(python, "-c", p.script, strconv.Itoa(servers), fmt.Sprint(ratePerS),
		strconv.Itoa(customers))
	out, err := run.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		return answer{}, fmt.Errorf("%s: %w", p.name, err)
	}
	var a answer
	if n, err := fmt.Sscan(string(out), &a.version, &a.served, &a.meanS, &a.tookS); n < 4 {
		return a, fmt.Errorf("%s: version, customers, mean and time were expected, not %q: %w", p.name,
			out, err)
	}
	if a.served != customers {
		return a, fmt.Errorf("%s has served %d customers of %d", p.name, a.served, customers)
	}
	return a, nil
}

// printPeers prints how many customers a second other simulators serve, and simcap beside them. They
// serve a fiftieth of simcap's customers, which take them as long or longer.
func printPeers(inputs, rounds int, only string) error {
	const title = "other simulators"
	if !strings.Contains(title, only) {
		return nil
	}
	fmt.Printf("\n%-18s %-8s %15s %15s %8s\n", title, "", "customers/s", "simcap", "ratio")
	for _, p := range peers {
		python, err := p.python()
		if err != nil {
			fmt.Printf("%-18s not timed: %v\n", p.name, err)
			continue
		}
		for _, servers := range []int{1, 10} {
			if err := p.print(python, servers, inputs, rounds); err != nil {
				return err
			}
		}
	}
	return nil
}

// print times one queue in interleaved rounds.
func (p peer) print(python string, servers, inputs, rounds int) error {
	rate := 0.8 * float64(servers)
	customers := max(1, inputs/50)
	var ours, theirs []float64
	var version string
	for range rounds {
		ours = append(ours, timed(inputs, func() { simulate(queue(servers, rate, inputs)) }))
		a, err := p.simulate(python, servers, rate, customers)
		if err != nil {
			return err
		}
		version = a.version
		theirs = append(theirs, a.tookS*1e9/float64(customers))
	}
	fmt.Printf("%-18s %-8s %15.0f %15.0f %7.0fx\n", p.name+" "+version, fmt.Sprintf("M/M/%d", servers),
		1e9/median(theirs), 1e9/median(ours), median(theirs)/median(ours))
	return nil
}
