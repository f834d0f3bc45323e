package steady

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// windows makes windows of 60 requests around the given means.
func windows(cv float64, means ...float64) []Window {
	random := rand.New(rand.NewPCG(1, 1))
	var all []Window
	at := 0.0
	for _, m := range means {
		w := Window{Start: at}
		for range 60 {
			l := m * math.Exp(cv*random.NormFloat64())
			w.Latencies = append(w.Latencies, l)
			w.Length += l
		}
		at += w.Length
		all = append(all, w)
	}
	return all
}

func TestJudge(t *testing.T) {
	r := Default()
	for _, c := range []struct {
		name    string
		windows []Window
		want    State
		why     string
	}{
		{"two are too few", windows(0.02, 1, 1), More, ""},
		{"three agree", windows(0.02, 1, 1, 1), Stable, ""},
		{"warm-up and then three", windows(0.02, 3, 1.5, 1, 1, 1), Stable, ""},
		{"still falling", windows(0.02, 3, 2, 1.5), More, ""},
		{"never", windows(0.02, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2), Unstable, "differs by a factor"},
		{"creeping up", windows(0.001, 1, 1.04, 1.08, 1.12, 1.16, 1.2, 1.24, 1.28, 1.32, 1.36), Drifting, "changes by +"},
	} {
		if v := r.Judge(c.windows); v.State != c.want || !strings.Contains(v.Why, c.why) {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
	failing := windows(0.02, 1)
	failing[0].Failed = 2
	if v := r.Judge(failing); v.State != Broken || !strings.Contains(v.Why, "2 of 62 requests failed") {
		t.Errorf("%+v", v)
	}
	disturbed := windows(0.02, 1, 1, 1, 1, 1, 1)
	for i := range 4 {
		disturbed[i].Rejected = "throttled"
	}
	if v := r.Judge(disturbed); v.State != More {
		t.Errorf("four refused and two good: %+v", v)
	}
	disturbed[4].Rejected = "throttled"
	if v := r.Judge(disturbed); v.State != Broken || !strings.Contains(v.Why, "5 windows in a row") {
		t.Errorf("%+v", v)
	}
}

// Windows that agree at a throttled speed are why the gate exists: the rule alone takes them.
func TestTheRuleAloneIsFooled(t *testing.T) {
	r := Default()
	all := windows(0.01, 1, 1.6, 1.6, 1.6)
	if v := r.Judge(all); v.State != Stable {
		t.Errorf("%+v", v)
	}
	for i := 1; i < 4; i++ {
		all[i].Rejected = "the GPU's clock is 900 of 1980 MHz"
	}
	if v := r.Judge(all); v.State != More {
		t.Errorf("%+v", v)
	}
}

// LoadGen's published numbers (early stopping, tolerance of one).
func TestMinQueries(t *testing.T) {
	for p, want := range map[float64]int{0.90: 64, 0.95: 130, 0.97: 219, 0.99: 662, 0.999: 6636} {
		if got := MinQueries(p, 1, 0.99); got != want {
			t.Errorf("p%g: %d, want %d", 100*p, got, want)
		}
	}
}

func TestSaturated(t *testing.T) {
	var flat, rising []float64
	random := rand.New(rand.NewPCG(2, 2))
	for i := range 400 {
		flat = append(flat, 1+0.3*random.Float64())
		rising = append(rising, 1+float64(i)/40+0.3*random.Float64())
	}
	if Saturated(flat, flat) || Saturated(rising, flat) || !Saturated(rising, rising) {
		t.Error("saturation is not what it is")
	}
}
