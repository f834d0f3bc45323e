package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/calibrate"
	"github.com/simcap/simcap/calibrate/cuda"
	"github.com/simcap/simcap/calibrate/gpu"
	"github.com/simcap/simcap/report/quantity"
)

// gpuFlags say what is run on the GPU.
type gpuFlags struct {
	spec                  gpu.Spec
	preset, by, child     string
	lanes                 int
	selfTest, fingerprint bool
	grace, startTimeout   time.Duration
}

// The answers to --by.
const (
	byStreams   = "streams"
	byProcesses = "processes"
)

// What a process of simcap does for another one (--child).
const (
	childServe       = "serve"
	childFingerprint = "fingerprint"
	childSelfTest    = "self-test"
)

func newCalibrateGPUCommand(f *calibrateFlags) *cobra.Command {
	g := &gpuFlags{}
	cmd := &cobra.Command{
		Use:   "gpu",
		Short: "Measure the GPU itself by a workload of built-in kernels",
		Long: "Gpu runs kernels of its own through the NVIDIA driver, which is all it needs: no CUDA\n" +
			"toolkit, no Python, no model. It takes a fingerprint of the host (launches, copies,\n" +
			"memory, arithmetic), then measures a composed workload as it would a server: starts,\n" +
			"batches, requests at a time.\n\n" +
			"The kernels are plain ones: tuned engines are faster. --self-test comes first.\n\n" +
			"Presets: " + strings.Join(gpu.PresetNames(), ", ") + ".",
		Example: "  simcap calibrate gpu --self-test\n" +
			"  simcap calibrate gpu --fingerprint\n" +
			"  simcap calibrate gpu --workload bert-base --batches 1,2,4,8,16,32,64\n" +
			"  simcap calibrate gpu --kind mlp --hidden 2048 --tokens 1 --by processes",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.read(cmd); err != nil {
				return err
			}
			if f.as == asLLM {
				return usagef("--as llm: the built-in workloads are no engine with continuous batching")
			}
			if g.child != "" {
				return g.serve(cmd, f.gpu)
			}
			return g.run(cmd, f)
		},
	}
	s := cmd.Flags()
	s.StringVar(&g.preset, "workload", "bert-base", "a preset: sizes like those of a known model")
	s.StringVar(&g.spec.Kind, "kind", "", "mlp or transformer, instead of the preset's")
	s.IntVar(&g.spec.Layers, "layers", 0, "layers, instead of the preset's")
	s.IntVar(&g.spec.Hidden, "hidden", 0, "columns, a multiple of 64, instead of the preset's")
	s.IntVar(&g.spec.Tokens, "tokens", 0, "rows of one input, instead of the preset's")
	s.StringVar(&g.spec.Precision, "precision", "auto", "f16 (tensor cores), f32, or auto: "+
		"f16 where the GPU has it")
	s.BoolVar(&g.spec.Graph, "graph", false, "send the kernels of a batch as one CUDA graph")
	s.StringVar(&g.by, "by", byStreams, "how several requests are at a time: streams of one "+
		"process, or processes")
	s.IntVar(&g.lanes, "lanes", 32, "streams or processes at most; further requests wait")
	s.BoolVar(&g.selfTest, "self-test", false, "only compute small cases and compare them, "+
		"and look at the clock")
	s.BoolVar(&g.fingerprint, "fingerprint", false, "only take the fingerprint of the host, and print it")
	addStartFlags(cmd, &g.startTimeout, &g.grace)
	s.StringVar(&g.child, "child", "", "what a process of simcap does for another one")
	_ = s.MarkHidden("child")
	return cmd
}

// read fills the workload in.
func (g *gpuFlags) read(cmd *cobra.Command) error {
	base, err := gpu.Preset(g.preset)
	if err != nil {
		return usagef("--workload: %w", err)
	}
	changed := cmd.Flags().Changed
	for _, one := range []struct {
		flag string
		from int
		into *int
	}{{"layers", base.Layers, &g.spec.Layers}, {"hidden", base.Hidden, &g.spec.Hidden},
		{"tokens", base.Tokens, &g.spec.Tokens}} {
		if !changed(one.flag) {
			*one.into = one.from
		}
	}
	if !changed("kind") {
		g.spec.Kind = base.Kind
	}
	if err := g.spec.Validate(); err != nil {
		return usage(err)
	}
	switch {
	case g.by != byStreams && g.by != byProcesses:
		return usagef("--by: %q, where streams or processes is expected", g.by)
	case g.lanes < 1 || g.lanes > 256:
		return usagef("--lanes: %d, where 1 to 256 is expected", g.lanes)
	case g.selfTest && g.fingerprint:
		return usagef("--self-test and --fingerprint: one at a time")
	case !slices.Contains([]string{"", childServe, childFingerprint, childSelfTest}, g.child):
		return usagef("--child: %q is nothing that a process does", g.child)
	}
	return nil
}

// command is this program as a process that works on the GPU.
func (g *gpuFlags) command(what string, index, lanes int) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("this program cannot be started once more: %w", err)
	}
	args := []string{self, "calibrate", "gpu", "--child", what, "--gpu", strconv.Itoa(index),
		"--kind", g.spec.Kind, "--layers", strconv.Itoa(g.spec.Layers), "--hidden",
		strconv.Itoa(g.spec.Hidden),
		"--tokens", strconv.Itoa(g.spec.Tokens), "--precision", g.spec.Precision, "--lanes",
		strconv.Itoa(lanes)}
	if g.spec.Graph {
		args = append(args, "--graph")
	}
	return args, nil
}

// environment makes CUDA count GPUs as NVML and nvidia-smi do.
func environment() []string {
	if _, set := os.LookupEnv("CUDA_DEVICE_ORDER"); set {
		return nil
	}
	return []string{"CUDA_DEVICE_ORDER=PCI_BUS_ID"}
}

// ask has a process measure the GPU and report.
func (g *gpuFlags) ask(ctx context.Context, what string, index int) (*calibrate.Report, error) {
	command, err := g.command(what, index, 1)
	if err != nil {
		return &calibrate.Report{}, err
	}
	return calibrate.Ask(ctx, command, environment(), g.grace)
}

// run measures, or only tests, or only takes the fingerprint.
func (g *gpuFlags) run(cmd *cobra.Command, f *calibrateFlags) error {
	if !cuda.Built {
		_, err := cuda.Load("")
		return failed(err)
	}
	if g.selfTest || g.fingerprint {
		what := childSelfTest
		if g.fingerprint {
			what = childFingerprint
		}
		r, err := g.ask(cmd.Context(), what, f.gpu)
		if r.Fingerprint != nil {
			printFingerprint(cmd.OutOrStdout(), r.Fingerprint)
		}
		bad := printChecks(cmd.OutOrStdout(), r.Checks)
		switch {
		case cmd.Context().Err() != nil:
			return &exitError{exitInterrupted, errors.New("interrupted")}
		case err != nil:
			return failed(err)
		case bad > 0:
			return failed(fmt.Errorf("%s: what is measured on this GPU means nothing", count(bad,
				"bad finding")))
		}
		return nil
	}
	subject := &calibrate.BuiltIn{Env: environment(), Timeout: g.startTimeout, Grace: g.grace,
		Log:       f.log(cmd),
		Processes: 1}
	lanes := g.lanes
	concurrency := f.plan.Concurrency
	if f.concurrency != nil {
		concurrency = f.concurrency
	}
	if len(concurrency) > 0 && slices.Max(concurrency) > lanes {
		return usagef("--concurrency: %d at a time on %d %s: raise --lanes", slices.Max(concurrency),
			lanes, g.by)
	}
	if g.by == byProcesses {
		subject.Processes, lanes = g.lanes, 1
	}
	var err error
	if subject.Command, err = g.command(childServe, f.gpu, lanes); err != nil {
		return failed(err)
	}
	if f.engine == "" {
		f.engine = "kernels of simcap"
	}
	if f.model == "" {
		f.model = g.spec.String()
	}
	f.before = func(m *calibrate.Measurement) error {
		m.Warnings = append(m.Warnings, "a workload of simcap's own kernels, which are plain "+
			"ones: an engine with "+
			"tuned kernels is faster, and a real model is measured by calibrate exec, http or worker")
		r, err := g.ask(cmd.Context(), childFingerprint, f.gpu)
		if m.Fingerprint = r.Fingerprint; m.Fingerprint != nil {
			m.Synthetic = m.Synthetic || m.Fingerprint.GPU.Fake
			if !f.quiet {
				printFingerprint(cmd.ErrOrStderr(), m.Fingerprint)
			}
		}
		return err
	}
	return f.run(cmd, calibrate.KindGPU, g.spec.String()+", by "+g.by, subject)
}

// serve is this process working on the GPU for another one, on standard input and output. Its
// failures are
// told there.
func (g *gpuFlags) serve(cmd *cobra.Command, index int) error {
	if g.child == childServe {
		if err := gpu.Serve(cmd.InOrStdin(), cmd.OutOrStdout(), index, g.spec, g.lanes); err != nil {
			return failed(err)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	go func() { // whoever asked is gone, or does not want to know any more
		_, _ = io.Copy(io.Discard, cmd.InOrStdin())
		cancel()
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var r calibrate.Report
	d, err := gpu.Open(index)
	if err == nil {
		defer d.Close()
		if g.child == childSelfTest {
			r.Checks, err = d.SelfTest()
		} else {
			r.Fingerprint = &gpu.Fingerprint{}
			err = d.Measure(ctx, r.Fingerprint)
		}
	}
	if err != nil {
		r.Error = err.Error()
	}
	return json.NewEncoder(cmd.OutOrStdout()).Encode(r)
}

// printFingerprint prints what was found of the host.
func printFingerprint(w io.Writer, p *gpu.Fingerprint) {
	fmt.Fprintf(w, "%s, compute capability %s, driver for CUDA %s\n", p.GPU.Name,
		p.GPU.Capability, p.GPU.CUDA())
	for _, f := range p.Figures {
		value := quantity.Format(quantity.Seconds, f.Value)
		switch f.Unit {
		case "B/s":
			value = fmt.Sprintf("%.4g GB/s", f.Value/1e9)
		case "FLOP/s":
			value = fmt.Sprintf("%.4g TFLOP/s", f.Value/1e12)
		}
		spread := ""
		if f.Spread >= 0.0005 {
			spread = fmt.Sprintf("  spread %.1f %%", 100*f.Spread)
		}
		fmt.Fprintf(w, "  %-22s %14s%s\n", f.Name, value, spread)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(w, "  %s\n", note)
	}
}

// printChecks prints what a self-test found, and counts what is bad.
func printChecks(w io.Writer, checks []gpu.Check) (bad int) {
	for _, one := range checks {
		mark := "ok  "
		if !one.Good {
			mark = "BAD "
			bad++
		}
		fmt.Fprintf(w, "%s %-26s %s\n", mark, one.What, one.Text)
	}
	return bad
}
