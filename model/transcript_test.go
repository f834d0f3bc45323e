package model_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/sim"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// story turns states between events into lines about what changed. It knows reasons and outcomes
// only from the rows at the end, so lines name what they lack until then.
type story struct {
	functions  []model.Function
	inputs     map[int64]model.InputView
	containers map[[2]int64]model.ContainerView
	pools      []model.PoolView
	submitted  int64
	lines      []storyLine
	event      int
}

type storyLine struct {
	event int
	at    sim.Time
	rank  int // within the event
	order [2]int64
	who   string // "": input order[0]
	what  string // outcome and reason stand in for what only the row knows
}

// Ranks of lines of one event: what leaves, what returns, what stops, what comes, what is assigned.
const (
	tellSettings = iota
	tellLeaves
	tellReturns
	tellStops
	tellSubmits
	tellStarts
	tellReady
	tellAssigns
)

func newStory(cfg *model.Config) *story {
	s := &story{functions: cfg.Functions, inputs: map[int64]model.InputView{}, containers: map[[2]int64]model.ContainerView{}}
	for i := range cfg.Functions {
		f := &cfg.Functions[i]
		s.pools = append(s.pools, model.PoolView{Min: f.MinContainers, Max: f.MaxContainers, Buffer: f.BufferContainers, Window: f.ScaledownWindow})
	}
	return s
}

func (s *story) see(v model.View) {
	if s.event == 0 { // the containers of time 0 are there before the first event
		for _, c := range v.Containers {
			if f := &s.functions[c.Pool]; c.Number <= int64(f.MinContainers) {
				key := [2]int64{int64(c.Pool), c.Number}
				slots := f.Concurrent.MaxInputs
				if c.Slots < slots {
					slots = c.Slots
				}
				s.containers[key] = model.ContainerView{Pool: c.Pool, Number: c.Number, State: "idle", Slots: slots}
				s.lines = append(s.lines, storyLine{0, 0, tellReady, key, f.Name + "/" + strconv.FormatInt(c.Number, 10), "ready"})
			}
		}
	}
	s.event++
	s.seePools(v)
	s.seeContainers(v)
	s.seeInputs(v)
}

func (s *story) line(v *model.View, rank int, order [2]int64, who, what string) {
	s.lines = append(s.lines, storyLine{s.event, v.Now, rank, order, who, what})
}

func (s *story) seePools(v model.View) {
	for i, p := range v.Pools {
		old, name := s.pools[i], s.functions[i].Name
		if p.Version != old.Version {
			s.line(&v, tellSettings, [2]int64{int64(i), 0}, name, "version "+strconv.Itoa(p.Version+1))
		}
		if old.Version = p.Version; p != old {
			s.line(&v, tellSettings, [2]int64{int64(i), 1}, name, settings(p))
		}
	}
	s.pools = slices.Clone(v.Pools)
}

func settings(p model.PoolView) string {
	most := "unlimited"
	if p.Max != model.None {
		most = strconv.Itoa(p.Max)
	}
	return fmt.Sprintf("min %d, max %s, buffer %d, window %s", p.Min, most, p.Buffer, seconds(p.Window))
}

func (s *story) seeContainers(v model.View) {
	now := map[[2]int64]model.ContainerView{}
	for _, c := range v.Containers {
		key := [2]int64{int64(c.Pool), c.Number}
		now[key] = c
		old, was := s.containers[key]
		who := s.functions[c.Pool].Name + "/" + strconv.FormatInt(c.Number, 10)
		if !was {
			s.line(&v, tellStarts, key, who, "created")
			old.State = "starting"
		}
		if old.State == "starting" {
			old.Slots = c.Slots // a container has slots when it is ready
		}
		if old.State == "starting" && c.State != "starting" {
			s.line(&v, tellReady, key, who, "ready")
			old.State = "idle"
		}
		if c.State != old.State && (c.State != "busy" || old.State == "draining") {
			s.line(&v, tellStops, key, who, c.State)
		}
		if c.Slots != old.Slots {
			s.line(&v, tellStarts, key, who, "slots "+strconv.Itoa(c.Slots))
		}
	}
	for key := range s.containers {
		if _, is := now[key]; !is {
			s.line(&v, tellStops, key, s.functions[key[0]].Name+"/"+strconv.FormatInt(key[1], 10), "reason")
		}
	}
	s.containers = now
}

func (s *story) seeInputs(v model.View) {
	now := map[int64]model.InputView{}
	for _, in := range v.Inputs {
		now[in.Serial] = in
	}
	for serial := s.submitted; serial < v.Submitted; serial++ {
		in, is := now[serial]
		what := "submitted"
		switch {
		case !is:
			what = "submitted, outcome"
		case !in.Admitted:
			what = "submitted, refused"
		}
		s.line(&v, tellSubmits, [2]int64{serial}, "", what)
		if is {
			s.inputs[serial] = model.InputView{Serial: serial, State: "queued", Admitted: in.Admitted, Rejections: in.Rejections}
		}
	}
	s.submitted = v.Submitted
	for serial, old := range s.inputs {
		in, is := now[serial]
		if !is {
			s.line(&v, tellLeaves, [2]int64{serial}, "", "outcome")
			continue
		}
		s.seeInput(&v, old, in)
	}
	s.inputs = now
}

func (s *story) seeInput(v *model.View, old, in model.InputView) {
	order := [2]int64{in.Serial}
	switch {
	case in.Retries > old.Retries:
		s.line(v, tellReturns, order, "", "to be retried")
	case in.Admitted && !old.Admitted:
		s.line(v, tellSubmits, order, "", "admitted")
	case in.Rejections > old.Rejections:
		s.line(v, tellSubmits, order, "", "refused")
	case old.State == "delay" && in.State != "delay":
		s.line(v, tellSubmits, order, "", "queued again")
	case old.Container > 0 && (in.Container == 0 || in.Taken != old.Taken):
		s.line(v, tellReturns, order, "", "returned")
	}
	if in.Container == 0 {
		return
	}
	const c = "container"
	switch {
	case (old.Container == 0 || in.Taken != old.Taken) && in.State == "service":
		s.line(v, tellAssigns, order, "", "assigned to "+c+strconv.FormatInt(in.Container, 10)+", started")
	case old.Container == 0 || in.Taken != old.Taken:
		s.line(v, tellAssigns, order, "", "assigned to "+c+strconv.FormatInt(in.Container, 10))
	case in.State != old.State:
		s.line(v, tellAssigns, order, "", "started")
	}
}

// text is the story with the rows' outcomes and reasons, one line for each change.
func (s *story) text(inputs []model.InputRow, containers []model.ContainerRow) string {
	slices.SortStableFunc(s.lines, func(a, b storyLine) int {
		for _, d := range []int64{int64(a.event - b.event), int64(a.rank - b.rank), a.order[0] - b.order[0], a.order[1] - b.order[1]} {
			if d != 0 {
				return int(max(-1, min(1, d)))
			}
		}
		return 0
	})
	reasons := map[string]string{}
	for _, c := range containers {
		reasons[c.Function+"/"+strconv.FormatInt(c.Container, 10)] = c.Reason
	}
	var b strings.Builder
	event, last := 0, sim.Time(-1)
	for _, l := range s.lines {
		at := ""
		if l.at != last {
			at = seconds(l.at)
		} else if l.event != event {
			at = "\""
		}
		event, last = l.event, l.at
		if l.who == "" {
			r := &inputs[l.order[0]]
			l.who = fmt.Sprintf("%s.%d.%d", r.Workload, r.Call, r.Input)
			l.what = strings.Replace(l.what, "outcome", r.Outcome.String(), 1)
			l.what = strings.Replace(l.what, "container", r.Function+"/", 1)
		} else if l.what == "reason" {
			l.what = "stopped: " + reasons[l.who]
		}
		fmt.Fprintf(&b, "%10s  %s %s\n", at, l.who, l.what)
	}
	b.WriteString("\n")
	for i := range inputs {
		r := &inputs[i]
		fmt.Fprintf(&b, "%s.%d.%d: %s", r.Workload, r.Call, r.Input, seconds(r.Latency))
		between := " ="
		for k, part := range r.Parts {
			if part != 0 {
				fmt.Fprintf(&b, "%s %s %s", between, model.PartNames[k], seconds(part))
				between = " +"
			}
		}
		fmt.Fprintf(&b, "; %d attempts", r.Attempts)
		if k := &r.LLM; k.TTFT > 0 {
			fmt.Fprintf(&b, "; first token %s", seconds(k.TTFT))
			if k.TPOT > 0 {
				fmt.Fprintf(&b, ", then each %s", seconds(k.TPOT))
			}
			if k.Preemptions > 0 {
				fmt.Fprintf(&b, ", preempted %d times", k.Preemptions)
			}
		}
		b.WriteString("\n")
	}
	for i := range containers {
		r := &containers[i]
		fmt.Fprintf(&b, "%s/%d: cold %s, busy %s, idle %s; %d inputs; %s\n", r.Function, r.Container,
			seconds(r.Cold), seconds(r.Busy), seconds(r.Idle), r.Inputs, r.Reason)
	}
	return b.String()
}

// seconds is a time without superfluous decimals.
func seconds(t sim.Time) string {
	text := string(t.AppendSeconds(nil))
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "s"
}

// modelStory runs a scenario in the model and tells what happened.
func modelStory(cfg *model.Config, trial model.Trial) (string, error) {
	s := newStory(cfg)
	var out modelRun
	_, err := model.Run(context.Background(), cfg, trial, model.Watch(model.Rows{
		Input:     func(r *model.InputRow) error { out.inputs = append(out.inputs, *r); return nil },
		Container: func(r *model.ContainerRow) error { out.containers = append(out.containers, *r); return nil },
	}, s.see))
	if err != nil {
		return "", err
	}
	return s.text(out.inputs, out.containers), nil
}

// twinStory does the same in the twin.
func twinStory(cfg *model.Config, trial model.Trial) (string, error) {
	s := newStory(cfg)
	t, err := runTwin(cfg, trial, s.see)
	if err != nil {
		return "", err
	}
	var inputs []model.InputRow
	var containers []model.ContainerRow
	for _, in := range t.inputs {
		inputs = append(inputs, in.row)
	}
	for _, p := range t.pools {
		for _, c := range p.rows {
			containers = append(containers, c.row)
		}
	}
	return s.text(inputs, containers), nil
}

// TestTranscripts runs the scenario of each file in testdata and compares every change of state, in
// order, with what the file says. Each begins with the rule or the page of documentation that it
// shows. A time stands before the first line of an instant, a quotation mark before the first line of
// each further event of that instant. The twin must tell the same story.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			scenario, want, _ := strings.Cut(string(data), "\n---\n")
			if !strings.HasPrefix(scenario, "# ") {
				t.Error("the file does not say what it shows")
			}
			loaded, found := scenarios.Load(file, []byte(scenario+"\n"), scenarios.Options{})
			if found.Failed() {
				t.Fatal(found.Text(false))
			}
			trial := model.Trial{Seed: loaded.Seed, Replication: 1}
			got, err := modelStory(&loaded.Model, trial)
			if err != nil {
				t.Fatal(err)
			}
			if twin, err := twinStory(&loaded.Model, trial); twin != got {
				t.Errorf("the twin tells another story: %v\n%s", err, firstLine(got, twin))
			}
			if *update {
				data = append(bytes.TrimSuffix([]byte(scenario), []byte("\n")), "\n---\n"+got...)
				if err := os.WriteFile(file, data, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("the story is another:\n%s", firstLine(want, got))
			}
		})
	}
}

// firstLine shows where two texts begin to differ.
func firstLine(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		x, y := "(end)", "(end)"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, x, y)
		}
	}
	return ""
}
