package standin

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Monitor watches how late sleeps end while a test measures times: on a machine that is too busy to
// wake a sleeper, no measurement of milliseconds can hold.
type Monitor struct {
	stop chan struct{}
	late chan []float64
	bad  []string
}

// How late, in seconds, one sleep in twenty and one in a hundred may end where times are measured.
const tooLate, muchTooLate = 0.002, 0.005

// attempts is how often a measurement is made at most.
const attempts = 3

// Measure lets a test measure up to three times, until it finds nothing that does not hold: what disturbs a
// machine for a moment passes, what is wrong stays. The last time fails the test for what did not hold; where
// the machine was too busy to measure, it is skipped instead, and says so.
func Measure(t testing.TB, once func(m *Monitor)) {
	t.Helper()
	for n := 1; ; n++ {
		m := watch()
		once(m)
		if len(m.bad) == 0 || n == attempts {
			m.end(t)
			return
		}
		t.Logf("measured once more, as this did not hold: %v", m.bad)
		close(m.stop)
		<-m.late
	}
}

// watch begins to watch.
func watch() *Monitor {
	m := &Monitor{stop: make(chan struct{}), late: make(chan []float64, 1)}
	go func() {
		var all []float64
		for {
			select {
			case <-m.stop:
				m.late <- all
				return
			default:
			}
			began := time.Now()
			time.Sleep(5 * time.Millisecond)
			all = append(all, time.Since(began).Seconds()-0.005)
		}
	}()
	return m
}

// Errorf notes what does not hold.
func (m *Monitor) Errorf(format string, args ...any) {
	m.bad = append(m.bad, fmt.Sprintf(format, args...))
}

// end stops to watch, and says what did not hold.
func (m *Monitor) end(t testing.TB) {
	t.Helper()
	close(m.stop)
	late := <-m.late
	if len(m.bad) == 0 {
		return
	}
	slices.Sort(late)
	if n := len(late); n > 100 && (late[n*19/20] > tooLate || late[n*99/100] > muchTooLate) {
		t.Skipf("this machine is too busy to measure times: one sleep in twenty ended over %.1f ms late, "+
			"one in a hundred over %.1f ms; what did not hold: %v", 1e3*late[n*19/20],
			1e3*late[n*99/100], m.bad)
	}
	for _, text := range m.bad {
		t.Error(text)
	}
}
