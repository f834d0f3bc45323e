package telemetry

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const recorded = `{"name":"NVIDIA L4","max_sm_clock_mhz":2040,"driver":"550.54.15"}
{"at":0,"have":63,"sm_clock_mhz":2040,"power_watts":30,"energy_j":100,"memory_mib":500}
{"at":0.1,"have":63,"sm_clock_mhz":2010,"throttle":4,"power_watts":70,"energy_j":105,"memory_mib":900,"processes":[{"pid":7,"memory_mib":400}]}
{"at":0.2,"have":63,"sm_clock_mhz":1000,"throttle":68,"power_watts":70,"energy_j":112,"memory_mib":2900,"processes":[{"pid":7,"memory_mib":2400},{"pid":9,"memory_mib":100}]}
`

func TestRecording(t *testing.T) {
	now := 0.0
	r, err := newRecording(strings.NewReader(recorded), func() float64 { return now })
	if err != nil {
		t.Fatal(err)
	}
	info := r.Info()
	if !info.Synthetic() {
		t.Error("a recording is not taken for a GPU")
	}
	var all []Sample
	for _, now = range []float64{0, 0.15, 5} {
		x, err := r.Sample()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	if all[1].PowerWatts != 70 || all[2].SMClockMHz != 1000 {
		t.Errorf("%+v", all)
	}
	s := NewStats(all, func(pid int) bool { return pid == 7 })
	if s.SMClockMHz != 2010 || len(s.Foreign) != 1 || s.Foreign[0] != 9 || math.Abs(s.Hard-1.0/3) > 1e-9 ||
		math.Abs(s.PowerCapped-2.0/3) > 1e-9 || s.MemoryMiB != 2900 {
		t.Errorf("%+v", s)
	}
	if e := Energy(all, 0.05, 0.15); math.Abs(e-6) > 1e-9 {
		t.Errorf("%v J", e)
	}
	for _, c := range []struct {
		change func(*Stats)
		usual  float64
		want   string
	}{
		{func(s *Stats) { s.Foreign, s.Hard = nil, 0 }, 2010, ""},
		{func(s *Stats) { s.Foreign, s.Hard = nil, 0 }, 1700, "and was 1700"},
		{func(s *Stats) { s.Foreign = nil }, 0, "hardware slowdown"},
		{func(s *Stats) { s.Hard = 0 }, 0, "PID 9"},
		{func(s *Stats) { s.Foreign, s.Hard, s.SMClockMHz = nil, 0, 1000 }, 0, "1000 of 2040 MHz"},
		{func(s *Stats) { s.Foreign, s.Hard, s.Thermal = nil, 0, 0.1 }, 0, "too hot"},
	} {
		one := s
		c.change(&one)
		if got := one.Gate(&info, c.usual, false); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	for _, bad := range []string{"", "{}\n", "x\n", recorded[:60]} {
		if _, err := NewRecording(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is a recording", bad)
		}
	}
}

// nvidia-smi as it answers, played by a script.
func TestSMI(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a shell script stands in for nvidia-smi")
	}
	dir := t.TempDir()
	script := `#!/bin/sh
case "$*" in
*name,uuid*) echo "NVIDIA L4, GPU-1, 550.54.15, 2040, 72.00, 23034, [N/A]";;
*clocks.sm*) echo "2025, 0x0000000000000004, 68.50, 1500, 61, 97";;
*compute-apps*) echo "4242, 1400"; echo "4243, [N/A]";;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	s, err := Open("nvidia-smi", 0)
	if err != nil {
		t.Fatal(err)
	}
	x, err := s.Sample()
	if err != nil || x.SMClockMHz != 2025 || x.Throttle != ThrottlePowerCap || x.PowerWatts != 68.5 || x.MemoryMiB != 1500 ||
		x.Utilization != 0.97 || len(x.Processes) != 2 || x.Processes[0].PID != 4242 || x.Have&HasEnergy != 0 {
		t.Errorf("%+v %v", x, err)
	}
	if i := s.Info(); i.Name != "NVIDIA L4" || i.MaxSMClockMHz != 2040 || i.MIG || i.PowerLimit != 72 {
		t.Errorf("%+v", i)
	}
	broken := "#!/bin/sh\necho 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'\nexit 9\n"
	if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte(broken), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("nvidia-smi", 0); err == nil || !strings.Contains(err.Error(), "could not communicate") {
		t.Error(err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Open("nvidia-smi", 0); err == nil || !strings.Contains(err.Error(), "not installed") {
		t.Error(err)
	}
	if _, err := Open("radar", 0); err == nil {
		t.Error("there is a way \"radar\"")
	}
	if s, err := Open("none", 0); s != nil || err != nil {
		t.Error(s, err)
	}
}

func TestWatch(t *testing.T) {
	s, err := NewRecording(strings.NewReader(recorded))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	w := NewWatch(s, 50, time.Now(), func(float64) { seen++ })
	time.Sleep(150 * time.Millisecond)
	w.Stop()
	w.Stop()
	if all := w.Between(0, 1); len(all) < 2 || len(all) > 10 || seen < len(all) || w.Err() != nil {
		t.Errorf("%d samples, %d calls, %v", len(all), seen, w.Err())
	}
}
