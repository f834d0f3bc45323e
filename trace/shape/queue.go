package shape

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/stats"
	"github.com/simcap/simcap/trace"
)

// Queue is what the trace does to servers that are busy for a share of the time, and what a Poisson
// process of its mean rate would do: waits in seconds, first come first served, exponential service.
type Queue struct {
	ServiceS     float64 `json:"service_s"`
	Servers      int     `json:"servers"`
	Utilization  float64 `json:"utilization"`
	WaitP50S     float64 `json:"wait_p50_s"`
	WaitP99S     float64 `json:"wait_p99_s"`
	PoissonP50S  float64 `json:"poisson_wait_p50_s"`
	PoissonP99S  float64 `json:"poisson_wait_p99_s"`
	WaitMeanS    float64 `json:"wait_mean_s"`
	PoissonMeanS float64 `json:"poisson_wait_mean_s"`
}

const (
	targetUtilization = 0.7
	mostServers       = 20_000
)

// Queues are queues in front of servers whose number follows from the rate: as few as keep them busy
// for 70 % of the time at most.
type Queues struct {
	lines []*line
	luck  sim.Stream
	n     uint64
}

// line is one such queue: the instants at which its servers are free, as a heap.
type line struct {
	service float64 // ns
	free    []float64
	waits   stats.Sketch
}

// NewQueues are queues for a rate per second, with these mean services in seconds.
func NewQueues(ratePerS float64, servicesS []float64) *Queues {
	q := &Queues{luck: sim.NewStream(1, 0, "shape", "queue")}
	for _, service := range servicesS {
		servers := math.Ceil(ratePerS * service / targetUtilization)
		if servers >= 1 && servers <= mostServers {
			q.lines = append(q.lines, &line{service: service * 1e9, free: make([]float64, int(servers))})
		}
	}
	return q
}

// Add takes the next arrival.
func (q *Queues) Add(row *trace.Row) {
	luck := q.luck.At(q.n)
	q.n++
	demand := -math.Log(luck.Open())
	for _, l := range q.lines {
		l.add(float64(row.At), demand*l.service)
	}
}

// add serves an arrival by the server that is free first.
func (l *line) add(at, demand float64) {
	begin := math.Max(at, l.free[0])
	l.waits.Record(int64(begin - at))
	l.free[0] = begin + demand
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(l.free); child++ {
			if l.free[child] < l.free[least] {
				least = child
			}
		}
		if least == i {
			return
		}
		l.free[i], l.free[least] = l.free[least], l.free[i]
		i = least
	}
}

// Result is what became of the queues.
func (q *Queues) Result(ratePerS float64) []Queue {
	out := []Queue{}
	for _, l := range q.lines {
		c := len(l.free)
		service := l.service / 1e9
		load := ratePerS * service
		r := Queue{ServiceS: service, Servers: c, Utilization: load / float64(c),
			WaitMeanS: l.waits.Mean() / 1e9}
		p50, _ := l.waits.Quantile(0.5)
		p99, _ := l.waits.Quantile(0.99)
		r.WaitP50S, r.WaitP99S = float64(p50)/1e9, float64(p99)/1e9
		delay := ErlangC(c, load)
		drain := (float64(c) - load) / service
		r.PoissonMeanS = delay / drain
		for _, p := range []struct {
			q  float64
			to *float64
		}{{0.5, &r.PoissonP50S}, {0.99, &r.PoissonP99S}} {
			if delay > 1-p.q {
				*p.to = math.Log(delay/(1-p.q)) / drain
			}
		}
		out = append(out, r)
	}
	return out
}

// ErlangC is the probability that an arrival of a Poisson process waits for one of c servers that are
// offered a load of a < c (Erlang 1917): with the loss B of c servers, computed by its recursion in c,
// C = B / (1 - a/c (1 - B)).
func ErlangC(c int, a float64) float64 {
	b := 1.0
	for k := 1; k <= c; k++ {
		b = a * b / (float64(k) + a*b)
	}
	return b / (1 - a/float64(c)*(1-b))
}

// bursts are the stretches in which the rate in steps of at least ten seconds is three times the mean
// or more, and further from it than a Poisson process gets; the ten with the most arrivals.
func bursts(s *Shape) []Burst {
	series := s.Rate.Coarser(10)
	mean := s.RatePerS
	expected := mean * series.StepS
	limit := math.Max(3*mean, (expected+5*math.Sqrt(expected)+3)/series.StepS)
	out := []Burst{}
	open := false
	for i, rate := range series.PerS {
		if rate < limit {
			open = false
			continue
		}
		if !open {
			out = append(out, Burst{StartS: float64(i) * series.StepS})
			open = true
		}
		b := &out[len(out)-1]
		b.LengthS += series.StepS
		b.Arrivals += rate * series.StepS
		b.PeakPerS = math.Max(b.PeakPerS, rate)
	}
	for i := range out {
		out[i].OverMean = out[i].Arrivals / out[i].LengthS / mean
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Arrivals > out[j].Arrivals })
	return out[:min(len(out), 10)]
}

// judge says in words how far from a Poisson process the trace is. The index of dispersion of n
// windows of a Poisson process has a standard deviation of √(2/n): three of them are chance.
func judge(s *Shape) Verdict {
	if len(s.Dispersion) == 0 || s.Arrivals < fewestArrivals {
		return Verdict{Text: "too short to tell: at least 100 arrivals in ten windows are needed"}
	}
	var parts []string
	fast, slow := s.Dispersion[0], s.Dispersion[len(s.Dispersion)-1]
	chance := func(d Dispersion) float64 { return 3 * math.Sqrt(2/float64(d.Windows)) }
	bursty := fast.IDC > 1.2+chance(fast)
	if s.CVWithin != nil { // which leaves out that the rate moves
		bursty = *s.CVWithin > 1.25
	}
	regular := s.CVWithin != nil && *s.CVWithin < 0.75
	for _, d := range s.Dispersion {
		regular = regular || d.IDC < 0.8-chance(d)
	}
	drifts := slow.WindowS > fast.WindowS && slow.IDC > 1.5*math.Max(fast.IDC, 1)+chance(slow)
	switch {
	case bursty && s.CVWithin != nil:
		parts = append(parts, fmt.Sprintf("arrivals come in bursts: gaps vary by %s within ten minutes, "+
			"where a Poisson process has 1", number(*s.CVWithin)))
	case bursty:
		parts = append(parts, fmt.Sprintf("arrivals come in bursts: counts of %s vary %s times as much as "+
			"those of a Poisson process", length(fast.WindowS), number(fast.IDC)))
	case regular && !drifts:
		parts = append(parts, "arrivals are more regular than a Poisson process")
	default:
		parts = append(parts, "within minutes it is near a Poisson process")
	}
	if drifts {
		parts = append(parts, fmt.Sprintf("its mean moves: the index of dispersion grows to %s at %s",
			number(slow.IDC), length(slow.WindowS)))
	} else if !bursty && !regular {
		parts[0] += ", and its mean is steady"
	}
	return Verdict{Poisson: !bursty && !regular && !drifts, Text: strings.Join(parts, "; ")}
}

// number is v with three significant digits.
func number(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// length is a time of whole seconds, minutes or hours.
func length(seconds float64) string {
	switch {
	case seconds >= 3600:
		return fmt.Sprintf("%.3g h", seconds/3600)
	case seconds >= 60:
		return fmt.Sprintf("%.3g min", seconds/60)
	}
	return fmt.Sprintf("%.3g s", seconds)
}
