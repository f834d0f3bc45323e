package load

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The tests of time run on a clock that stands still while anything runs, so that they hold on a busy
// machine.

// sleeper answers after a while, one request at a time.
type sleeper struct {
	d    time.Duration
	line chan struct{}
	fail error
	most atomic.Int32
	now  atomic.Int32
}

func (s *sleeper) Do(ctx context.Context, _ Request) Answer {
	if n := s.now.Add(1); n > s.most.Load() {
		s.most.Store(n)
	}
	defer s.now.Add(-1)
	if s.line != nil {
		s.line <- struct{}{}
		defer func() { <-s.line }()
	}
	time.Sleep(s.d)
	return Answer{Err: s.fail}
}

func still() Clock { return SleepyClock(time.Now()) }

func TestClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{d: 10 * time.Millisecond}
		var all []Record
		still().Closed(context.Background(), s, 4, Request{Batch: 2}, func(r Record) bool {
			all = append(all, r)
			return len(all) < 12
		})
		if len(all) != 12 || s.most.Load() != 4 || all[0].Batch != 2 {
			t.Errorf("%d records, at most %d at a time", len(all), s.most.Load())
		}
		for i := range all {
			if i > 0 && all[i].Done < all[i-1].Done || all[i].Service() < 0.009 || all[i].Latency() != all[i].Service() {
				t.Errorf("%+v", all[i])
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(30*time.Millisecond, cancel)
		began := time.Now()
		still().Closed(ctx, &sleeper{fail: errors.New("no")}, 2, Request{}, func(Record) bool { return true })
		if time.Since(began) > 2*time.Second {
			t.Error("a context that ends does not end the load")
		}
	})
}

// Latency counts from the intended instant: a server that is behind cannot hide it.
func TestOpenCountsFromTheIntendedInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{d: 40 * time.Millisecond, line: make(chan struct{}, 1)}
		all := still().Open(context.Background(), s, Request{Batch: 1}, []float64{0, 0.001, 0.002, 0.003}, 1)
		if len(all) != 4 || all[3].Latency() < 0.150 || all[3].Service() > 0.120 || Late(all) < 0.5 {
			t.Errorf("%+v", all)
		}
		s = &sleeper{d: 40 * time.Millisecond}
		all = still().Open(context.Background(), s, Request{Batch: 1}, []float64{0, 0.001, 0.002, 0.003}, 10)
		if len(all) != 4 || all[3].Latency() > 0.120 || InFlight(all)[3] != 4 {
			t.Errorf("%+v", all)
		}
	})
}

func TestBurstAndStagger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{d: 20 * time.Millisecond, line: make(chan struct{}, 1)}
		all := still().Burst(context.Background(), s, Request{}, 4)
		least, most := math.Inf(1), 0.0
		for i := range all {
			least, most = math.Min(least, all[i].Service()), math.Max(most, all[i].Service())
		}
		if least/most > 0.5 || most < 0.080 {
			t.Errorf("a line answers after %v to %v s", least, most)
		}
		two := still().Stagger(context.Background(), s, Request{}, 0.010)
		if gap := two[1].Sent - two[0].Sent; gap < 0.009 || gap > 0.05 || two[1].Service() < 0.024 {
			t.Errorf("%+v", two)
		}
	})
}

// A Poisson process has mean and variance of its counts alike, and the same seed gives the same one.
func TestPoisson(t *testing.T) {
	a := Poisson(50, 200, 3)
	if b := Poisson(50, 200, 3); len(a) != len(b) || a[7] != b[7] {
		t.Error("the same seed gives another process")
	}
	counts := make([]float64, 200)
	for _, at := range a {
		counts[int(at)]++
	}
	mean, variance := float64(len(a))/200, 0.0
	for _, c := range counts {
		variance += (c - mean) * (c - mean) / 199
	}
	if math.Abs(mean-50) > 2 || variance/mean < 0.7 || variance/mean > 1.35 {
		t.Errorf("mean %v, variance %v", mean, variance)
	}
}
