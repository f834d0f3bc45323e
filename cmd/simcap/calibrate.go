package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/calibrate"
	"github.com/simcap/simcap/calibrate/profile"
	"github.com/simcap/simcap/calibrate/target"
	"github.com/simcap/simcap/calibrate/telemetry"
	"github.com/simcap/simcap/report"
)

// calibrateFlags are what all ways of calibrating can be told.
type calibrateFlags struct {
	out, name, description, model, engine, notes, as string
	force, quiet, quick, verbose                     bool
	batches, concurrency, prompts                    []int
	open                                             []float64
	gpus                                             []string
	watch                                            string
	gpu                                              int
	plan                                             calibrate.Plan
	check                                            checkFlags
	// before measures what comes before the subject; nil: nothing.
	before func(m *calibrate.Measurement) error
}

// The answers to --as.
const (
	asRequests = "requests"
	asLLM      = "llm"
)

func newCalibrateCommand() *cobra.Command {
	f := &calibrateFlags{plan: calibrate.DefaultPlan()}
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Measure a server on a GPU host: a profile for scenarios",
		Long: "Calibrate measures a model server, which it starts or which runs already, and writes a " +
			"profile:\n" +
			"service: {profile: FILE} makes a scenario run with it. It watches the GPU meanwhile, where\n" +
			"there is one, and does not count what was measured while the GPU was throttled or shared.\n" +
			"docs/calibrate.md is the guide; `simcap calibrate self-test` is its first step.\n\n" +
			"This build watches GPUs by " + strings.Join(telemetry.Ways(), " and ") + ".",
		Example: "  simcap calibrate self-test\n" +
			"  simcap calibrate exec --url http://127.0.0.1:8000/predict \\\n" +
			"      --body '{\"inputs\": [{{repeat \"hello\"}}]}' -- python serve.py\n" +
			"  simcap calibrate http https://me--app.modal.run/predict --body @request.json\n" +
			"  simcap calibrate worker -- python simcap_worker.py mymodule:predict\n" +
			"  simcap calibrate http http://127.0.0.1:8000/predict --check scenario.yaml",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.check.scenario != "" {
				return usagef("--check needs the server to replay the load against: simcap calibrate "+
					"http URL --check %s",
					f.check.scenario)
			}
			return cmd.Help()
		},
	}
	f.add(cmd)
	cmd.AddCommand(newCalibrateHTTPCommand(f), newCalibrateExecCommand(f), newCalibrateWorkerCommand(f),
		newCalibrateGPUCommand(f),
		newSelfTestCommand(f))
	return cmd
}

// add adds the flags of all ways.
func (f *calibrateFlags) add(cmd *cobra.Command) {
	s := cmd.PersistentFlags()
	s.StringVarP(&f.out, "out", "o", "", "file of the profile (default NAME.yaml); samples go beside it")
	s.StringVar(&f.name, "name", "", "name of the profile (default: profile)")
	s.StringVar(&f.description, "description", "", "what is measured, in a sentence")
	s.StringVar(&f.model, "model", "", "the model that is served; the interfaces of OpenAI and KServe "+
		"call it")
	s.StringVar(&f.engine, "engine", "", "the server and its version")
	s.StringVar(&f.notes, "notes", "", "anything else that a reader should know")
	s.StringSliceVar(&f.gpus, "valid-gpu", nil,
		"GPUs for which it holds, as scenarios name them (default: as measured)")
	s.StringVar(&f.as, "as", asRequests, "requests: the time of whole requests; llm: an engine with "+
		"continuous batching")
	s.BoolVar(&f.force, "force", false, "overwrite the profile; keep one whose predictions are far off")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing while measuring")
	s.BoolVar(&f.verbose, "verbose", false, "show what the command prints")
	s.BoolVar(&f.quick, "quick", false, "few starts, short windows: a first look in a minute or two")
	s.IntSliceVar(&f.batches, "batches", nil, "inputs of a request to measure (default 1,2,4,8,16,32 "+
		"where it can have several)")
	s.IntSliceVar(&f.concurrency, "concurrency", nil, "requests at a time to measure (default 1,2,4,8,16)")
	s.IntSliceVar(&f.prompts, "prompts", nil, "tokens of prompts, each alone, to measure (--as llm; default "+
		"16,64,256,512,1024)")
	s.Float64SliceVar(&f.open, "open", nil, "loads that test the fit, as shares of the capacity "+
		"(default 0.4,0.7)")
	s.Float64Var(&f.plan.OpenSeconds, "open-seconds", f.plan.OpenSeconds, "length of each of these loads")
	s.IntVar(&f.plan.ColdStarts, "cold", f.plan.ColdStarts, "cold starts of a command, with empty caches")
	s.IntVar(&f.plan.WarmStarts, "warm", f.plan.WarmStarts, "warm starts of a command")
	s.IntVar(&f.plan.Runs, "runs", f.plan.Runs, "times that all is measured, each with a fresh process")
	s.IntVar(&f.plan.Rule.MinRequests, "min-requests", f.plan.Rule.MinRequests, "requests of a window")
	s.Float64Var(&f.plan.WarmupSeconds, "warmup", f.plan.WarmupSeconds,
		"seconds that are thrown away before each load")
	s.Uint64Var(&f.plan.Seed, "seed", f.plan.Seed, "seed of the order and of the arrivals")
	s.StringVar(&f.watch, "watch", "auto", "how to watch the GPU: auto, nvml, nvidia-smi, none, "+
		"recording:FILE")
	s.IntVar(&f.gpu, "gpu", 0, "number of the GPU to watch")
	s.Float64Var(&f.plan.Hertz, "hertz", f.plan.Hertz, "samples of the GPU per second, 1 to 50")
	s.BoolVar(&f.plan.Shared, "shared", false, "measure although others use the GPU")
	f.check.add(s)
}

// prepare fills the plan in.
func (f *calibrateFlags) prepare(batches bool) error {
	if f.as != asRequests && f.as != asLLM {
		return usagef("--as: %q, where requests or llm is expected", f.as)
	}
	p := &f.plan
	if f.quick {
		p.ColdStarts, p.WarmStarts, p.Runs = min(p.ColdStarts, 1), min(p.WarmStarts, 1), 1
		p.Rule.MinRequests, p.Rule.MinLength = min(p.Rule.MinRequests, 15), 0.3
		p.WarmupSeconds, p.OpenSeconds = min(p.WarmupSeconds, 0.5), min(p.OpenSeconds, 10)
		p.Pause = 200 * time.Millisecond
	}
	p.Batches = []int{1}
	if batches {
		p.Batches = []int{1, 2, 4, 8, 16, 32}
	}
	if f.batches != nil {
		p.Batches = f.batches
	}
	if f.concurrency != nil {
		p.Concurrency = f.concurrency
	}
	switch {
	case f.prompts != nil && f.as != asLLM:
		return usagef("--prompts is for --as llm")
	case f.prompts != nil:
		p.Prompts = f.prompts
	case f.as == asLLM:
		p.Prompts = []int{16, 64, 256, 512, 1024}
	}
	if f.open != nil {
		p.OpenShares = f.open
	}
	if len(f.batches) > 1 && !batches {
		return usagef("--batches: requests of this body have one input; {{batch}} or {{repeat TEXT}} in " +
			"it makes several")
	}
	if err := p.Validate(); err != nil {
		return usage(err)
	}
	if f.name == "" {
		f.name = "profile"
	}
	return nil
}

// source is the GPU to watch; nil, with a warning, where there is none and none was asked for.
func (f *calibrateFlags) source(cmd *cobra.Command) (telemetry.Source, error) {
	s, err := telemetry.Open(f.watch, f.gpu)
	if err == nil {
		return s, nil
	}
	if f.watch != "auto" {
		return nil, usagef("--watch %s: %w", f.watch, err)
	}
	if !f.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "no GPU is watched, so that clocks, energy and the stages of a "+
			"start are not "+
			"known: %v\n", strings.TrimPrefix(err.Error(), "no GPU: "))
	}
	return nil, nil
}

// say tells what goes on.
func (f *calibrateFlags) say(cmd *cobra.Command) func(string, ...any) {
	if f.quiet {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...) }
}

// log is where the output of a command goes; nil: nowhere.
func (f *calibrateFlags) log(cmd *cobra.Command) func([]byte) {
	if !f.verbose {
		return nil
	}
	return func(p []byte) { _, _ = cmd.ErrOrStderr().Write(p) }
}

// run measures a subject and writes its profile and samples, or checks a scenario against it.
func (f *calibrateFlags) run(cmd *cobra.Command, kind, what string, s calibrate.Subject) error {
	if err := f.prepare(s.Batches()); err != nil {
		return err
	}
	if f.check.scenario != "" {
		return f.check.run(cmd, f, s)
	}
	out := f.out
	if out == "" {
		out = profileFileName(f.name)
	}
	if _, err := os.Lstat(out); err == nil && !f.force {
		return usagef("%s is there already; name another file with --out, or use --force", out)
	}
	gpu, err := f.source(cmd)
	if err != nil {
		return err
	}
	if gpu != nil {
		defer gpu.Close()
	}
	m := &calibrate.Measurement{Kind: kind, Subject: what, Command: commandLine(),
		Date: time.Now().Format(time.DateOnly),
		Host: calibrate.Host(), Simcap: version()}
	if f.before != nil {
		err = f.before(m)
	}
	if err == nil {
		err = calibrate.Run(cmd.Context(), s, f.plan, gpu, m, f.say(cmd))
	}
	interrupted := cmd.Context().Err() != nil
	if interrupted {
		m.Warnings = append(m.Warnings, "the measurement was interrupted")
	} else if err != nil {
		m.Warnings = append(m.Warnings, "the measurement ended early: "+strings.SplitN(err.Error(),
			"\n", 2)[0])
	}
	kept, keepErr := f.keep(cmd, m, out)
	switch {
	case interrupted:
		return &exitError{exitInterrupted, errors.New("interrupted; " + kept)}
	case err != nil:
		if kept == nothingKept {
			return failed(err)
		}
		return failed(fmt.Errorf("%w\n%s", err, kept))
	}
	return keepErr
}

// commandLine is the command as it was given, as far as a shell would read it back.
func commandLine() string {
	words := []string{"simcap"}
	for _, a := range os.Args[1:] {
		if a == "" || strings.ContainsAny(a, " '\"$&|;<>(){}*?\\\n") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// nothingKept is what is kept of a measurement of which nothing was finished.
const nothingKept = "nothing was finished"

// keep writes the samples and the profile, tested against the loads that its fit has not seen. The
// text says what was kept.
func (f *calibrateFlags) keep(cmd *cobra.Command, m *calibrate.Measurement, out string) (string, error) {
	if len(m.Batches) == 0 && len(m.ColdStarts) == 0 && m.Fingerprint == nil {
		return nothingKept, nil
	}
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		return "", failed(err)
	}
	samples := strings.TrimSuffix(out, filepath.Ext(out)) + ".samples.json"
	if err := writeWhole(samples, b.Bytes()); err != nil {
		return "", failed(err)
	}
	kept := "the samples are in " + samples
	p, err := m.Profile(f.as == asLLM)
	if err != nil {
		return kept, failed(err)
	}
	sum := sha256.Sum256(b.Bytes())
	p.Samples = profile.Samples{File: filepath.Base(samples), SHA256: hex.EncodeToString(sum[:])}
	p.Name, p.Description = f.name, f.description
	p.Provenance.Model, p.Provenance.Engine, p.Provenance.Notes = f.model, f.engine, f.notes
	if f.gpus != nil {
		p.Valid.GPUs = f.gpus
	}
	if err := testProfile(cmd.Context(), p, m); err != nil {
		p.Quality.Warnings = append(p.Quality.Warnings, "the fit could not be tested: "+err.Error())
	}
	if off := worstHoldout(p); off > refusedError && !f.force {
		return kept, failed(fmt.Errorf("simcap predicts the loads that the fit has not seen up to %.0f "+
			"%% wrong: no "+
			"profile was written (--force writes it); %s", 100*off, kept))
	} else if off > warnedError {
		p.Quality.Warnings = append(p.Quality.Warnings,
			fmt.Sprintf("predictions of the loads that the fit has not "+
				"seen are up to %.0f %% off", 100*off))
	}
	if err := deliverProfile(cmd, p, out, true); err != nil {
		return kept, err
	}
	shown, err := calibrationOf(p, m)
	if err == nil {
		err = report.WriteCalibration(reportFolder(out), shown, report.Options{})
	}
	if err != nil {
		return kept, failed(err)
	}
	if out != "-" {
		fmt.Fprintf(cmd.OutOrStdout(), "how it was measured: %s\n",
			filepath.Join(reportFolder(out), "report.html"))
	}
	return "what was finished is in " + out + " and " + samples, nil
}

func newSelfTestCommand(f *calibrateFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "self-test",
		Short: "Try the way of measuring here, on a server of known times",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			gpu, err := f.source(cmd)
			if err != nil {
				return err
			}
			if gpu != nil {
				defer gpu.Close()
			}
			findings, err := calibrate.SelfTest(cmd.Context(), gpu)
			bad := 0
			for _, one := range findings {
				mark := "ok  "
				if !one.Good {
					mark = "BAD "
					bad++
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s %-18s %s\n", mark, one.What, one.Text)
			}
			switch {
			case cmd.Context().Err() != nil:
				return &exitError{exitInterrupted, errors.New("interrupted")}
			case err != nil:
				return failed(err)
			case bad > 0:
				return failed(fmt.Errorf("%s: profiles made here may be wrong; docs/calibrate.md says "+
					"what to do",
					count(bad, "bad finding")))
			}
			return nil
		},
	}
}

// local says whether an address is on this machine, where its GPU can be watched.
func local(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

func newCalibrateWorkerCommand(f *calibrateFlags) *cobra.Command {
	var python bool
	var startTimeout, grace time.Duration
	cmd := &cobra.Command{
		Use:   "worker [flags] -- COMMAND...",
		Short: "Measure a program that serves calls on standard input and output",
		Long: "Worker starts a program that reads calls from standard input and answers on standard " +
			"output, a\n" +
			"line of JSON each: no server is needed. --python prints the Python side, which makes a " +
			"worker\n" +
			"of a function:\n\n" +
			"  simcap calibrate worker --python > simcap_worker.py\n" +
			"  simcap calibrate worker -- python simcap_worker.py mymodule:predict",
		RunE: func(cmd *cobra.Command, args []string) error {
			if python {
				_, err := cmd.OutOrStdout().Write(target.WorkerPython)
				return err
			}
			if len(args) == 0 {
				return usagef("no command: simcap calibrate worker -- python simcap_worker.py " +
					"mymodule:predict")
			}
			if f.as == asLLM {
				return errNoStream()
			}
			s := &calibrate.WorkerProgram{Command: args, Timeout: startTimeout, Grace: grace, Log: f.log(cmd)}
			return f.run(cmd, "worker", strings.Join(args, " "), s)
		},
	}
	cmd.Flags().BoolVar(&python, "python", false, "print the Python side of the protocol")
	addStartFlags(cmd, &startTimeout, &grace)
	return cmd
}

func addStartFlags(cmd *cobra.Command, timeout, grace *time.Duration) {
	cmd.Flags().DurationVar(timeout, "start-timeout", 10*time.Minute,
		"how long the command may take to get ready")
	cmd.Flags().DurationVar(grace, "grace", 10*time.Second,
		"how long the command may take to end when it is asked to")
}
