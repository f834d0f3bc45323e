// Command bench times simcap against minimal hand-written loops of the same systems, in interleaved
// rounds on one core, and against SimPy and Ciw, which are other simulators, where Python has them:
//
//	go run ./internal/bench [-inputs 1000000] [-rounds 5] [-only NAME]
//
// The loops know one system each, keep one histogram and nothing else; simcap runs its whole model.
// What is compared is processor time an input; the ratio of medians and of minima holds on any machine.
//
//	go run ./internal/bench -instructions [-record] [-only NAME]
//
// counts simcap's instructions for an input, which are the same on every machine, and compares them with
// the figures that were recorded, or records them. Exit codes: 0 as recorded; 1 not so, or it failed;
// 3 they cannot be counted or compared here.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

func main() {
	inputs := flag.Int("inputs", 1_000_000, "inputs of each run")
	rounds := flag.Int("rounds", 5, "rounds, of which medians and minima are taken")
	only := flag.String("only", "", "only benchmarks whose name contains this")
	profile := flag.String("profile", "", "write a CPU profile of simcap's runs to this file")
	count := flag.Bool("instructions", false, "count instructions and compare them with those recorded")
	record := flag.Bool("record", false, "with -instructions: record what was counted")
	alone := flag.String("once", "", "run simcap once on the benchmark of this name, for other instruments")
	flag.Parse()
	exit(sensible(*only, *count, *record))
	switch {
	case *count:
		exit(instructions(*only, *record))
		return
	case *alone != "":
		exit(once(*alone, *inputs))
		return
	}
	runtime.GOMAXPROCS(1)
	if *profile != "" {
		f, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		exit(err)
		defer pprof.StopCPUProfile()
	}
	var chosen []benchmark
	for _, b := range benchmarks() {
		if strings.Contains(b.name, *only) {
			chosen = append(chosen, b)
		}
	}
	printLoops(chosen, *inputs, *rounds, *profile != "")
	printGrowth(*inputs, *rounds, *only)
	printRows(*inputs, *rounds, *only)
	exit(printPeers(*inputs, *rounds, *only))
}

// exit ends the program where there is an error.
func exit(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	var cannot cannotCount
	if errors.As(err, &cannot) {
		os.Exit(3)
	}
	os.Exit(1)
}

// sensible says what is wrong with the command line.
func sensible(only string, count, record bool) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: everything is said by flags", flag.Arg(0))
	}
	if record && !count {
		return errors.New("-record is for -instructions: times are not recorded")
	}
	if !count {
		return nil
	}
	var names []string
	for _, b := range benchmarks() {
		if strings.Contains(b.name, only) {
			return nil
		}
		names = append(names, b.name)
	}
	return fmt.Errorf("no benchmark's name contains %q: there are %s", only, strings.Join(names, ", "))
}

// once runs simcap on one benchmark.
func once(name string, inputs int) error {
	var names []string
	for _, b := range benchmarks() {
		if b.name == name {
			simulate(b.system(inputs))
			return nil
		}
		names = append(names, b.name)
	}
	return fmt.Errorf("no benchmark is called %q: there are %s", name, strings.Join(names, ", "))
}

// timed is the processor time of one call in ns for each input.
func timed(inputs int, run func()) float64 {
	runtime.GC()
	start := cpuTime()
	run()
	return float64(cpuTime()-start) / float64(inputs)
}

// printLoops prints the table of simcap beside the loops.
func printLoops(chosen []benchmark, inputs, rounds int, alone bool) {
	if len(chosen) == 0 {
		return
	}
	fmt.Printf("%-18s %23s %23s %15s %7s\n", "", "simcap ns/input", "loop ns/input", "ratio", "at most")
	fmt.Printf("%-18s %11s %11s %11s %11s %7s %7s\n", fmt.Sprintf("%d inputs", inputs), "median", "minimum",
		"median", "minimum", "median", "minimum")
	for _, b := range chosen {
		b.print(inputs, rounds, alone)
	}
}

// print times the benchmark in interleaved rounds and prints its row.
func (b benchmark) print(inputs, rounds int, alone bool) {
	var ours, theirs []float64
	for range rounds {
		ours = append(ours, timed(inputs, func() { simulate(b.system(inputs)) }))
		if !alone {
			theirs = append(theirs, timed(inputs, func() { b.loop(inputs) }))
		}
	}
	if alone {
		theirs = ours
	}
	fmt.Printf("%-18s %11.1f %11.1f %11.1f %11.1f %6.2fx %6.2fx %6.1fx\n", b.name, median(ours),
		slices.Min(ours), median(theirs), slices.Min(theirs), median(ours)/median(theirs),
		slices.Min(ours)/slices.Min(theirs), b.target)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// printGrowth prints how the time of an input grows with the size of the fleet.
func printGrowth(inputs, rounds int, only string) {
	if !strings.Contains("fleets", only) {
		return
	}
	fmt.Printf("\n%-18s %11s %11s\n", "fleets", "containers", "ns/input")
	for _, servers := range []int{10, 100, 1000, 10_000} {
		best := time.Hour.Seconds()
		for range rounds {
			best = min(best, timed(inputs, func() { simulate(queue(servers, 0.8*float64(servers), inputs)) }))
		}
		fmt.Printf("%-18s %11d %11.1f\n", "", servers, best)
	}
}
