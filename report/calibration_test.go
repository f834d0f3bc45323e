package report

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/report/chart"
)

// calibrations are a good one, a poor one, one with next to nothing, and none.
func calibrations() map[string]*Calibration {
	random := rand.New(rand.NewPCG(3, 4))
	full := &Calibration{Name: "resnet50 on L4", Description: "ResNet-50, TensorRT, half precision",
		Simcap: "v0.1.0",
		Provenance: [][2]string{{"GPU", "NVIDIA L4"}, {"engine", "TensorRT 10.3"}, {"driver", "570.86"},
			{"command", "simcap calibrate --command './infer --batch {batch}' --batch 1,2,4,8,16,32,64,128"}},
		Quality: Quality{CVError: 0.021, WorstError: 0.034, BetweenRuns: 0.008},
		Profile: "simcap_profile: 1\nservice:\n  batch: {base: 1.2ms, per_input: 0.31ms}\n"}
	batch := Fit{Name: "batch", XLabel: "inputs in the batch", YLabel: "time of a batch", LogX: true,
		Formula: "1.20 ms + 310 µs × n"}
	for n := 1.0; n <= 128; n *= 2 {
		at := 1.2e-3 + 0.31e-3*n
		batch.Curve = append(batch.Curve, [2]float64{n, at})
		m := Sample{X: n}
		for range 40 {
			m.Times = append(m.Times, at*(1+0.02*random.NormFloat64()))
		}
		batch.Measured = append(batch.Measured, m)
	}
	share := Fit{Name: "concurrency", XLabel: "requests at a time", YLabel: "latency"}
	for n := 1.0; n <= 8; n++ {
		share.Curve = append(share.Curve, [2]float64{n, 2e-3 * (0.6 + 0.4*n)})
		share.Measured = append(share.Measured, Sample{X: n, Times: []float64{2e-3 * (0.6 + 0.4*n) * 1.01}})
	}
	full.Fits = []Fit{batch, share}
	full.Cold = []Sample{{Name: "boot", Times: []float64{2.1, 2.3}}, {Name: "init", Times: []float64{6.2}},
		{Name: "weights", Times: []float64{11.4, 12}}}
	for i := range 40 {
		from := float64(i)*7 + float64(i/10)*5 // a pause after every ten
		d := Device{FromS: from, ToS: from + 7, ClockMHz: 2040 + 5*random.NormFloat64(), PowerW: 68 + random.NormFloat64()}
		w := Window{AtS: from, Of: "batches of 8", Deviation: 0.01 * random.NormFloat64(), Accepted: true}
		if i == 0 || i == 13 {
			d.ClockMHz, d.Throttled = 1410, true
			w.Deviation, w.Accepted, w.Why = 0.3, false, "the clock was throttled"
		}
		full.Device, full.Windows = append(full.Device, d), append(full.Windows, w)
	}
	for _, rate := range []float64{50, 100, 200, 300} {
		p50 := 2e-3 + 2e-6*rate
		full.Holdout = append(full.Holdout, Holdout{RatePerS: rate, MeasuredP50: p50,
			PredictedP50: p50 * 1.02,
			MeasuredP95:  3 * p50, PredictedP95: 3 * p50 * 0.97})
	}
	poor := &Calibration{Name: "written by hand", Synthetic: true,
		Fits: []Fit{{Name: "batch", XLabel: "inputs",
			YLabel: "time", Curve: [][2]float64{{1, 1}, {4, 2}}, Measured: []Sample{{X: 1, Times: []float64{1.5}},
				{X: 2, Times: []float64{1.4, 1.3}}, {X: 9, Times: []float64{4}}}}}}
	return map[string]*Calibration{"calibration": full, "calibration-poor": poor,
		"calibration-bare": {Name: "one time", Fits: []Fit{}}}
}

// The curve is read by straight lines, medians are nearest-rank, and the largest residual is found.
func TestFit(t *testing.T) {
	f := Fit{Curve: [][2]float64{{1, 1}, {4, 2}, {8, 10}}, Measured: []Sample{{X: 1, Times: []float64{1.1}},
		{X: 4, Times: []float64{9, 1, 1.6}}, {X: 8, Times: []float64{10}}}}
	for x, want := range map[float64]float64{1: 1, 2.5: 1.5, 4: 2, 6: 6, 8: 10} {
		if got := f.at(x); math.Abs(got-want) > 1e-12 {
			t.Errorf("the curve at %v is %v, want %v", x, got, want)
		}
	}
	if !math.IsNaN(f.at(0.5)) || !math.IsNaN(f.at(9)) {
		t.Error("the curve goes on beyond its ends")
	}
	if x, r := f.worst(); x != 4 || math.Abs(r+0.2) > 1e-12 {
		t.Errorf("the worst residual is %v at %v, want -0.2 at 4", r, x)
	}
	c, ok := (&calibrationView{&Calibration{}}).residuals(&f)
	if !ok || len(c.XY.Points) != 3 || math.Abs(c.XY.Points[0].Y-0.1) > 1e-12 {
		t.Errorf("residuals %+v", c.XY)
	}
}

// Verdicts follow the errors; rejected windows and throttling are counted.
func TestCalibrationVerdict(t *testing.T) {
	all := calibrations()
	v := &calibrationView{all["calibration"]}
	if got := v.verdict(); got.State != "kept" || !strings.Contains(got.Sentences[2], "2 of 40 windows") {
		t.Errorf("%+v", got)
	}
	c, ok := v.clock()
	if !ok || len(c.XY.Regions) != 2 || *c.XY.Regions[1].XFrom != 96 || *c.XY.Regions[1].XTo != 103 ||
		!strings.Contains(c.Title, "throttled for 14 s of 280 s") && !strings.Contains(c.Title, "throttled for 14 s of 5 min") {
		t.Errorf("%s, regions %+v", c.Title, c.XY.Regions)
	}
	gaps := 0
	for _, y := range c.XY.Series[0].Y {
		if math.IsNaN(y) {
			gaps++
		}
	}
	if gaps != 3 {
		t.Errorf("%d gaps in the clock, and there were three pauses", gaps)
	}
	if got := (&calibrationView{all["calibration-poor"]}).verdict(); got.Word != "? Not measured" ||
		!strings.Contains(got.Headline, "50% off") {
		t.Errorf("%+v", got)
	}
	held, _ := v.holdout()
	if !strings.Contains(held.Title, "at most 3% off") || held.XY.Series[1].Role != chart.C5 {
		t.Errorf("%s", held.Title)
	}
}

// Every calibration is drawn, and drawn again from its file as it was.
func TestWriteCalibration(t *testing.T) {
	for name, c := range calibrations() {
		dir := t.TempDir()
		if keep := os.Getenv("FIGURES"); keep != "" {
			dir = filepath.Join(keep, name)
		}
		if err := WriteCalibration(dir, c, Options{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		first, err := os.ReadFile(filepath.Join(dir, pageFile))
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(filepath.Join(dir, calibrationFile))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := Redraw(dir, file, Options{NoPictures: true}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if second, _ := os.ReadFile(filepath.Join(dir, pageFile)); string(first) != string(second) {
			t.Errorf("%s: drawn again the page differs", name)
		}
	}
}
