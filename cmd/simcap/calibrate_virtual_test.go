package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/simcap/simcap/calibrate"
	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/calibrate/load"
	"github.com/simcap/simcap/calibrate/profile"
	"github.com/simcap/simcap/calibrate/target"
	"github.com/simcap/simcap/internal/standin"
)

// measureVirtually measures a stand-in over HTTP on a clock that stands still while anything runs, by the plan
// that profiles are made with, and has simcap predict the loads that the fit has not seen.
func measureVirtually(t *testing.T, c standin.Config) (*profile.Profile, *calibrate.Measurement) {
	t.Helper()
	m := &calibrate.Measurement{Kind: "http"}
	var p *profile.Profile
	synctest.Test(t, func(t *testing.T) {
		server := standin.Serve(standin.New(c))
		defer server.Stop()
		subject := &calibrate.Server{Batching: true, NullURL: true,
			Connect: func(context.Context) (load.Target, error) {
				h, err := target.NewHTTP("", "http://server/predict", `{"inputs": [{{repeat "x"}}]}`, nil, time.Minute)
				if err == nil {
					h.NullURL = "http://server/health"
					h.Through(server.Dial)
				}
				return h, err
			}}
		plan := calibrate.DefaultPlan()
		plan.Clock, plan.Batches, plan.OpenSeconds = load.SleepyClock, []int{1, 2, 4, 8}, 300
		plan.Concurrency = []int{1, 2, 4}
		ctx := context.Background()
		if err := calibrate.Run(ctx, subject, plan, nil, m, func(string, ...any) {}); err != nil {
			t.Fatal(err)
		}
		var err error
		if p, err = m.Profile(false); err != nil {
			t.Fatal(err)
		}
	})
	p.Name = "p"
	if err := testProfile(context.Background(), p, m); err != nil {
		t.Fatal(err)
	}
	return p, m
}

// From a model server to a prediction: whatever the server does with several requests, the profile has its
// parameters within 5 %, and p50 and p95 of two loads that the fit has not seen are predicted within 10 %, both
// for the very arrivals that were sent and by `simcap run` with a Poisson load of its own. Nothing here depends
// on how busy the machine is, and nothing is skipped.
func TestCalibrateVirtually(t *testing.T) {
	for _, c := range []struct {
		name       string
		config     standin.Config
		discipline string
		slots      int
		at4        float64 // L(4) / L(1)
	}{
		{"one at a time", standin.Config{Slots: 1}, "queue", 1, 4},
		{"two at a time", standin.Config{Slots: 2}, "queue", 2, 2},
		{"sharing", standin.Config{Share: 0.5}, "sharing", 0, 2.5},
		{"parallel", standin.Config{}, "parallel", 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.Base, c.config.PerInput, c.config.CV, c.config.First, c.config.Seed = 0.036, 0.006, 0.05, 0.15, 7
			p, m := measureVirtually(t, c.config)
			for _, n := range []int{1, 2, 4, 8} {
				truth := c.config.Base + c.config.PerInput*float64(n)
				if got := p.Service.Batch.At(n); math.Abs(got/truth-1) > 0.05 {
					t.Errorf("B(%d) = %.2f ms, truth %.2f ms", n, 1e3*got, 1e3*truth)
				}
			}
			if math.Abs(p.Service.NoiseCV/c.config.CV-1) > 0.05 {
				t.Errorf("variation %.4f, truth %.4f", p.Service.NoiseCV, c.config.CV)
			}
			if p.Server.Discipline != c.discipline || p.Server.Slots != c.slots {
				t.Errorf("%+v", p.Server)
			}
			if c.at4 > 1 {
				l := fit.Curve{Kind: fit.Table, Knots: p.Service.Concurrency}
				if got := l.At(4) / l.At(1); math.Abs(got/c.at4-1) > 0.05 {
					t.Errorf("L(4)/L(1) = %.3f, truth %.3f", got, c.at4)
				}
			}
			if len(p.Quality.Holdout) != 2 || len(m.Open) != 2 || len(p.Quality.Intervals) != 4 {
				t.Fatalf("%+v", p.Quality)
			}
			for _, h := range p.Quality.Holdout {
				if h.Error() > 0.10 {
					t.Errorf("at %.3g/s: %+v", h.Rate, h)
				}
				runs(t, p, &h)
			}
		})
	}
}

// runs has `simcap run` predict one of the loads, with arrivals of its own.
func runs(t *testing.T, p *profile.Profile, h *profile.Holdout) {
	t.Helper()
	dir := t.TempDir()
	warm := *p
	warm.Service.FirstInput = nil // the server had been asked before
	var text bytes.Buffer
	if err := warm.Write(&text); err != nil {
		t.Fatal(err)
	}
	inputs := 1000
	if p.Server.Discipline == "queue" {
		inputs = p.Server.Slots
	}
	scenario := fmt.Sprintf("simcap: 1\nname: s\nhorizon: 30m\nreplications: 4\nfunctions:\n  f: {gpu: L4, min_containers: 1, "+
		"max_containers: 1, concurrent: {max_inputs: %d}, service: {profile: p.yaml}}\nworkloads:\n"+
		"  - {name: w, function: f, arrivals: {process: poisson, rate: %.4f/s}}\n", inputs, h.Rate)
	for name, data := range map[string][]byte{"p.yaml": text.Bytes(), "s.yaml": []byte(scenario)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := simcap(t, "", "run", filepath.Join(dir, "s.yaml"), "--json", "-q")
	var r struct {
		Total struct {
			LatencyS struct{ P50, P95 struct{ Value float64 } } `json:"latency_s"`
		}
	}
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code != exitDone {
		t.Fatalf("%v %d %s", err, o.code, o.stderr)
	}
	l := &r.Total.LatencyS
	if math.Abs(l.P50.Value/h.MeasuredP50-1) > 0.10 || math.Abs(l.P95.Value/h.MeasuredP95-1) > 0.10 {
		t.Errorf("at %.3g/s a run predicts %.1f and %.1f ms, measured %.1f and %.1f ms", h.Rate, 1e3*l.P50.Value,
			1e3*l.P95.Value, 1e3*h.MeasuredP50, 1e3*h.MeasuredP95)
	}
}
