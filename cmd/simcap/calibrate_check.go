package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/simcap/simcap/calibrate"
	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/calibrate/load"
	"github.com/simcap/simcap/calibrate/profile"
	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/report/quantity"
	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/sim"
)

// Relative errors of predictions: beyond the first a profile has a warning, beyond the second none is
// written.
const warnedError, refusedError = 0.10, 0.25

// worstHoldout is the largest error of the profile's predictions.
func worstHoldout(p *profile.Profile) float64 {
	most := 0.0
	for i := range p.Quality.Holdout {
		most = max(most, p.Quality.Holdout[i].Error())
	}
	return most
}

// testProfile lets the simulator predict the open loops that were measured, whose requests the fit
// has not seen: the same arrivals, one container that is ready.
func testProfile(ctx context.Context, p *profile.Profile, m *calibrate.Measurement) error {
	warm := *p
	warm.Service.FirstInput, warm.ColdStages = nil, nil // the server had been asked before
	for i := range m.Open {
		point := &m.Open[i]
		var times, latencies []float64
		for k := range point.Records { // from when it was really sent: the sender's delay is not the server's
			times = append(times, point.Records[k].Sent-point.Records[0].Sent)
			if point.Records[k].Err == "" {
				latencies = append(latencies, point.Records[k].Service())
			}
		}
		if len(latencies) < 20 || point.Saturated {
			continue
		}
		slices.Sort(times)
		rows, err := predict(ctx, &warm, times, tokensOf(p, point))
		if err != nil {
			return err
		}
		predicted := make([]float64, len(rows))
		for i := range rows {
			predicted[i] = rows[i].Latency.Seconds()
		}
		h := profile.Holdout{Rate: point.RatePerS,
			MeasuredP50: fit.Quantile(latencies, 0.5), MeasuredP95: fit.Quantile(latencies, 0.95),
			PredictedP50: fit.Quantile(predicted, 0.5), PredictedP95: fit.Quantile(predicted, 0.95)}
		if ttft, tpot := point.TokenTimes(); p.Service.LLM != nil && len(ttft) > 0 && len(tpot) > 0 {
			first, each := tokenTimes(rows)
			h.MeasuredTTFT, h.MeasuredTPOT = fit.Median(ttft), fit.Median(tpot)
			h.PredictedTTFT, h.PredictedTPOT = fit.Median(first), fit.Median(each)
		}
		p.Quality.Holdout = append(p.Quality.Holdout, h)
	}
	return nil
}

// tokensOf are the keys of a workload that makes requests with as many tokens as those of a point; "" for a
// profile of no LLM engine.
func tokensOf(p *profile.Profile, point *calibrate.Point) string {
	if p.Service.LLM == nil {
		return ""
	}
	prompt, output, n := 0.0, 0.0, 0.0
	for i := range point.Records {
		if r := &point.Records[i]; r.Err == "" {
			prompt, output, n = prompt+float64(r.PromptTokens), output+float64(r.OutputTokens), n+1
		}
	}
	return fmt.Sprintf(", prompt_tokens: %.0f, output_tokens: %.0f", max(1, prompt/n), max(1, output/n))
}

// tokenTimes are the times in seconds to the first token and of each further one, of rows that have any.
func tokenTimes(rows []model.InputRow) (ttft, tpot []float64) {
	for i := range rows {
		r := &rows[i].LLM
		if r.Prompt == 0 {
			continue
		}
		if r.TTFT != model.Unset {
			ttft = append(ttft, r.TTFT.Seconds())
		}
		if r.TPOT != model.Unset {
			tpot = append(tpot, r.TPOT.Seconds())
		}
	}
	return ttft, tpot
}

// predict runs the arrivals through the simulator, eight times with other luck, and returns the rows of all
// inputs. Tokens are keys of the workload.
func predict(ctx context.Context, p *profile.Profile, times []float64, tokens string) ([]model.InputRow,
	error) {
	var text bytes.Buffer
	if err := p.Write(&text); err != nil {
		return nil, err
	}
	s, ds := scenarios.Load("hold-out", []byte(holdoutScenario(p, times, tokens)), scenarios.Options{
		Profile: func(string) ([]byte, error) { return text.Bytes(), nil }})
	if s == nil {
		return nil, ds.Err()
	}
	return latenciesOf(ctx, s, "f")
}

// holdoutScenario is one container that treats requests as the server does.
func holdoutScenario(p *profile.Profile, times []float64, tokens string) string {
	inputs, batched := 1000, ""
	switch discipline := p.Server.Discipline; {
	case p.Service.LLM != nil: // the engine's own line
	case discipline == "queue" || discipline == "":
		inputs = max(1, p.Server.Slots)
	case discipline == "batching":
		inputs, batched = 1, fmt.Sprintf(", batched: {max_batch_size: %d, wait_ms: 0}", p.Valid.BatchSize[1])
	}
	var list strings.Builder
	for i, t := range times {
		if i > 0 {
			list.WriteString(", ")
		}
		fmt.Fprintf(&list, "%.6f", max(0, t))
	}
	return fmt.Sprintf("simcap: 1\nname: hold-out\nplatform: none\nreplications: 8\nfunctions:\n  f: "+
		"{min_containers: 1, "+
		"max_containers: 1, concurrent: {max_inputs: %d}%s, service: {profile: p}, timeout: "+
		"1h}\nworkloads:\n  - {name: w, "+
		"function: f%s, arrivals: {process: at, times: [%s]}}\n", inputs, batched, tokens, list.String())
}

// latenciesOf runs the scenario and returns the rows of a function's inputs that completed.
func latenciesOf(ctx context.Context, s *experiment.Scenario, function string) ([]model.InputRow, error) {
	var rows []model.InputRow
	take := func(r *model.InputRow) error {
		if r.Function == function && r.Outcome == model.Completed {
			rows = append(rows, *r)
		}
		return nil
	}
	_, err := experiment.Run(ctx, s, experiment.Options{Rows: &model.Rows{Input: take}})
	return rows, err
}

// checkFlags are what `simcap calibrate --check` can be told.
type checkFlags struct {
	scenario, function string
	set                []string
	seconds            float64
	most               int
	deployed           bool
}

func (c *checkFlags) add(s *pflag.FlagSet) {
	s.StringVar(&c.scenario, "check", "", "replay a short load of this scenario against the server, and "+
		"compare")
	s.StringVar(&c.function, "function", "", "function of the scenario that the server is (--check)")
	s.StringArrayVar(&c.set, "set", nil, "replace a setting of that scenario (--check)")
	s.Float64Var(&c.seconds, "check-seconds", 60, "how much of the load is replayed (--check)")
	s.IntVar(&c.most, "check-requests", 2000, "requests that are sent at most (--check)")
	s.BoolVar(&c.deployed, "as-deployed", false,
		"the server scales as the scenario says, instead of being one ready container (--check)")
}

// run replays the scenario's first requests against the server and prints what was predicted beside
// what was measured.
func (c *checkFlags) run(cmd *cobra.Command, f *calibrateFlags, subject calibrate.Subject) error {
	flags := scenarioFlags{quiet: f.quiet, set: c.set, changed: func(string) bool { return false }}
	src, err := flags.load(cmd, c.scenario)
	if err != nil {
		return err
	}
	s := src.scenario
	function, err := c.prepare(s)
	if err != nil {
		return err
	}
	predicted, err := latenciesOf(cmd.Context(), s, function)
	if err != nil {
		return failed(err)
	}
	slices.SortStableFunc(predicted, func(a, b model.InputRow) int { return int(a.Submitted - b.Submitted) })
	if len(predicted) > c.most {
		fmt.Fprintf(cmd.ErrOrStderr(), "only the first %d of %d requests are sent "+
			"(--check-requests)\n", c.most, len(predicted))
		predicted = predicted[:c.most]
	}
	if len(predicted) == 0 {
		return failed(fmt.Errorf("no input of %s completes within the first %g s of the scenario",
			function, c.seconds))
	}
	records, err := c.replay(cmd, f, subject, predicted)
	if err != nil {
		return err
	}
	return c.compare(cmd.OutOrStdout(), s.Name, function, predicted, records)
}

// prepare cuts the scenario to what is replayed and names the function.
func (c *checkFlags) prepare(s *experiment.Scenario) (string, error) {
	var names []string
	at := -1
	for i := range s.Model.Functions {
		names = append(names, s.Model.Functions[i].Name)
		if names[i] == c.function || c.function == "" && len(s.Model.Functions) == 1 {
			at = i
		}
	}
	if at < 0 && c.function == "" {
		return "", usagef("--function says which of the scenario's functions the server is: %s",
			strings.Join(names, ", "))
	} else if at < 0 {
		return "", usagef("--function: the scenario has no function %q; it has %s", c.function,
			strings.Join(names, ", "))
	}
	if !(c.seconds > 0) || c.most < 1 {
		return "", usagef("--check-seconds and --check-requests must be above 0")
	}
	horizon := sim.Time(c.seconds * float64(sim.Second))
	if s.Model.Horizon == 0 || s.Model.Horizon > horizon {
		s.Model.Horizon = horizon
	}
	s.Model.Warmup, s.WarmupAuto = 0, false
	s.Replications = experiment.Replications{Min: 1, Max: 1, Metric: s.Replications.Metric}
	fn := &s.Model.Functions[at]
	if !c.deployed {
		fn.MinContainers, fn.MaxContainers, fn.BufferContainers = 1, 1, 0
		fn.Updates, fn.Deploys, fn.Service.FirstInput = nil, nil, nil
	}
	return fn.Name, nil
}

// replay sends the requests at the instants at which they were submitted in the run.
func (c *checkFlags) replay(cmd *cobra.Command, f *calibrateFlags, subject calibrate.Subject,
	rows []model.InputRow) ([]load.Record, error) {
	ctx, say := cmd.Context(), f.say(cmd)
	session, err := subject.Start(ctx, false, func(int) {})
	if err != nil {
		return nil, failed(err)
	}
	defer session.Close()
	clock := load.NewClock()
	for i := range 3 { // a server that is warm, as the run's
		if one := clock.Burst(ctx, session.Target, load.Request{Batch: 1, Seq: i + 1},
			1)[0]; one.Err != "" && ctx.Err() == nil {
			return nil, failed(fmt.Errorf("the server does not answer as it should: %s", one.Err))
		}
	}
	var times []float64
	for i := range rows {
		times = append(times, (rows[i].Submitted - rows[0].Submitted).Seconds())
	}
	say("sending %s over %.3g s", count(len(times), "request"), times[len(times)-1])
	records := clock.Open(ctx, asDrawn{session.Target, rows}, load.Request{Batch: 1}, times, 10_000)
	if ctx.Err() != nil {
		return nil, &exitError{exitInterrupted, errors.New("interrupted; nothing was compared")}
	}
	return records, nil
}

// asDrawn is a server that is asked for as many tokens as the rows have, in their order.
type asDrawn struct {
	load.Target
	rows []model.InputRow
}

// Do sends the request of a row.
func (d asDrawn) Do(ctx context.Context, r load.Request) load.Answer {
	if r.Seq >= 1 && r.Seq <= len(d.rows) {
		tokens := &d.rows[r.Seq-1].LLM
		r.PromptTokens, r.OutputTokens = tokens.Prompt, tokens.Output
	}
	return d.Target.Do(ctx, r)
}

// compare prints quantiles side by side.
func (c *checkFlags) compare(w io.Writer, scenario, function string, rows []model.InputRow,
	records []load.Record) error {
	var predicted, measured []float64
	failures, firstError := 0, ""
	for i := range rows {
		predicted = append(predicted, rows[i].Latency.Seconds())
	}
	for i := range records {
		if records[i].Err != "" {
			if failures++; failures == 1 {
				firstError = records[i].Err
			}
			continue
		}
		measured = append(measured, records[i].Latency())
	}
	if len(measured) == 0 {
		return failed(fmt.Errorf("no request succeeded: %s", firstError))
	}
	fmt.Fprintf(w, "%s, function %s: %s\n", scenario, function, count(len(records), "request"))
	sideBySide(w, "latency", predicted, measured)
	point := calibrate.Point{Records: records}
	if first, each := tokenTimes(rows); len(first) > 0 {
		ttft, tpot := point.TokenTimes()
		sideBySide(w, "TTFT", first, ttft)
		sideBySide(w, "TPOT", each, tpot)
	}
	if late := load.Late(records); late > 0.05 {
		fmt.Fprintf(w, "\n%.0f %% of the requests were sent late: this machine is too busy to measure "+
			"this load\n", 100*late)
	}
	if failures > 0 {
		fmt.Fprintf(w, "\n%d of %s failed: %s\n", failures, count(len(records), "request"), firstError)
	}
	return nil
}

// sideBySide prints mean and quantiles of two lists of times; nothing where one is empty.
func sideBySide(w io.Writer, what string, predicted, measured []float64) {
	if len(predicted) == 0 || len(measured) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%-10s %12s %12s %9s\n", what, "predicted", "measured", "off by")
	mean := func(v []float64) float64 {
		sum := 0.0
		for _, x := range v {
			sum += x / float64(len(v))
		}
		return sum
	}
	line := func(name string, p, m float64) {
		fmt.Fprintf(w, "%-10s %12s %12s %+8.1f%%\n", name, quantity.Format(quantity.Seconds, p),
			quantity.Format(quantity.Seconds, m), 100*(p/m-1))
	}
	line("mean", mean(predicted), mean(measured))
	for _, q := range []float64{0.5, 0.9, 0.95, 0.99} {
		if float64(len(measured))*(1-q) < 2 {
			continue // too few requests to tell
		}
		line(fmt.Sprintf("p%g", 100*q), fit.Quantile(predicted, q), fit.Quantile(measured, q))
	}
}
