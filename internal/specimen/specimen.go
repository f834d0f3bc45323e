// Package specimen makes results that look like those of real runs, for the tests of what people see
// of them: any number of functions, with and without replications, whole and full of holes.
package specimen

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/simcap/simcap/experiment"
)

// Kind says what a specimen shows.
type Kind struct {
	Name         string
	Functions    []string
	Replications int
	HorizonS     float64
	Bins         int
	RatePerS     float64 // at the peak, of each function
	ColdS        float64 // mean cold start
	MaxLive      int     // max_containers; 0: unlimited
	MinLive      int
	WindowS      float64 // scaledown window
	Queue        bool    // the tail is queueing rather than cold starts
	Growing      bool    // the queue grows to the end
	Rejected     float64 // fraction
	Batch        int     // max_batch_size; 0: not batched
	Scale        float64 // of every price; 0: 1
	Calls        bool    // makespans
	LLM          bool    // tokens
}

// Day is one function over a day with afternoon traffic, eight replications: cold starts in the tail.
func Day() Kind {
	return Kind{Name: "embeddings on L40S", Functions: []string{"embed"}, Replications: 8, HorizonS: 86400,
		Bins: 360, RatePerS: 60, ColdS: 8, MaxLive: 20, WindowS: 120, Batch: 32}
}

// Five is a pipeline of five functions with long names, whose first cannot keep up.
func Five() Kind {
	return Kind{Name: "document pipeline with retrieval, reranking and generation for three regions",
		Functions: []string{"extract-text-from-scanned-documents-in-europe-west", "embed", "rerank",
			"generate",
			"moderate"}, Replications: 4, HorizonS: 14400, Bins: 360, RatePerS: 20, ColdS: 30, MaxLive: 8,
		WindowS: 300, Queue: true, Growing: true, Rejected: 0.02, Calls: true}
}

// Once is a short run with one replication: no interval anywhere.
func Once() Kind {
	return Kind{Name: "quick look", Functions: []string{"f"}, Replications: 1, HorizonS: 60, Bins: 120,
		RatePerS: 5, ColdS: 2, WindowS: 10, MinLive: 1}
}

// Huge is a week of a hundred million inputs that costs millions.
func Huge() Kind {
	return Kind{Name: "huge", Functions: []string{"serve"}, Replications: 3, HorizonS: 604800, Bins: 720,
		RatePerS: 330, ColdS: 90, MaxLive: 4000, WindowS: 900, Scale: 4000}
}

// Chat is two LLM functions, one of them with a name as long as names get.
func Chat() Kind {
	return Kind{Name: "chat on H100",
		Functions:    []string{"chat", "summarise-and-translate-reports-of-customers"},
		Replications: 3, HorizonS: 7200, Bins: 360, RatePerS: 12, ColdS: 40, MaxLive: 6, MinLive: 1,
		WindowS: 300, LLM: true}
}

// maker draws the numbers of one specimen.
type maker struct {
	kind   Kind
	random *rand.Rand
}

// Make makes the result.
func Make(k Kind) *experiment.Result {
	if k.Scale == 0 {
		k.Scale = 1
	}
	m := &maker{k, rand.New(rand.NewPCG(uint64(len(k.Name)), 7))}
	horizon := k.HorizonS
	r := &experiment.Result{Simcap: "v0.1.0", Scenario: k.Name, Seed: 1, Replications: k.Replications,
		WarmupS: k.HorizonS / 48, HorizonS: &horizon, Functions: map[string]experiment.Measures{},
		Workloads: map[string]experiment.Measures{}, SLO: []experiment.Verdict{}, Warnings: []string{}}
	r.Detail = &experiment.Detail{ScenarioYAML: yaml(k), WindowS: [2]float64{k.HorizonS / 48, k.HorizonS},
		Functions: map[string]experiment.FunctionDetail{}, Workloads: map[string]experiment.WorkloadDetail{},
		Platform: "modal", PriceSource: "modal.com/pricing, read 2026-11-20",
		Assumptions: []experiment.Assumption{
			{Key: "platform.autoscaler.interval", Value: "1 s",
				Why: "how often the autoscaler decides is not " +
					"published beyond \"quick and frequent\""},
			{Key: "platform.routing", Value: "most_recent", Why: "which idle container gets the next input"}},
		Sensitivity: map[string]string{"platform.routing": "p99 latency 1.2 to 1.4 s over all policies"}}
	for i, name := range k.Functions {
		detail := m.function(i)
		r.Detail.Functions[name] = detail
		measures := m.measures(&detail)
		r.Functions[name] = measures
		work := measures
		work.Containers, work.Utilization, work.CostUSD = nil, nil, nil
		r.Workloads["web-"+name] = work
		r.Detail.Workloads["web-"+name] = experiment.WorkloadDetail{Function: name, Method: "web",
			Makespan: m.makespans()}
		add(&r.Total, &measures, i == 0)
	}
	m.objectives(r)
	return r
}

func yaml(k Kind) string {
	text := fmt.Sprintf("simcap: 1\nname: %s\nhorizon: %gs\nfunctions:\n", k.Name, k.HorizonS)
	for _, name := range k.Functions {
		text += fmt.Sprintf("  %s:\n    gpu: L40S\n    max_containers: %d # <b>not HTML</b> & \"quoted\"\n",
			name, k.MaxLive)
	}
	return text
}

func (m *maker) makespans() experiment.Distribution {
	if !m.kind.Calls {
		return experiment.Distribution{Q: []float64{}, AtS: []float64{}}
	}
	return distribution(func(q float64) float64 { return 20 + 100*q/(1.02-q) })
}

// objectives gives one objective that is kept, one that is missed, one that is undecided.
func (m *maker) objectives(r *experiment.Result) {
	first := m.kind.Functions[0]
	f := r.Functions[first]
	limit := *f.LatencyS.P99.Value * 0.8
	easy := *f.LatencyS.P50.Value * 3
	yes, no := true, false
	r.SLO = append(r.SLO,
		experiment.Verdict{Metric: "latency.p99", Function: first, Max: &limit,
			Value: f.LatencyS.P99, Met: &no},
		experiment.Verdict{Metric: "latency.p50", Function: first, Max: &easy,
			Value: f.LatencyS.P50, Met: &yes})
	if m.kind.Replications > 1 {
		edge := *r.Total.CostUSD.PerHour.Value * 1.001
		r.SLO = append(r.SLO, experiment.Verdict{Metric: "cost.per_hour", Max: &edge,
			Value: r.Total.CostUSD.PerHour})
	}
	r.Warnings = append(r.Warnings, first+": 4,211 inputs completed; p99.9 needs 10,000 to mean much")
}

func (m *maker) estimate(v, spread float64) experiment.Estimate {
	e := experiment.Estimate{Value: &v}
	if m.kind.Replications > 1 {
		low, high := v-v*spread, v+v*spread
		e.Low, e.High = &low, &high
	}
	return e
}

// load is the traffic at a share of the run, 0 to 1: low at night, high in the afternoon.
func load(at float64) float64 { return 0.15 + 0.85*math.Exp(-math.Pow((at-0.58)/0.16, 2)) }

func (m *maker) function(index int) experiment.FunctionDetail {
	k := m.kind
	d := experiment.FunctionDetail{GPU: "L40S", PricePerS: 0.000592 * k.Scale,
		Settings: experiment.PoolSettings{MinContainers: k.MinLive, MaxContainers: k.MaxLive,
			ScaledownWindowS: k.WindowS, MaxInputs: 1, MaxBatchSize: k.Batch, BatchWaitS: 0.1}}
	s := &d.Series
	s.BinS = k.HorizonS / float64(k.Bins)
	for i := range k.Bins {
		m.bin(&d, index, float64(i)/float64(k.Bins))
	}
	d.Latency = distribution(m.quantile)
	if k.LLM {
		ttft := distribution(func(q float64) float64 { return m.quantile(q) / 20 })
		tpot := distribution(func(q float64) float64 { return 0.01 + m.quantile(q)/1000 })
		d.TTFT, d.TPOT = &ttft, &tpot
	}
	d.Bands = m.bands()
	d.ColdStages = []experiment.Stage{{Name: "schedule", MeanS: k.ColdS / 8, Count: 312},
		{Name: "boot", MeanS: k.ColdS / 8, Count: 312, Billed: true},
		{Name: "weights", MeanS: k.ColdS * 3 / 4, Count: 312, Billed: true}}
	for n := range k.Batch {
		d.BatchSizes = append(d.BatchSizes, int64(9000/(1+n))+int64(max(0, n-k.Batch+2)*4000))
	}
	d.Gantt = m.gantt(s)
	d.GanttSampled = len(d.Gantt) > 80
	return d
}

func (m *maker) bin(d *experiment.FunctionDetail, index int, at float64) {
	k, s := m.kind, &d.Series
	rate := k.RatePerS * load(at) * (0.85 + 0.3*m.random.Float64()) / float64(1+index)
	limit := float64(k.MaxLive)
	if limit == 0 {
		limit = math.Inf(1)
	}
	busy := math.Min(limit, rate/4)
	idle := math.Min(limit-busy, busy*0.5+float64(k.MinLive)+m.random.Float64())
	starting := math.Min(limit-busy-idle, math.Max(0, m.random.NormFloat64()*0.4+0.3*load(at)))
	queue := math.Max(0, rate/4-limit) * 20
	if k.Growing && at > 0.3 {
		queue += (at - 0.3) * 400
	}
	s.ArrivalsPerS = append(s.ArrivalsPerS, rate)
	s.RejectedPerS = append(s.RejectedPerS, rate*k.Rejected*math.Floor(load(at)+0.3))
	s.Queue = append(s.Queue, queue+m.random.Float64())
	s.QueueMax = append(s.QueueMax, math.Ceil(queue*1.6+3*m.random.Float64()))
	s.Busy, s.Idle, s.Starting = append(s.Busy, busy), append(s.Idle, idle), append(s.Starting, starting)
	s.Draining = append(s.Draining, math.Max(0, m.random.Float64()-0.9))
	s.LiveMax = append(s.LiveMax, math.Ceil(busy+idle+starting))
	s.CostPerHour = append(s.CostPerHour, (busy+idle+starting)*d.PricePerS*3600)
	wait := queue / math.Max(rate, 0.1)
	p50 := 0.12*(0.9+0.2*m.random.Float64()) + wait
	p90, p99 := p50*2.5, p50*3+m.random.ExpFloat64()*k.ColdS*0.3
	if m.random.Float64() < 0.02 {
		s.LatencyP50S, s.LatencyP90S = append(s.LatencyP50S, nil), append(s.LatencyP90S, nil)
		s.LatencyP99S = append(s.LatencyP99S, nil)
		return
	}
	p99 = math.Max(p90, p99)
	s.LatencyP50S, s.LatencyP90S = append(s.LatencyP50S, &p50), append(s.LatencyP90S, &p90)
	s.LatencyP99S = append(s.LatencyP99S, &p99)
}

// quantile is a latency in seconds: a body around 120 ms, then a shoulder of cold starts or queueing.
func (m *maker) quantile(q float64) float64 {
	body := 0.06 + 0.1*q + 0.02*q/(1.001-q)
	if q < 0.97 {
		return body
	}
	return body + m.kind.ColdS*math.Min(1, (q-0.97)/0.02)*(0.5+q/2)
}

func distribution(at func(q float64) float64) experiment.Distribution {
	var d experiment.Distribution
	for i := range 100 {
		d.Q, d.AtS = append(d.Q, float64(i)/100), append(d.AtS, at(float64(i)/100))
	}
	for tail := 0.01; tail > 1e-5; tail /= 10 {
		for n := 100.0; n > 10; n -= 8 {
			q := 1 - tail*n/100
			d.Q, d.AtS = append(d.Q, q), append(d.AtS, at(q))
		}
	}
	d.Q, d.AtS = append(d.Q, 1), append(d.AtS, at(1))
	return d
}

func (m *maker) bands() []experiment.Band {
	edges := []float64{0, 0.5, 0.9, 0.95, 0.99, 0.999, 1}
	var out []experiment.Band
	for i := range len(edges) - 1 {
		mean := m.quantile((edges[i] + edges[i+1]) / 2)
		service := math.Min(mean*0.8, 0.09)
		rest := mean - service
		cold, queue := rest*0.85*edges[i], rest*0.1
		if m.kind.Queue {
			cold, queue = queue, cold
		}
		other := rest - cold - queue
		out = append(out, experiment.Band{From: edges[i], To: edges[i+1],
			Inputs: int64(1e6 * (edges[i+1] - edges[i])), MeanS: mean, PartsMean: map[string]float64{
				"backoff": 0, "cold": cold, "queue": queue, "batch_wait": other * 0.6, "service": service,
				"interference": other * 0.1, "overhead": other * 0.3}})
	}
	return out
}

// gantt follows the number of live containers: one starts when it rises and stops when it falls.
func (m *maker) gantt(s *experiment.Series) []experiment.ContainerRow {
	var rows []experiment.ContainerRow
	var open []int
	for i, live := range s.LiveMax {
		want := min(int(live), 60)
		at := float64(i) * s.BinS
		for len(open) < want && len(rows) < 160 {
			ready := at + m.kind.ColdS*(0.7+0.6*m.random.Float64())
			rows = append(rows, experiment.ContainerRow{Number: len(rows) + 1, CreatedS: at, ReadyS: &ready,
				Inputs: int64(m.random.IntN(3000)), Reason: "end"})
			open = append(open, len(rows)-1)
		}
		for len(open) > want+2 {
			at := at
			row := &rows[open[0]]
			row.StoppedS, row.Reason, row.BusyS = &at, "scaledown", (at-row.CreatedS)*0.6
			open = open[1:]
		}
	}
	return rows
}

func (m *maker) measures(d *experiment.FunctionDetail) experiment.Measures {
	k, s := m.kind, &d.Series
	var arrivals, rejected, busy, idle, starting, queue float64
	for i := range s.Busy {
		arrivals += s.ArrivalsPerS[i] * s.BinS
		rejected += s.RejectedPerS[i] * s.BinS
		busy, idle, starting = busy+s.Busy[i], idle+s.Idle[i], starting+s.Starting[i]
		queue += s.Queue[i]
	}
	n := float64(len(s.Busy))
	busy, idle, starting, queue = busy/n, idle/n, starting/n, queue/n
	arrivals, rejected = math.Round(arrivals), math.Round(rejected)
	hours := k.HorizonS / 3600
	price := d.PricePerS * 3600 * hours
	at := func(q float64) experiment.Estimate { return m.estimate(m.quantile(q), 0.03) }
	utilization := m.estimate(busy/(busy+idle), 0.02)
	zero := m.estimate(0, 0)
	out := experiment.Measures{
		Inputs: experiment.InputCounts{Submitted: m.estimate(arrivals, 0.002),
			Completed: m.estimate(arrivals-rejected, 0.002), Failed: zero, TimedOut: zero, Abandoned: zero,
			Cancelled: zero, Retried: zero, ColdStarted: m.estimate(arrivals*0.02, 0.05),
			Rejected: experiment.Rejections{RateLimit: zero, PendingLimit: m.estimate(rejected, 0.1),
				TotalLimit: zero}},
		LatencyS: experiment.Quantiles{Mean: at(0.8), P50: at(0.5), P90: at(0.9), P95: at(0.95),
			P99:  at(0.99),
			P999: at(0.999), Max: at(1)},
		BreakdownS:     m.breakdown(d.Bands),
		ThroughputPerS: m.estimate(arrivals/k.HorizonS, 0.002),
		QueueMean:      m.estimate(queue, 0.05), BatchSizeMean: m.estimate(max(1, float64(k.Batch)/5), 0.02),
		RejectedFraction: m.estimate(rejected/arrivals, 0.1),
		Containers: &experiment.ContainerCounts{LiveMean: m.estimate(busy+idle+starting, 0.01),
			StartingMean: m.estimate(starting, 0.04), BusyMean: m.estimate(busy, 0.01),
			IdleMean: m.estimate(idle, 0.02), Peak: m.estimate(peak(s.LiveMax), 0.01),
			Started:       m.estimate(float64(len(d.Gantt)), 0.03),
			Stopped:       m.estimate(float64(len(d.Gantt)), 0.03),
			LifetimeMeanS: m.estimate(1800, 0.06)},
		Utilization: &utilization,
		CostUSD: &experiment.Cost{Total: m.estimate((busy+idle+starting)*price, 0.015),
			Busy: m.estimate(busy*price, 0.01), Idle: m.estimate(idle*price, 0.02),
			Cold:        m.estimate(starting*price, 0.05),
			PerHour:     m.estimate((busy+idle+starting)*price/hours, 0.015),
			Per1kInputs: m.estimate((busy+idle+starting)*price*1000/arrivals, 0.015)},
		Calls: experiment.CallCounts{Count: m.estimate(arrivals, 0.002)},
	}
	out.Calls.MakespanS = out.LatencyS
	if k.LLM {
		m.tokens(&out)
	}
	return out
}

// tokens adds the measures of LLM inputs.
func (m *maker) tokens(out *experiment.Measures) {
	of := func(at func(q float64) float64) experiment.Quantiles {
		e := func(q float64) experiment.Estimate { return m.estimate(at(q), 0.04) }
		return experiment.Quantiles{Mean: e(0.7), P50: e(0.5), P90: e(0.9), P95: e(0.95), P99: e(0.99),
			P999: e(0.999), Max: e(1)}
	}
	ttft := of(func(q float64) float64 { return m.quantile(q) / 20 })
	tpot := of(func(q float64) float64 { return 0.01 + m.quantile(q)/1000 })
	preempted := m.estimate(1234, 0.1)
	out.TTFTS, out.TPOTS, out.Preempted = &ttft, &tpot, &preempted
	out.OutputTokensPerS = &experiment.Speed{Total: m.estimate(1800, 0),
		Quantiles: of(func(q float64) float64 { return 60 + 60*q })}
}

func peak(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = math.Max(most, v)
	}
	return most
}

func (m *maker) breakdown(bands []experiment.Band) experiment.Breakdown {
	mean := func(part string) experiment.Estimate {
		sum, n := 0.0, 0.0
		for _, b := range bands {
			sum += b.PartsMean[part] * float64(b.Inputs)
			n += float64(b.Inputs)
		}
		return m.estimate(sum/n, 0.02)
	}
	return experiment.Breakdown{Backoff: mean("backoff"), Cold: mean("cold"), Queue: mean("queue"),
		BatchWait: mean("batch_wait"), Service: mean("service"), Interference: mean("interference"),
		Overhead: mean("overhead")}
}

// add sums a function into the total; quantiles and ratios are those of the first.
func add(total, m *experiment.Measures, first bool) {
	if first {
		*total = *m
		containers, cost := *m.Containers, *m.CostUSD
		total.Containers, total.CostUSD = &containers, &cost
		return
	}
	sum := func(a *experiment.Estimate, b experiment.Estimate) {
		join := func(x, y *float64) *float64 {
			if x == nil || y == nil {
				return nil
			}
			z := *x + *y
			return &z
		}
		*a = experiment.Estimate{Value: join(a.Value, b.Value), Low: join(a.Low, b.Low),
			High: join(a.High, b.High)}
	}
	sum(&total.Inputs.Submitted, m.Inputs.Submitted)
	sum(&total.Inputs.Completed, m.Inputs.Completed)
	sum(&total.Inputs.Rejected.PendingLimit, m.Inputs.Rejected.PendingLimit)
	sum(&total.ThroughputPerS, m.ThroughputPerS)
	for _, pair := range [][2]*experiment.Estimate{
		{&total.CostUSD.Total, &m.CostUSD.Total}, {&total.CostUSD.Busy, &m.CostUSD.Busy},
		{&total.CostUSD.Idle, &m.CostUSD.Idle}, {&total.CostUSD.Cold, &m.CostUSD.Cold},
		{&total.CostUSD.PerHour, &m.CostUSD.PerHour}, {&total.CostUSD.Per1kInputs, &m.CostUSD.Per1kInputs},
		{&total.Containers.LiveMean, &m.Containers.LiveMean}, {&total.Containers.Peak, &m.Containers.Peak},
		{&total.Containers.BusyMean, &m.Containers.BusyMean},
		{&total.Containers.IdleMean, &m.Containers.IdleMean},
		{&total.Containers.Started, &m.Containers.Started},
		{&total.Containers.Stopped, &m.Containers.Stopped}} {
		sum(pair[0], *pair[1])
	}
}

// Empty is a run in which nothing happened: no input, no value, no bin.
func Empty() *experiment.Result {
	zero := 0.0
	none := experiment.Measures{Containers: &experiment.ContainerCounts{},
		Utilization: &experiment.Estimate{},
		CostUSD:     &experiment.Cost{}}
	none.Inputs.Submitted.Value, none.Inputs.Completed.Value = &zero, &zero
	no, limit := false, 2.0
	return &experiment.Result{Simcap: "v0.1.0", Scenario: "nothing", Seed: 3, Replications: 1,
		Functions: map[string]experiment.Measures{"f": none}, Workloads: map[string]experiment.Measures{},
		Total: none, SLO: []experiment.Verdict{{Metric: "latency.p99", Max: &limit, Met: &no}},
		Warnings: []string{"f: no input completed in the window"},
		Detail: &experiment.Detail{Functions: map[string]experiment.FunctionDetail{
			"f": {Latency: experiment.Distribution{Q: []float64{}, AtS: []float64{}}}}}}
}
