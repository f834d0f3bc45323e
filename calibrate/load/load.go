// Package load sends requests the way clients do: each client waiting for its answer (closed), at
// instants laid out in advance whatever the server does (open), or all at once (a burst).
package load

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Request is what is asked of the server.
type Request struct {
	Batch int  // inputs
	Null  bool // a request that does no work, where the server knows one
	Seq   int  // number of the request
	// Of a server of language: tokens of prompt and answer; 0: the target's own.
	PromptTokens, OutputTokens int
}

// Answer is what a server said. Times in seconds since the request was sent; 0: not known.
type Answer struct {
	FirstByte    float64 // of a stream: the first token
	Server       float64 // what the server itself measured
	PromptTokens int
	OutputTokens int
	Err          error
}

// Target answers requests. It is safe for use by several goroutines.
type Target interface {
	Do(ctx context.Context, r Request) Answer
}

// Record is a request with its times, in seconds on the clock of the series.
type Record struct {
	Intended     float64 `json:"intended"` // of an open loop; else as sent
	Sent         float64 `json:"sent"`
	Done         float64 `json:"done"`
	FirstByte    float64 `json:"first,omitempty"` // since it was sent
	Server       float64 `json:"server,omitempty"`
	Batch        int     `json:"batch"`
	PromptTokens int     `json:"prompt_tokens,omitempty"`
	OutputTokens int     `json:"output_tokens,omitempty"`
	Err          string  `json:"error,omitempty"`
}

// Latency is from the intended time to the answer: a server that is behind cannot hide it by making
// the sender wait (coordinated omission).
func (r *Record) Latency() float64 { return r.Done - r.Intended }

// Service is from the sending to the answer.
func (r *Record) Service() float64 { return r.Done - r.Sent }

// Clock counts seconds since the series began.
type Clock struct {
	began time.Time
	awake float64 // the last part of a wait is spent awake, since a timer wakes late
}

// awake is how long before an instant a timer has to wake, in seconds.
const awake = 0.0003

// NewClock begins now.
func NewClock() Clock { return Clock{time.Now(), awake} }

// ClockFrom began at an instant.
func ClockFrom(began time.Time) Clock { return Clock{began, awake} }

// SleepyClock began at an instant and never waits awake, for time that stands still while anything runs.
func SleepyClock(began time.Time) Clock { return Clock{began: began} }

// Now is seconds since the series began.
func (c Clock) Now() float64 { return time.Since(c.began).Seconds() }

// once sends one request.
func (c Clock) once(ctx context.Context, t Target, r Request, intended float64) Record {
	record := Record{Intended: intended, Sent: c.Now(), Batch: r.Batch}
	if intended < 0 {
		record.Intended = record.Sent
	}
	a := t.Do(ctx, r)
	record.Done = c.Now()
	record.FirstByte, record.Server = a.FirstByte, a.Server
	record.PromptTokens, record.OutputTokens = a.PromptTokens, a.OutputTokens
	if a.Err != nil {
		record.Err = a.Err.Error()
		if record.Err == "" {
			record.Err = "failed"
		}
	}
	return record
}

// Closed keeps so many requests at a time until emit returns false or the context ends. Emit is called
// for one record at a time, in the order in which they end. Requests that are under way then are
// waited for and not told. A server that refuses at once is asked again a little later, and later
// still.
func (c Clock) Closed(ctx context.Context, t Target, concurrency int, r Request, emit func(Record) bool) {
	var group sync.WaitGroup
	var mu sync.Mutex
	over, seq := false, 0
	next := func() (Request, bool) {
		mu.Lock()
		defer mu.Unlock()
		seq++
		one := r
		one.Seq = seq
		return one, !over && ctx.Err() == nil
	}
	for range concurrency {
		group.Add(1)
		go func() {
			defer group.Done()
			pause := time.Duration(0)
			for {
				one, more := next()
				if !more {
					return
				}
				record := c.once(ctx, t, one, -1)
				if record.Err != "" {
					pause = min(max(2*pause, time.Millisecond), 100*time.Millisecond)
					wait(ctx, pause)
				} else {
					pause = 0
				}
				mu.Lock()
				if !over && ctx.Err() == nil {
					over = !emit(record)
				}
				mu.Unlock()
			}
		}()
	}
	group.Wait()
}

// Open sends a request at each of the instants, which count from now, and waits for all answers.
// Records are in the order of the instants. At most so many requests are in flight; one that this
// holds back is sent late, and its latency still counts from its instant.
func (c Clock) Open(ctx context.Context, t Target, r Request, arrivals []float64, most int) []Record {
	records := make([]Record, len(arrivals))
	sent := make([]bool, len(arrivals))
	slots := make(chan struct{}, most)
	var group sync.WaitGroup
	began := c.Now()
	for i, at := range arrivals {
		intended := began + at
		if !c.until(ctx, intended) {
			break
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		sent[i] = true
		group.Add(1)
		go func() {
			defer group.Done()
			one := r
			one.Seq = i + 1
			records[i] = c.once(ctx, t, one, intended)
			<-slots
		}()
	}
	group.Wait()
	kept := records[:0]
	for i := range records {
		if sent[i] && (ctx.Err() == nil || records[i].Err == "") {
			kept = append(kept, records[i])
		}
	}
	return kept
}

// until sleeps until an instant, the last part of it awake. False when the context ended.
func (c Clock) until(ctx context.Context, at float64) bool {
	for left := at - c.Now(); left > 0 && ctx.Err() == nil; left = at - c.Now() {
		if left > c.awake {
			wait(ctx, time.Duration(math.Ceil((left-c.awake)*float64(time.Second))))
		}
	}
	return ctx.Err() == nil
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Burst sends so many requests at once. Records are in no order.
func (c Clock) Burst(ctx context.Context, t Target, r Request, count int) []Record {
	records := make([]Record, count)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range count {
		group.Add(1)
		go func() {
			defer group.Done()
			one := r
			one.Seq = i + 1
			<-start
			records[i] = c.once(ctx, t, one, -1)
		}()
	}
	close(start)
	group.Wait()
	return records
}

// Stagger sends one request and another one after a delay, in seconds.
func (c Clock) Stagger(ctx context.Context, t Target, r Request, delay float64) [2]Record {
	var records [2]Record
	began := c.Now()
	var group sync.WaitGroup
	for i := range records {
		group.Add(1)
		go func() {
			defer group.Done()
			one := r
			one.Seq = i + 1
			if i > 0 {
				c.until(ctx, began+delay)
			}
			records[i] = c.once(ctx, t, one, -1)
		}()
	}
	group.Wait()
	return records
}

// Poisson are the instants of a Poisson process of the rate over so many seconds, seeded.
func Poisson(rate, seconds float64, seed uint64) []float64 {
	random := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	var out []float64
	for at := random.ExpFloat64() / rate; at < seconds; at += random.ExpFloat64() / rate {
		out = append(out, at)
	}
	return out
}

// Late is the share of requests that were sent more than a millisecond, or 5 % of the median latency,
// after their instant: the sender was too slow, or had too many in flight.
func Late(records []Record) float64 {
	if len(records) == 0 {
		return 0
	}
	var services []float64
	for i := range records {
		services = append(services, records[i].Service())
	}
	limit := math.Max(0.001, 0.05*median(services))
	late := 0
	for i := range records {
		if records[i].Sent-records[i].Intended > limit {
			late++
		}
	}
	return float64(late) / float64(len(records))
}

// InFlight is how many requests were in flight when each was sent.
func InFlight(records []Record) []float64 {
	out := make([]float64, len(records))
	for i := range records {
		for j := range records {
			if records[j].Sent <= records[i].Sent && records[j].Done > records[i].Sent {
				out[i]++
			}
		}
	}
	return out
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
