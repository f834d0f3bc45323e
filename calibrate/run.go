package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/simcap/simcap/calibrate/child"
	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/calibrate/load"
	"github.com/simcap/simcap/calibrate/steady"
	"github.com/simcap/simcap/calibrate/target"
	"github.com/simcap/simcap/calibrate/telemetry"
	"github.com/simcap/simcap/report/quantity"
)

// runner measures one subject by one plan.
type runner struct {
	ctx     context.Context
	plan    Plan
	subject Subject
	m       *Measurement
	clock   load.Clock
	began   time.Time
	watch   *telemetry.Watch
	gpu     telemetry.Source
	say     func(format string, args ...any)
	mu      sync.Mutex
	own     map[int]bool // PIDs of the server, as far as seen
	before  map[int]bool // PIDs on the GPU before anything was started
	root    int          // its first process; 0: none of ours
	clockM  float64      // usual clock of the GPU
}

// Run measures the subject. The source of the GPU may be nil; say is told what goes on. With an error
// or when the context ends the measurement has what was finished until then. No process of the subject
// is left when it returns.
func Run(ctx context.Context, s Subject, p Plan, gpu telemetry.Source, m *Measurement,
	say func(format string, args ...any)) error {
	if err := p.Validate(); err != nil {
		return err
	}
	r := &runner{ctx: ctx, plan: p, subject: s, m: m, began: time.Now(), gpu: gpu, say: say,
		own:    map[int]bool{},
		before: map[int]bool{}}
	r.clock = p.Clock(r.began)
	m.Version = 1
	if gpu != nil {
		info := gpu.Info()
		m.GPU, m.Synthetic = &info, m.Synthetic || info.Synthetic()
		if len(info.Missing) > 0 {
			r.warn("the GPU's driver does not tell: %v", info.Missing)
		}
	}
	r.watch = telemetry.NewWatch(gpu, p.Hertz, r.began, r.track)
	defer r.watch.Stop()
	if err := r.baseline(); err != nil {
		return err
	}
	err := r.starts()
	if err == nil {
		err = r.series()
	}
	if failed := r.watch.Err(); failed != nil {
		r.warn("the GPU could not always be read: %v", failed)
	}
	return err
}

func (r *runner) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.m.Warnings, text) {
		r.m.Warnings = append(r.m.Warnings, text)
	}
	r.say("warning: %s", text)
}

// track keeps the PIDs of the server while it starts others.
func (r *runner) track(float64) {
	r.mu.Lock()
	root := r.root
	r.mu.Unlock()
	if root == 0 {
		return
	}
	all := child.Descendants(root)
	r.mu.Lock()
	for _, pid := range all {
		r.own[pid] = true
	}
	r.mu.Unlock()
}

// ours says whether a process on the GPU belongs to the measurement. Before the first process of ours,
// and for a server that is not ours, whoever was there at the baseline does.
func (r *runner) ours(pid int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.own[pid]
}

// baseline looks at the GPU before anything is started.
func (r *runner) baseline() error {
	if r.gpu == nil {
		return nil
	}
	r.pause(500 * time.Millisecond)
	stats := telemetry.NewStats(r.watch.Between(0, r.clock.Now()), func(int) bool { return false })
	if !r.subject.Restarts() { // the server itself is among them, and nothing tells which it is
		r.mu.Lock()
		for _, pid := range stats.Foreign {
			r.own[pid] = true
		}
		r.mu.Unlock()
		return r.ctx.Err()
	}
	for _, pid := range stats.Foreign {
		r.before[pid] = true
	}
	if len(stats.Foreign) > 0 && !r.plan.Shared {
		return fmt.Errorf("another process uses the GPU (PID %d): what is measured would be half of it. "+
			"Stop it, "+
			"or measure all the same with --shared", stats.Foreign[0])
	}
	if len(stats.Foreign) > 0 {
		r.warn("another process used the GPU while it was measured")
	}
	return r.ctx.Err()
}

func (r *runner) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.ctx.Done():
	}
}

// start starts the subject and notes its process.
func (r *runner) start(cold bool) (*Session, error) {
	s, err := r.subject.Start(r.ctx, cold, r.starting)
	if err != nil {
		return nil, err
	}
	if s.Process != nil {
		r.adopt()
	}
	if err := r.device(s.Device); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// device takes what a server tells of its GPU. One that is watched has to be the same.
func (r *runner) device(d *telemetry.Info) error {
	if d == nil {
		return nil
	}
	r.m.Synthetic = r.m.Synthetic || d.Synthetic()
	if r.m.GPU == nil {
		r.m.GPU = d
		return nil
	}
	seen := r.m.GPU
	if d.Instance != "" {
		seen.MIG, seen.Instance = true, d.Instance
	}
	if seen.UUID != d.UUID && seen.UUID != "" && d.UUID != "" && !seen.MIG && !r.m.Synthetic {
		return fmt.Errorf("the GPU that is watched (%s, %s) is not the one that computes (%s, %s): unset "+
			"CUDA_VISIBLE_DEVICES and name it by --gpu, or take --watch none", seen.Name, seen.UUID, d.Name,
			d.UUID)
	}
	return nil
}

// Starting is told of a process of the subject as soon as it runs, so that what it does on the GPU is
// known to be its own.
func (r *runner) starting(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.root = pid
	r.own[pid] = true
}

// adopt takes the processes that came onto the GPU with the server for its own where none has a PID of
// ours: in a container, the driver's PIDs are those of the host.
func (r *runner) adopt() {
	now := r.clock.Now()
	samples := r.watch.Between(now-1, now)
	if len(samples) == 0 {
		return
	}
	last := samples[len(samples)-1].Processes
	if slices.ContainsFunc(last, func(p telemetry.Process) bool { return r.ours(p.PID) }) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range last {
		if !r.before[p.PID] {
			r.own[p.PID] = true
		}
	}
}

// starts measures cold and warm starts.
func (r *runner) starts() error {
	if !r.subject.Restarts() {
		return nil
	}
	total := r.plan.ColdStarts + r.plan.WarmStarts
	for i := range total {
		warm := i >= r.plan.ColdStarts
		one, err := r.oneStart(warm)
		if err != nil {
			return err
		}
		kind := map[bool]string{false: "cold", true: "warm"}[warm]
		r.say("%s start %d of %d: ready after %.3g s, first answer after another %.3g s", kind, i+1, total,
			one.Ready, one.FirstRequest)
		r.m.ColdStarts = append(r.m.ColdStarts, one)
	}
	return nil
}

// oneStart starts the subject, asks it a few times and stops it.
func (r *runner) oneStart(warm bool) (ColdStart, error) {
	from := r.clock.Now()
	s, err := r.start(!warm)
	if err != nil {
		return ColdStart{}, err
	}
	defer s.Close()
	one := ColdStart{Warm: warm, Ready: s.Ready.Sub(s.Began).Seconds()}
	offset := s.Began.Sub(r.began).Seconds()
	var times []float64
	for i := range 6 {
		a := r.clock.Burst(r.ctx, s.Target, load.Request{Batch: 1, Seq: i + 1}, 1)[0]
		if a.Err != "" {
			return one, r.requestError(s, a.Err)
		}
		times = append(times, a.Service())
	}
	one.FirstRequest, one.WarmRequest = times[0], fit.Median(times[1:])
	samples := r.watch.Between(from, offset+one.Ready)
	for i := range samples {
		samples[i].At -= offset
	}
	one.Stages, one.ReadyMiB, one.PeakMiB, one.Attributed = Stages(samples, one.Ready, r.ours)
	if s.Stages != nil {
		one.Stages, one.Attributed = s.Stages, true
	}
	return one, nil
}

// requestError is why a request failed, with what became of the process.
func (r *runner) requestError(s *Session, text string) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	if s.Process != nil {
		select { // a process that is gone is known a moment later
		case <-s.Process.Exited():
			return fmt.Errorf("while it was measured, %w", s.Process.Exit())
		case <-time.After(200 * time.Millisecond):
		}
	}
	return fmt.Errorf("the server does not answer as it should: %s", text)
}

// series measures all points, as often as there are runs.
func (r *runner) series() error {
	runs := r.plan.Runs
	if !r.subject.Restarts() {
		runs = 1
	}
	for run := 1; run <= runs; run++ {
		s, err := r.start(false)
		if err != nil {
			return err
		}
		err = r.points(s, run)
		s.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// points measures all points of one run.
func (r *runner) points(s *Session, run int) error {
	if run == 1 && r.gpu != nil {
		r.pause(time.Second) // the GPU without work
		to := r.clock.Now()
		idle := telemetry.NewStats(r.watch.Between(to-0.8, to), r.ours)
		r.m.Idle = &idle
	}
	if run == 1 && s.Null {
		if err := r.null(s); err != nil {
			return err
		}
	}
	batches := r.order(r.plan.Batches, run)
	if !r.subject.Batches() {
		batches = []int{r.plan.Batches[0]}
	}
	if err := r.batches(s, run, batches); err != nil {
		return err
	}
	if err := r.prompts(s, run); err != nil {
		return err
	}
	levels := r.plan.Concurrency
	if len(levels) > 0 {
		levels = r.order(levels, run+1000)
	}
	for _, c := range levels {
		p, err := r.point(s, run, r.plan.Batches[0], c)
		if err != nil {
			return err
		}
		if p != nil {
			r.m.Concurrency = append(r.m.Concurrency, *p)
		}
	}
	if run > 1 {
		return nil
	}
	if err := r.probes(s); err != nil {
		return err
	}
	return r.open(s)
}

// order is the list in random order behind its least, so that what changes with time does not look
// like an effect of the size; seeded.
func (r *runner) order(list []int, salt int) []int {
	out := slices.Clone(list)
	random := rand.New(rand.NewPCG(r.plan.Seed, uint64(salt)))
	random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	if least := slices.Index(out, slices.Min(list)); least > 0 {
		out[0], out[least] = out[least], out[0]
	}
	return out
}

// batches measures requests of several sizes, the first one again at the end. A size that does not fit
// into memory bounds the others.
func (r *runner) batches(s *Session, run int, sizes []int) error {
	var first *Point
	for i, n := range append(slices.Clone(sizes), sizes[0]) {
		again := i == len(sizes)
		if again && (first == nil || len(sizes) < 2) || r.tooLarge(n) {
			continue
		}
		p, err := r.point(s, run, n, 1)
		if err != nil {
			return err
		}
		switch {
		case p == nil:
		case again:
			a, b := fit.Median(first.Times()), fit.Median(p.Times())
			if b/a > 1.05 || a/b > 1.05 {
				r.warn("the host drifted: a batch of %d took %.3g s at first and %.3g s at the end", n, a, b)
			}
		default:
			r.m.Batches = append(r.m.Batches, *p)
			if i == 0 {
				first = p
			}
		}
	}
	return nil
}

// tooLarge says whether a smaller batch has not fitted into memory already.
func (r *runner) tooLarge(n int) bool { return r.m.LargestFit > 0 && n > r.m.LargestFit }

// null measures requests that do no work: the floor of the interface.
func (r *runner) null(s *Session) error {
	p := Point{Batch: 1, Concurrency: 1}
	r.clock.Closed(r.ctx, s.Target, 1, load.Request{Batch: 1, Null: true}, func(one load.Record) bool {
		p.Records = append(p.Records, one)
		return len(p.Records) < 30
	})
	times := p.Times()
	if len(times) == 0 {
		return r.ctx.Err()
	}
	r.m.Null = &p
	floor := fit.Median(times)
	r.say("an empty request takes %.3g ms", 1e3*floor)
	if floor > 0.036 && floor < 0.047 {
		r.warn("an empty request takes %.0f ms, which is how long a delayed acknowledgement waits: the "+
			"server "+
			"should set TCP_NODELAY", 1e3*floor)
	}
	return r.ctx.Err()
}

// probes finds out what the server does with several requests at a time: bursts, and a request that
// comes while another one is served.
func (r *runner) probes(s *Session) error {
	if r.plan.Burst < 2 || len(r.plan.Concurrency) < 2 {
		return nil
	}
	request := load.Request{Batch: r.plan.Batches[0]}
	alone := 0.0
	for i := range r.m.Batches {
		if r.m.Batches[i].Batch == request.Batch {
			alone = fit.Median(r.m.Batches[i].Times())
		}
	}
	for range 5 {
		b := Burst{Count: r.plan.Burst}
		for _, one := range r.clock.Burst(r.ctx, s.Target, request, r.plan.Burst) {
			if one.Err == "" {
				b.Answers = append(b.Answers, one.Service())
			}
		}
		slices.Sort(b.Answers)
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		r.m.Bursts = append(r.m.Bursts, b)
		two := r.clock.Stagger(r.ctx, s.Target, request, alone/2)
		if two[0].Err == "" && two[1].Err == "" {
			r.m.Stagger = append(r.m.Stagger, Stagger{Delay: alone / 2, First: two[0].Service(),
				Second: two[1].Service()})
		}
	}
	return r.ctx.Err()
}

// open measures open loops at shares of the highest throughput. They test the fit, which never sees
// them.
func (r *runner) open(s *Session) error {
	capacity := 0.0
	for i := range r.m.Concurrency {
		capacity = max(capacity, r.m.Concurrency[i].Throughput())
	}
	for i := range r.m.Batches {
		if r.m.Batches[i].Batch == r.plan.Batches[0] {
			capacity = max(capacity, r.m.Batches[i].Throughput())
		}
	}
	for i, share := range r.plan.OpenShares {
		rate := share * capacity
		arrivals := load.Poisson(rate, r.plan.OpenSeconds, r.plan.Seed+uint64(i))
		if len(arrivals) < 20 {
			r.warn("an open loop of %s requests per second over %.0f s has only %d requests: left "+
				"out", quantity.Plain(rate), r.plan.OpenSeconds, len(arrivals))
			continue
		}
		r.say("open loop: %s requests per second for %.0f s", quantity.Plain(rate), r.plan.OpenSeconds)
		p := Point{Run: 1, Batch: r.plan.Batches[0], RatePerS: rate}
		p.Records = r.clock.Open(r.ctx, s.Target, load.Request{Batch: p.Batch}, arrivals, 10_000)
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		p.Late = load.Late(p.Records)
		p.Saturated = steady.Saturated(p.Latencies(), load.InFlight(p.Records))
		switch failed := len(p.Records) - len(p.Latencies()); {
		case failed > 0:
			r.warn("%d of %d requests of the open loop at %s per second failed", failed,
				len(p.Records), quantity.Plain(rate))
		case p.Saturated:
			r.warn("the server falls behind at %s requests per second", quantity.Plain(rate))
		}
		if p.Late > 0.05 {
			r.warn("%.0f %% of the requests at %s per second were sent late: this machine is too "+
				"slow, or too busy, to measure it", 100*p.Late, quantity.Plain(rate))
		}
		r.m.Open = append(r.m.Open, p)
	}
	return nil
}

// errBroken ends a measurement whose first point cannot be measured.
var errBroken = errors.New("nothing could be measured")

// point measures one load until its windows agree. Nil, with a warning, where it cannot be measured
// but others can.
func (r *runner) point(s *Session, run, batch, concurrency int) (*Point, error) {
	return r.load(s, run, concurrency, load.Request{Batch: batch},
		fmt.Sprintf("batch %d, %d at a time", batch, concurrency))
}

// load measures so many requests of one kind at a time.
func (r *runner) load(s *Session, run, concurrency int, request load.Request, name string) (*Point, error) {
	batch := request.Batch
	p := &pointRunner{runner: r, session: s, Point: Point{Run: run, Batch: batch, Concurrency: concurrency}}
	p.warmUntil = r.clock.Now() + r.plan.WarmupSeconds
	r.clock.Closed(r.ctx, s.Target, concurrency, request, p.take)
	if r.ctx.Err() != nil {
		return nil, r.ctx.Err()
	}
	if p.State == steady.Broken {
		if target.OutOfMemory(p.lastError) {
			r.m.LargestFit = max(1, batch-1)
			r.warn("%s: out of memory; larger batches are left out", name)
			return nil, nil
		}
		if s.Process != nil && s.Process.Exit() != nil {
			return nil, r.requestError(s, p.lastError)
		}
		if len(r.m.Batches) == 0 {
			return nil, fmt.Errorf("%w: %s: %s%s", errBroken, name, p.Why, p.because())
		}
		r.warn("%s: left out: %s%s", name, p.Why, p.because())
		return nil, nil
	}
	p.finish()
	if p.State != steady.Stable {
		r.warn("%s: %s: %s", name, p.State, p.Why)
	}
	r.say("%s: median %s ms, %s requests per second", name, quantity.Plain(1e3*fit.Median(p.Times())),
		quantity.Plain(p.Throughput()))
	return &p.Point, nil
}

// pointRunner collects the records of one point into windows.
type pointRunner struct {
	*runner
	Point
	session   *Session
	warmUntil float64
	warmed    int
	windows   []steady.Window
	records   [][]load.Record // of each window
	present   []load.Record
	from      float64
	failed    int
	refused   int
	lastError string
}

// take takes a record; false ends the point.
func (p *pointRunner) take(one load.Record) bool {
	now := one.Done
	if one.Err != "" {
		p.lastError = one.Err
		if p.session.Process != nil && p.session.Process.Exit() != nil {
			p.State, p.Why = steady.Broken, one.Err
			return false
		}
	}
	if p.warmed < WarmupRequests*p.Concurrency || now < p.warmUntil && one.Err == "" {
		p.warmed++
		p.from = now
		if p.warmed < 10*WarmupRequests*p.Concurrency || one.Err == "" {
			return true
		}
	}
	if one.Err != "" {
		p.failed++
	} else {
		p.present = append(p.present, one)
	}
	rule := &p.plan.Rule
	length := now - p.from
	latencies := make([]float64, len(p.present))
	for i := range p.present {
		latencies[i] = p.present[i].Service()
	}
	full := rule.Full(length, len(latencies), fit.Median(latencies)) ||
		p.failed >= max(5, rule.MinRequests/5) || length >= p.plan.LongestWindow && len(latencies) >= 3
	if !full {
		return true
	}
	p.window(now, length, latencies)
	v := rule.Judge(p.windows)
	p.State, p.Why = v.State, v.Why
	return v.State == steady.More
}

// window ends the present window.
func (p *pointRunner) window(now, length float64, latencies []float64) {
	w := steady.Window{Start: p.from, Length: length, Latencies: latencies, Failed: p.failed}
	out := Window{Start: p.from, Length: length, Requests: len(latencies), Failed: p.failed}
	if p.gpu != nil {
		stats := telemetry.NewStats(p.watch.Between(p.from, now), p.ours)
		if !p.subject.Restarts() {
			stats.Foreign = nil
		}
		w.Rejected = stats.Gate(p.m.GPU, p.clockM, p.plan.Shared)
		if w.Rejected == "" && p.clockM == 0 {
			p.clockM = stats.SMClockMHz
		}
		if stats.PowerCapped > 0.05 {
			p.warnOnce("the GPU ran at its power limit")
		}
		out.GPU, out.Rejected = &stats, w.Rejected
	}
	p.windows, p.Windows = append(p.windows, w), append(p.Windows, out)
	p.records = append(p.records, p.present)
	p.present, p.failed = nil, 0
	if w.Rejected != "" {
		p.say("a window does not count: %s", w.Rejected)
		p.pause(min(30*time.Second, p.plan.Pause<<p.refused))
		p.refused++
	} else {
		p.refused = 0
	}
	p.from = p.clock.Now()
}

func (p *pointRunner) warnOnce(text string) {
	if !slices.Contains(p.m.Warnings, text) {
		p.warn("%s", text)
	}
}

// finish keeps the records of the windows that count: the last ones that were not refused.
func (p *pointRunner) finish() {
	left := p.plan.Rule.Windows
	for i := len(p.Windows) - 1; i >= 0 && left > 0; i-- {
		if p.Windows[i].Rejected == "" {
			p.Windows[i].Counts = true
			left--
		}
	}
	if p.gpu != nil {
		// for a sample behind the last window
		p.pause(time.Duration(1.5 * float64(time.Second) / p.plan.Hertz))
	}
	for i := range p.Windows {
		w := &p.Windows[i]
		if !w.Counts {
			continue
		}
		p.Records = append(p.Records, p.records[i]...)
		if w.GPU != nil {
			margin := 3 / p.plan.Hertz
			w.GPU.EnergyJ = telemetry.Energy(p.watch.Between(w.Start-margin,
				w.Start+w.Length+margin), w.Start,
				w.Start+w.Length)
		}
	}
}

func (p *pointRunner) because() string {
	if p.lastError == "" {
		return ""
	}
	return " (" + p.lastError + ")"
}
