package main

import (
	"bytes"
	"debug/buildinfo"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Times vary from machine to machine and from minute to minute, instructions do not: what a change costs
// shows in them at once, on a busy machine too. Valgrind counts those of two runs of each system, a short
// one and a long one; the difference is what the inputs of the longer one need, without start and end.

const (
	packagePath  = "github.com/simcap/simcap/internal/bench"
	figuresFile  = "instructions.tsv"
	shortInputs  = 50_000
	longInputs   = 250_000
	mayMove      = 0.05 // 5 % of a recorded figure, in either direction
	recordAgain  = "go run ./internal/bench -instructions -record"
	figuresTitle = "arch\tgo\tsystem\tinstructions"
)

//go:embed instructions.tsv
var recordedFigures string

// figure is how many instructions an input of a system needs on an architecture, as a minor version of
// Go compiles it.
type figure struct {
	arch, goMinor, system string
	instructions          float64
}

// cannotCount says why instructions cannot be counted or judged here, though nothing is wrong.
type cannotCount struct{ why string }

func (c cannotCount) Error() string { return c.why }

// instructions counts and judges those of all chosen systems, or records them.
func instructions(only string, record bool) error {
	recorded, err := readFigures(recordedFigures)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "simcap-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "bench")
	minor, err := buildCounted(program)
	if err != nil {
		return err
	}
	if !record && !known(recorded, runtime.GOARCH, minor) {
		return cannotCount{fmt.Sprintf("no figures are recorded for %s on %s: %s", minor, runtime.GOARCH,
			recordAgain)}
	}
	var now []figure
	for _, b := range benchmarks() {
		if !strings.Contains(b.name, only) {
			continue
		}
		n, err := instructionsAnInput(program, b.name)
		if err != nil {
			return err
		}
		now = append(now, figure{runtime.GOARCH, minor, b.name, n})
	}
	if record {
		return recordFigures(recorded, now, only == "")
	}
	table, faults := judge(recorded, now)
	fmt.Print(table)
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "\n"))
	}
	return nil
}

// buildCounted builds this program as valgrind can run it, without C, and returns the minor version of
// Go that did.
func buildCounted(program string) (goMinor string, err error) {
	if _, err := exec.LookPath("valgrind"); err != nil {
		return "", cannotCount{"valgrind is not installed"}
	}
	build := exec.Command("go", "build", "-o", program, packagePath)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH,
		"GOAMD64=v1")
	if message, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(build.Args, " "), err, message)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return "", err
	}
	return minorVersion(info.GoVersion), nil
}

var minorPattern = regexp.MustCompile(`^go1\.\d+`)

// minorVersion is go1.26 for go1.26.8; versions that have none are themselves.
func minorVersion(version string) string {
	if minor := minorPattern.FindString(version); minor != "" {
		return minor
	}
	return strings.ReplaceAll(version, "\t", " ")
}

// instructionsAnInput is the difference of two runs for each input by which they differ.
func instructionsAnInput(program, system string) (float64, error) {
	var counts [2]float64
	for i, inputs := range [2]int{shortInputs, longInputs} {
		n, err := countInstructions(program, system, inputs)
		if err != nil {
			return 0, err
		}
		counts[i] = float64(n)
	}
	return (counts[1] - counts[0]) / (longInputs - shortInputs), nil
}

var countPattern = regexp.MustCompile(`I\s+refs:\s+([0-9,]+)`)

// countInstructions runs the system once under valgrind. Without garbage collection and preemption by
// time, nothing in the run depends on how fast the machine is.
func countInstructions(program, system string, inputs int) (int64, error) {
	run := exec.Command("valgrind", "--tool=cachegrind", "--cache-sim=no",
		"--cachegrind-out-file="+os.DevNull, program, "-once", system, "-inputs", strconv.Itoa(inputs))
	run.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1", "GOGC=off")
	var out, message bytes.Buffer
	run.Stdout, run.Stderr = &out, &message
	if err := run.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s%s", strings.Join(run.Args, " "), err, &out, &message)
	}
	found := countPattern.FindSubmatch(message.Bytes())
	if found == nil {
		return 0, fmt.Errorf("%s: no count of instructions in\n%s", strings.Join(run.Args, " "), &message)
	}
	return strconv.ParseInt(strings.ReplaceAll(string(found[1]), ",", ""), 10, 64)
}

// known says whether there are figures for the architecture and version.
func known(all []figure, arch, goMinor string) bool {
	return slices.ContainsFunc(all, func(f figure) bool { return f.arch == arch && f.goMinor == goMinor })
}

// judge compares counted figures with those recorded: a table, and what is wrong.
func judge(recorded, now []figure) (table string, faults []string) {
	b := &strings.Builder{}
	fmt.Fprintf(b, "%-18s %11s %11s %8s\n", "instructions", "recorded", "now", "change")
	var more, fewer, unknown []string
	for _, f := range now {
		at := slices.IndexFunc(recorded, f.same)
		if at < 0 {
			fmt.Fprintf(b, "%-18s %11s %11.1f\n", f.system, "", f.instructions)
			unknown = append(unknown, f.system)
			continue
		}
		was := recorded[at].instructions
		change := f.instructions/was - 1
		fmt.Fprintf(b, "%-18s %11.1f %11.1f %+7.1f%%\n", f.system, was, f.instructions, 100*change)
		switch {
		case change > mayMove:
			more = append(more, f.system)
		case change < -mayMove:
			fewer = append(fewer, f.system)
		}
	}
	fault := func(format string, systems []string) {
		if len(systems) > 0 {
			faults = append(faults, fmt.Sprintf(format, strings.Join(systems, ", "))+": "+recordAgain)
		}
	}
	const off = "an input of %s needs over 5 %% "
	fault(off+"more instructions than recorded; docs/engine.md says how to find where; if it is worth that, "+
		"record it", more)
	fault(off+"fewer instructions than recorded; record that, so that it stays so", fewer)
	fault("nothing is recorded for %s", unknown)
	return b.String(), faults
}

// same says whether two figures are of the same thing.
func (f figure) same(other figure) bool {
	f.instructions, other.instructions = 0, 0
	return f == other
}

// readFigures reads the table of recorded figures.
func readFigures(text string) ([]figure, error) {
	var all []figure
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if n == 0 && line == figuresTitle {
			continue
		}
		cells := strings.Split(line, "\t")
		if n == 0 || len(cells) != 4 {
			return nil, fmt.Errorf("%s:%d: want a table with the columns %q, found %q", figuresFile, n+1,
				figuresTitle, line)
		}
		v, err := strconv.ParseFloat(cells[3], 64)
		if err != nil || !(v > 0) {
			return nil, fmt.Errorf("%s:%d: %q is not a number of instructions", figuresFile, n+1, cells[3])
		}
		all = append(all, figure{cells[0], cells[1], cells[2], v})
	}
	return all, nil
}

// recordFigures writes the table anew in the folder of this package.
func recordFigures(recorded, now []figure, all bool) error {
	list := exec.Command("go", "list", "-f", "{{.Dir}}", packagePath)
	folder, err := list.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(list.Args, " "), err)
	}
	path := filepath.Join(strings.TrimSpace(string(folder)), figuresFile)
	if err := os.WriteFile(path, []byte(writeFigures(merge(recorded, now, all))), 0o666); err != nil {
		return err
	}
	table, _ := judge(recorded, now)
	fmt.Printf("%srecorded in %s\n", table, path)
	return nil
}

// merge puts new figures in the place of old ones; those of other architectures stay. Where all systems
// were counted, what else there is of the architecture goes: systems that are no more, older versions.
func merge(recorded, now []figure, all bool) []figure {
	var merged []figure
	now = slices.Clone(now)
	for _, f := range recorded {
		switch at := slices.IndexFunc(now, f.same); {
		case at >= 0:
			merged = append(merged, now[at])
			now = slices.Delete(now, at, at+1)
		case f.arch != runtime.GOARCH || !all:
			merged = append(merged, f)
		}
	}
	return append(merged, now...)
}

func writeFigures(all []figure) string {
	b := &strings.Builder{}
	fmt.Fprintln(b, figuresTitle)
	for _, f := range all {
		fmt.Fprintf(b, "%s\t%s\t%s\t%.1f\n", f.arch, f.goMinor, f.system, f.instructions)
	}
	return b.String()
}
