//go:build linux && cgo

package telemetry_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/calibrate/telemetry"
	"github.com/simcap/simcap/internal/standin"
)

// A process can load one library only, so that each case is a process of its own, which prints what
// it sees.
func TestMain(m *testing.M) {
	if os.Getenv("SIMCAP_TEST_NVML") == "" {
		os.Exit(m.Run())
	}
	s, err := telemetry.Open("nvml", 0)
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	x, err := s.Sample()
	fmt.Printf("%+v\n%+v %v\n", s.Info(), x, err)
	s.Close()
}

func look(t *testing.T, env ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "SIMCAP_TEST_NVML=1"), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// Through the real go-nvml: a GPU, one whose driver lacks functions, and all that can be missing. A
// function that the library lacks would end the process, which is why each is looked up first.
func TestNVML(t *testing.T) {
	library := standin.BuildNVML(t)
	old := standin.BuildNVML(t, "-DOLD_DRIVER")
	state := filepath.Join(t.TempDir(), "gpu")
	if err := (standin.GPU{IdleWatts: 40, Clock: 1900, MaxClock: 1980, Throttle: 4}).Write(state); err != nil {
		t.Fatal(err)
	}
	name := telemetry.LibraryVariable + "="
	for _, c := range []struct {
		name string
		env  []string
		want []string
	}{
		{"a GPU", []string{name + library, "FAKEGPU_STATE=" + state},
			[]string{"Name:SimCap Fake GPU", "CUDA:12.2", "Missing:[]", "SMClockMHz:1900", "Throttle:4", "PowerWatts:40", "MemoryMiB:500", "<nil>"}},
		{"an old driver", []string{name + old, "FAKEGPU_STATE=" + state}, []string{"Missing:[energy]", "Throttle:4", "EnergyJ:0", "<nil>"}},
		{"no library", []string{name + "/nowhere/libnvidia-ml.so.1"}, []string{"error: libnvidia-ml.so.1 is not installed here"}},
		{"no driver", []string{name + library, "FAKEGPU_STATE=/nowhere"}, []string{"error: the NVIDIA driver is not loaded"}},
		{"no permission", []string{name + library, "FAKEGPU_INIT=4"}, []string{"error: no permission"}},
		{"another version", []string{name + library, "FAKEGPU_INIT=18"}, []string{"restart the machine"}},
		{"something else", []string{name + library, "FAKEGPU_INIT=999"}, []string{"error 999"}},
	} {
		out := look(t, c.env...)
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("%s: %q is not in\n%s", c.name, w, out)
			}
		}
	}
}
