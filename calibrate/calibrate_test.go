package calibrate

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/simcap/simcap/calibrate/child"
	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/calibrate/load"
	"github.com/simcap/simcap/calibrate/target"
	"github.com/simcap/simcap/internal/standin"
)

func TestMain(m *testing.M) {
	if standin.Main() {
		return
	}
	os.Exit(m.Run())
}

// quick is a plan that takes seconds: short windows, few starts.
func quick() Plan {
	p := DefaultPlan()
	p.Batches, p.Concurrency, p.Burst = []int{1}, nil, 0
	p.OpenShares, p.ColdStarts, p.WarmStarts, p.Runs = nil, 0, 0, 1
	p.WarmupSeconds, p.Pause = 0.05, 10*time.Millisecond
	p.Rule.MinRequests, p.Rule.MinLength, p.Rule.Medians, p.Rule.Ratio, p.Rule.Drift = 12, 0.2, 5, 1.25, 0.2
	return p
}

// local is a stand-in in this process, as a subject that runs already.
func local(t *testing.T, c standin.Config) (*Server, *standin.Server) {
	t.Helper()
	model := standin.New(c)
	s := httptest.NewServer(model)
	t.Cleanup(s.Close)
	return reach(s.URL), model
}

// reach is a server at an address.
func reach(url string) *Server {
	return &Server{Timeout: 10 * time.Second, Grace: time.Second, Batching: true, NullURL: true,
		Connect: func(context.Context) (load.Target, error) {
			h, err := target.NewHTTP("", url+"/predict", `{"inputs": [{{repeat "x"}}]}`, nil, 10*time.Second)
			if err == nil {
				h.NullURL = url + "/health"
			}
			return h, err
		}}
}

// spawned is a stand-in in a process of its own, which is ready when it has written its address.
func spawned(t *testing.T, c standin.Config) *Server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "addr")
	c.Addr, c.AddrFile = "127.0.0.1:0", file
	s := reach("")
	s.Command, s.Env = []string{os.Args[0]}, []string{c.Env()}
	s.Ready = child.Ready{File: file}
	s.Connect = func(ctx context.Context) (load.Target, error) {
		addr, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		os.Remove(file)
		return reach("http://" + string(addr)).Connect(ctx)
	}
	return s
}

func silent(string, ...any) {}

// The time of a batch, its variation and the way with several requests at a time are found again
// within 5 %, for each discipline.
func TestServersAreRecovered(t *testing.T) {
	standin.Measure(t, func(busy *standin.Monitor) { recoverServers(t, busy) })
}

func recoverServers(t *testing.T, busy *standin.Monitor) {
	cases := []struct {
		name       string
		config     standin.Config
		discipline string
		slots      int
		at4        float64 // L(4) / L(1)
		m          Measurement
		model      *standin.Server
		err        error
	}{
		{name: "one at a time", config: standin.Config{Slots: 1}, discipline: "queue", slots: 1, at4: 4},
		{name: "two at a time", config: standin.Config{Slots: 2}, discipline: "queue", slots: 2, at4: 2},
		{name: "sharing", config: standin.Config{Share: 0.5}, discipline: "sharing", at4: 2.5},
		{name: "parallel", discipline: "parallel", at4: 1},
	}
	plan := quick()
	plan.Batches, plan.Concurrency, plan.Burst = []int{1, 8}, []int{1, 2, 4}, 6
	var group sync.WaitGroup
	for i := range cases { // they sleep most of the time
		c := &cases[i]
		c.config.Base, c.config.PerInput, c.config.CV, c.config.Seed = 0.036, 0.006, 0.05, 7
		var subject *Server
		subject, c.model = local(t, c.config)
		group.Go(func() { c.err = Run(context.Background(), subject, plan, nil, &c.m, silent) })
	}
	group.Wait()
	for i := range cases {
		c := &cases[i]
		t.Run(c.name, func(t *testing.T) {
			if c.err != nil {
				t.Fatal(c.err)
			}
			p, err := c.m.Profile(false)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 8} {
				truth := c.model.Took(n)
				if got := p.Service.Batch.At(n); math.Abs(got/truth-1) > 0.05 {
					busy.Errorf("B(%d) = %.2f ms, truth %.2f ms", n, 1e3*got, 1e3*truth)
				}
			}
			if p.Server.Discipline != c.discipline || p.Server.Slots != c.slots {
				busy.Errorf("%+v, want %s of %d; bursts %+v, stagger %+v", p.Server, c.discipline, c.slots, c.m.Bursts, c.m.Stagger)
			}
			if c.at4 > 1 {
				if len(p.Service.Concurrency) == 0 {
					busy.Errorf("no curve over requests at a time")
					return
				}
				l := fit.Curve{Kind: fit.Table, Knots: p.Service.Concurrency}
				if got := l.At(4) / l.At(1); math.Abs(got/c.at4-1) > 0.08 {
					busy.Errorf("L(4)/L(1) = %.2f, truth %.2f", got, c.at4)
				}
			}
			if c.m.Null == nil || fit.Median(c.m.Null.Times()) > 0.01 {
				busy.Errorf("the floor of the interface was not found")
			}
			var b bytes.Buffer
			if err := c.m.Write(&b); err != nil {
				t.Fatal(err)
			}
			again, err := Read(&b)
			if err != nil || len(again.Batches) != len(c.m.Batches) || len(again.Batches[0].Records) == 0 {
				t.Errorf("the file of samples does not read back: %v", err)
			}
		})
	}
}

// A server that joins requests by itself is told from one that shares its speed.
func TestServerThatBatches(t *testing.T) {
	standin.Measure(t, func(busy *standin.Monitor) { serverThatBatches(t, busy) })
}

func serverThatBatches(t *testing.T, busy *standin.Monitor) {
	plan := quick()
	plan.Concurrency, plan.Burst = []int{1, 2, 4, 8}, 6
	m := &Measurement{}
	c := standin.Config{Base: 0.036, PerInput: 0.006, Join: 8, CV: 0.02}
	subject, _ := local(t, c)
	if err := Run(context.Background(), subject, plan, nil, m, silent); err != nil {
		t.Fatal(err)
	}
	p, err := m.Profile(false)
	if err != nil {
		t.Fatal(err)
	}
	if p.Server.Discipline != "batching" || p.Service.Batch == nil || p.Valid.BatchSize[1] != 8 {
		busy.Errorf("%+v %+v; bursts %+v, stagger %+v", p.Server, p.Service, m.Bursts, m.Stagger)
	}
}

// Starts are divided into stages, and the first answers are told from the others.
func TestColdStarts(t *testing.T) {
	standin.Measure(t, func(busy *standin.Monitor) { coldStarts(t, busy) })
}

func coldStarts(t *testing.T, busy *standin.Monitor) {
	plan := quick()
	plan.ColdStarts, plan.WarmStarts = 2, 1
	s := spawned(t, standin.Config{Base: 0.01, Slots: 1, First: 0.15, Context: 0.2, Load: 0.2, Warm: 0.1})
	m := &Measurement{}
	if err := Run(context.Background(), s, plan, nil, m, silent); err != nil {
		t.Fatal(err)
	}
	if len(m.ColdStarts) != 3 || m.ColdStarts[0].Warm || !m.ColdStarts[2].Warm {
		t.Fatalf("%+v", m.ColdStarts)
	}
	for _, c := range m.ColdStarts {
		if c.Ready < 0.5 || c.Ready > 3 || math.Abs(c.FirstRequest-0.16) > 0.05 || c.WarmRequest > 0.06 ||
			len(c.Stages) != 1 || c.Stages[0].Name != "init" {
			busy.Errorf("%+v", c)
		}
	}
	p, err := m.Profile(false)
	if err != nil || len(p.ColdStages) != 1 || len(p.ColdStages[0].Times) != 2 || len(p.Service.FirstInput) != 2 {
		t.Errorf("%+v %v", p, err)
	}
}

// What goes wrong is said in words, nothing is left running, and what was finished is kept.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name    string
		config  standin.Config
		timeout time.Duration
		plan    func(*Plan)
		want    []string
	}{
		{"dies at start", standin.Config{DieAtStart: true}, 5 * time.Second, nil,
			[]string{"before it was ready", "exit status 3", "cannot find the weights"}},
		{"never ready", standin.Config{Never: true}, 400 * time.Millisecond, nil,
			[]string{"not ready after 400ms", "the file", "loading the model"}},
		{"never ready and stubborn", standin.Config{Never: true, Stubborn: true}, 400 * time.Millisecond, nil,
			[]string{"not ready after 400ms"}},
		{"dies while it is measured", standin.Config{Base: 0.005, Slots: 1, DieAfter: 12}, 5 * time.Second, nil,
			[]string{"while it was measured", "segmentation fault in the model"}},
		{"answers 500 at once", standin.Config{Base: 0.005, Slots: 1, FailAfter: 1}, 5 * time.Second, nil,
			[]string{"requests failed", "500 Internal Server Error: the model is confused"}},
		{"answers 500 to some", standin.Config{Base: 0.005, Slots: 1, FailBatch: 1}, 5 * time.Second,
			func(p *Plan) { p.Batches = []int{1, 2} }, nil},
		{"no such program", standin.Config{}, time.Second, nil, []string{"cannot start the command"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := spawned(t, c.config)
			s.Timeout, s.Grace = c.timeout, 300*time.Millisecond
			if c.name == "no such program" {
				s.Command = []string{"/nowhere/at/all"}
			}
			plan := quick()
			if c.plan != nil {
				c.plan(&plan)
			}
			m := &Measurement{}
			var pids []int
			err := Run(context.Background(), pidsOf{s, &pids}, plan, nil, m, silent)
			if c.want == nil {
				if err != nil || len(m.Batches) != 1 || !strings.Contains(strings.Join(m.Warnings, "\n"), "left out") {
					t.Errorf("%v %+v", err, m.Warnings)
				}
			} else if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not in: %v", w, err)
				}
			}
			gone(t, pids)
		})
	}
}

// pidsOf notes the processes of a subject.
type pidsOf struct {
	*Server
	pids *[]int
}

func (p pidsOf) Start(ctx context.Context, cold bool, began func(int)) (*Session, error) {
	return p.Server.Start(ctx, cold, func(pid int) {
		*p.pids = append(*p.pids, pid)
		began(pid)
	})
}

// gone checks that no process is left.
func gone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
			t.Errorf("process %d is still there", pid)
		}
	}
}

// An interrupt in the middle keeps the points that were finished and leaves no process.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	plan := quick()
	plan.Batches = []int{1, 2, 3, 4, 5, 6, 7, 8}
	m := &Measurement{}
	points := 0
	var pids []int
	err := Run(ctx, pidsOf{spawned(t, standin.Config{Base: 0.008, PerInput: 0.001, Slots: 1}), &pids}, plan, nil, m,
		func(format string, _ ...any) {
			if strings.Contains(format, "median") {
				if points++; points == 3 {
					time.AfterFunc(20*time.Millisecond, cancel)
				}
			}
		})
	if err != context.Canceled || len(m.Batches) != 3 {
		t.Errorf("%v, %d points", err, len(m.Batches))
	}
	if p, err := m.Profile(false); err != nil || p.Service.Batch == nil {
		t.Errorf("what was finished makes no profile: %v", err)
	}
	gone(t, pids)
}

// Where memory ends, larger batches are left out and the profile holds up to there.
func TestOutOfMemory(t *testing.T) {
	plan := quick()
	plan.Batches = []int{1, 2, 4, 8, 16}
	m := &Measurement{}
	subject, _ := local(t, standin.Config{Base: 0.008, PerInput: 0.001, Slots: 1, MostBatch: 4})
	if err := Run(context.Background(), subject, plan, nil, m, silent); err != nil {
		t.Fatal(err)
	}
	p, err := m.Profile(false)
	if err != nil || p.Valid.BatchSize != [2]int{1, 4} || m.LargestFit < 4 || m.LargestFit > 15 {
		t.Errorf("%+v %d %v", p.Valid, m.LargestFit, err)
	}
}

func TestPlanMistakes(t *testing.T) {
	for _, change := range []func(*Plan){
		func(p *Plan) { p.Batches = nil }, func(p *Plan) { p.Batches = []int{0} }, func(p *Plan) { p.Hertz = 100 },
		func(p *Plan) { p.Runs = 0 }, func(p *Plan) { p.OpenShares = []float64{3} }, func(p *Plan) { p.Rule.MinRequests = 1 },
	} {
		p := quick()
		change(&p)
		if err := Run(context.Background(), reach("http://127.0.0.1:1"), p, nil, &Measurement{}, silent); err == nil {
			t.Errorf("%+v is a good plan", p)
		}
	}
	err := Run(context.Background(), reach("http://127.0.0.1:1"), quick(), nil, &Measurement{}, silent)
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a server that is not there: %v", err)
	}
}
