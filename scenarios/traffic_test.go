package scenarios

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

const trafficScenario = `simcap: 1
name: traffic
horizon: 1h
platform: none
functions:
  f:
    service: {time: 30ms}
workloads:
  - name: web
    function: f
    arrivals: {process: trace, file: log.csv, KEYS}
`

// replay loads a scenario that replays the file with the keys, and yields all arrivals.
func replay(t *testing.T, file, keys string) ([]workload.Arrival, string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "log.csv"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	s, ds := Load("x.yaml", []byte(strings.Replace(trafficScenario, "KEYS", keys, 1)), Options{Folder: folder})
	if s == nil {
		return nil, ds.Text(false)
	}
	source := s.Model.Workloads[0].Arrivals.Kind.Source(sim.NewStream(1, 1, "test"))
	var all []workload.Arrival
	for len(all) < 100_000 {
		var a workload.Arrival
		if !source.Next(&a) {
			break
		}
		all = append(all, a)
	}
	if err := workload.Finish(source); err != nil {
		t.Fatal(err)
	}
	return all, ds.Text(false)
}

const requestLog = `time_s,path,status,took_ms,prompt
0,/v1/a,200,100,7
1,/healthz,200,1,0
2,/v1/b,503,300,8
3,/v1/a,200,,9
10,/v1/c,200,500,10
`

func TestReplayKeys(t *testing.T) {
	for keys, want := range map[string][]int{ // in ms
		"format: csv":                               {0, 1000, 2000, 3000, 10000},
		"only: [function=/v1/*]":                    {0, 2000, 3000, 10000},
		"only: [function=/v1/*, status<500]":        {0, 3000, 10000},
		"from: 1s, to: 10s":                         {0, 1000, 2000},
		"from: 2s, speedup: 2":                      {0, 500, 4000},
		"time_unit: s, columns: {time: time_s}":     {0, 1000, 2000, 3000, 10000},
		"only: [prompt>7], take: [prompt_tokens]":   {2000, 3000, 10000},
		"loop: true, ties: keep":                    {0, 1000, 2000, 3000, 10000, 12500, 13500},
		"fold: none, step: 0, ties: auto, take: []": {0, 1000, 2000, 3000, 10000},
	} {
		all, messages := replay(t, requestLog, keys)
		if len(all) < len(want) || len(all) > len(want) && !strings.Contains(keys, "loop") {
			t.Errorf("%s: %d arrivals, want %d: %s", keys, len(all), len(want), messages)
			continue
		}
		for i, ms := range want {
			if all[i].At != sim.Time(ms)*sim.Millisecond {
				t.Errorf("%s: arrival %d at %v s, want %v ms", keys, i, all[i].At.Seconds(), ms)
			}
		}
		prompt := !strings.Contains(keys, "take") || strings.Contains(keys, "prompt_tokens")
		demand := !strings.Contains(keys, "take")
		if a := all[0]; math.IsNaN(a.Prompt) == prompt || math.IsNaN(a.Demand) == demand {
			t.Errorf("%s: %+v", keys, a)
		}
	}
}

func TestMeasuredDurationsAreSaid(t *testing.T) {
	_, messages := replay(t, requestLog, "format: csv")
	if !strings.Contains(messages, "taken as service times") {
		t.Error(messages)
	}
	if _, messages = replay(t, requestLog, "take: [demand]"); messages != "" {
		t.Error(messages)
	}
}

func TestMistakesInReplayKeys(t *testing.T) {
	for keys, want := range map[string]string{
		"only: [statsu=200]":     `did you mean "status"`,
		"only: [function=/none]": "no arrivals that meet the conditions",
		"fold: month":            "no way to fold",
		"take: [sizes]":          `did you mean "size"`,
		"columns: {tiem: t}":     `did you mean "time"`,
		"columns: {time: tims}":  "no column",
		"from: 5s, to: 4s":       "empty",
		"from: 50s":              "no arrivals",
		"ties: sprea":            `did you mean "spread"`,
		"time_unit: m":           "unit of time",
	} {
		if all, messages := replay(t, requestLog, keys); all != nil || !strings.Contains(messages, want) {
			t.Errorf("%s: %s; want %q", keys, messages, want)
		}
	}
}

// TestUnsortedFilesAreSorted: rows far out of order are no reason to fail.
func TestUnsortedFilesAreSorted(t *testing.T) {
	var text strings.Builder
	text.WriteString("time_s\n")
	for i := range 70_000 {
		text.WriteString(strings.Repeat("5", 1+i%2) + "00\n")
	}
	text.WriteString("1\n")
	all, messages := replay(t, text.String(), "ties: keep, format: csv")
	if len(all) != 70_001 || all[0].At != 0 || all[1].At != 499*sim.Second {
		t.Errorf("%d arrivals: %s", len(all), messages)
	}
	if !strings.Contains(messages, "put in order") {
		t.Errorf("the order is not said: %s", messages)
	}
}
