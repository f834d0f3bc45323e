package calibrate

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/simcap/simcap/calibrate/child"
	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/calibrate/load"
	"github.com/simcap/simcap/calibrate/telemetry"
)

// Finding is one result of a self-test.
type Finding struct {
	What string
	Good bool
	Text string
}

// The server of the self-test: requests wait in a line and take Base + PerInput × n.
const selfBase, selfPerInput = 0.020, 0.004

// SelfTest tries the way of measuring on this machine: a server of its own, whose times are known, is
// measured as any other would be. Nothing is computed on the GPU; where there is one, it is watched for
// two seconds.
func SelfTest(ctx context.Context, gpu telemetry.Source) ([]Finding, error) {
	var out []Finding
	if gpu != nil {
		out = append(out, watchFindings(ctx, gpu)...)
	}
	out = append(out, timerFinding())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return out, fmt.Errorf("no server can be started on 127.0.0.1: %w", err)
	}
	line := make(chan struct{}, 1)
	server := &http.Server{ReadHeaderTimeout: time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter,
			r *http.Request) {
			n := 1.0
			fmt.Sscan(r.URL.Query().Get("n"), &n)
			line <- struct{}{}
			time.Sleep(time.Duration((selfBase + selfPerInput*n) * float64(time.Second)))
			<-line
			fmt.Fprintln(w, "{}")
		})}
	go server.Serve(listener)
	defer server.Close()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	url := "http://" + listener.Addr().String()
	subject := &Server{Batching: true, Connect: func(context.Context) (load.Target,
		error) {
		return selfTarget{url, client}, nil
	}}
	plan := DefaultPlan()
	plan.Batches, plan.Concurrency, plan.Burst, plan.OpenShares, plan.Runs = []int{1, 2, 4,
		8}, []int{1, 2, 4}, 4, nil, 1
	plan.WarmupSeconds, plan.Rule.MinRequests, plan.Rule.MinLength, plan.Rule.Medians = 0.1, 10, 0.2, 5
	m := &Measurement{}
	if err := Run(ctx, subject, plan, nil, m, func(string, ...any) {}); err != nil {
		return out, err
	}
	p, err := m.Profile(false)
	if err != nil {
		return out, err
	}
	for _, n := range []int{1, 8} {
		truth := selfBase + selfPerInput*float64(n)
		got := p.Service.Batch.At(n)
		out = append(out, Finding{fmt.Sprintf("a batch of %d", n), math.Abs(got/truth-1) <= 0.1,
			fmt.Sprintf("measured as %.1f ms; it is %.1f ms", 1e3*got, 1e3*truth)})
	}
	out = append(out, Finding{"several at a time", p.Server.Discipline == "queue" && p.Server.Slots == 1,
		fmt.Sprintf("found to %s (%d at a time); they wait in a line, 1 at a time",
			p.Server.Discipline, p.Server.Slots)})
	return out, nil
}

// selfTarget asks the server of the self-test, over connections that stay open.
type selfTarget struct {
	url    string
	client *http.Client
}

// Do sends one request.
func (s selfTarget) Do(ctx context.Context, r load.Request) load.Answer {
	return load.Answer{Err: child.Get(ctx, s.client, fmt.Sprintf("%s/?n=%d", s.url, r.Batch))}
}

// timerFinding measures how late a sleep of a millisecond ends.
func timerFinding() Finding {
	var late []float64
	for range 200 {
		began := time.Now()
		time.Sleep(time.Millisecond)
		late = append(late, time.Since(began).Seconds()-0.001)
	}
	p50, p99 := fit.Quantile(late, 0.5), fit.Quantile(late, 0.99)
	return Finding{"timer", p99 < 0.005, fmt.Sprintf("a sleep ends %.2f ms late at the median, %.2f ms "+
		"at p99", 1e3*p50,
		1e3*p99)}
}

// watchFindings watch the GPU for two seconds.
func watchFindings(ctx context.Context, gpu telemetry.Source) []Finding {
	const seconds, hertz = 2.0, 50.0
	w := telemetry.NewWatch(gpu, hertz, time.Now(), nil)
	select {
	case <-time.After(time.Duration(seconds * float64(time.Second))):
	case <-ctx.Done():
	}
	w.Stop()
	info, all := gpu.Info(), w.Between(0, seconds)
	s := telemetry.NewStats(all, nil)
	rate := float64(len(all)) / seconds
	out := []Finding{
		{"GPU", true, fmt.Sprintf("%s, driver %s, CUDA %s, by %s", info.Name, info.Driver,
			info.CUDA, info.Source)},
		{"samples", rate >= 4, fmt.Sprintf("%.0f per second of %.0f asked for", rate, hertz)},
		{"counters", len(info.Missing) == 0, map[bool]string{true: "all are there",
			false: fmt.Sprintf("not there: %v", info.Missing)}[len(info.Missing) == 0]},
		{"throttling", s.Hard == 0 && s.Thermal <= 0.05,
			fmt.Sprintf("hardware %.0f %%, heat %.0f %%, power limit %.0f %% "+
				"of the samples", 100*s.Hard, 100*s.Thermal, 100*s.PowerCapped)},
	}
	others := 0
	if len(all) > 0 {
		others = len(all[len(all)-1].Processes)
	}
	out = append(out, Finding{"other processes", others == 0, fmt.Sprintf("%d on the GPU", others)})
	if err := w.Err(); err != nil {
		out = append(out, Finding{"reading", false, err.Error()})
	}
	return out
}
