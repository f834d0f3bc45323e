//go:build linux && (amd64 || arm64) && !nogpu

package gpu

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/simcap/simcap/calibrate/cuda"
	"github.com/simcap/simcap/internal/standin"
)

// open opens a virtual GPU that is as config says.
func open(t *testing.T, config, fail string, flags ...string) (*Device, error) {
	t.Helper()
	return openLibrary(t, standin.BuildCUDA(t, flags...), config, fail)
}

func openLibrary(t *testing.T, library, config, fail string) (*Device, error) {
	t.Helper()
	t.Setenv("FAKECUDA_CONFIG", config)
	t.Setenv("FAKECUDA_FAIL", fail)
	// A library that is loaded stays as it is: each device has one of its own.
	own := filepath.Join(t.TempDir(), "libcuda.so.1")
	text, err := os.ReadFile(library)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, text, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(cuda.LibraryVariable, own)
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	d, err := Open(0)
	if err == nil {
		t.Cleanup(func() { d.Close() })
	}
	return d, err
}

// The fingerprint finds the parameters of virtual GPUs again, within 2 %.
func TestFingerprintRecovers(t *testing.T) {
	library := standin.BuildCUDA(t)
	for _, c := range []struct {
		config string
		want   map[string]float64
	}{
		{"f16=312e12;f32=19.5e12;bw=1.555e12;fixed=1.2e-6;launch=2.3e-6;graph=7e-6;node=0.9e-6;h2d=25e9;d2h=22e9;" +
			"copylat=9e-6;copyhost=3.1e-6;init=0.08;context=0.21;jit=0.05;noise=0.003",
			map[string]float64{"f16 tensor cores": 312e12, "fp32": 19.5e12, "memory": 1.555e12,
				"launch": 2.3e-6, "launch, host": 2.3e-6, "launch, GPU": 1.2e-6, "driver": 0.08,
				"host to device, host": 3.1e-6, "device to host, host": 3.1e-6,
				"device to host, start": 9e-6,
				"graph launch":          7e-6, "graph kernel": 0.9e-6, "host to device": 25e9,
				"device to host":        22e9,
				"host to device, start": 9e-6, "context": 0.21, "module": 0.05,
				"round trip": 3.5e-6}},
		{"f16=65e12;f32=8.1e12;bw=0.3e12;fixed=5e-6;launch=4e-6;graph=20e-6;node=2e-6;h2d=6e9;d2h=6.5e9;copylat=20e-6;" +
			"context=0.4;jit=0.12",
			map[string]float64{"f16 tensor cores": 65e12, "fp32": 8.1e12, "memory": 0.3e12,
				"launch": 5e-6, "launch, host": 4e-6, "launch, GPU": 5e-6, "driver": 0.05,
				"host to device, start": 20e-6, "device to host, start": 20e-6,
				"graph launch": 20e-6, "graph kernel": 2e-6, "host to device": 6e9,
				"device to host": 6.5e9,
				"context":        0.4, "module": 0.12}},
	} {
		d, err := openLibrary(t, library, c.config, "")
		if err != nil {
			t.Fatal(err)
		}
		var f Fingerprint
		if err := d.Measure(context.Background(), &f); err != nil {
			t.Fatal(err)
		}
		if !f.GPU.Fake || len(f.Notes) > 0 {
			t.Errorf("%+v %v", f.GPU, f.Notes)
		}
		for name, want := range c.want {
			if got := f.Figure(name); math.Abs(got/want-1) > 0.02 {
				t.Errorf("%s: %.4g, truth %.4g", name, got, want)
			}
		}
	}
}

// A workload takes what its kernels and copies take: counted here kernel by kernel from the parameters
// of the virtual GPU.
func TestWorkloadRecovers(t *testing.T) {
	const f16, bw, fixed, node, h2d, d2h, latency, copyhost = 100e12, 1e12, 4e-6, 1e-6, 20e9, 10e9,
		10e-6, 3e-6
	d, err := open(t,
		"f16=100e12;bw=1e12;fixed=4e-6;launch=1e-6;h2d=20e9;d2h=10e9;copylat=10e-6;copyhost=3e-6;node=1e-6;graph=9e-6",
		"")
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range []Spec{
		{Kind: "mlp", Layers: 3, Hidden: 1024, Tokens: 1, Precision: "auto"},
		{Kind: "transformer", Layers: 2, Hidden: 768, Tokens: 128, Precision: "f16"},
		{Kind: "transformer", Layers: 2, Hidden: 768, Tokens: 128, Precision: "f16", Graph: true},
	} {
		m, err := d.NewModel(spec)
		if err != nil {
			t.Fatal(err)
		}
		l, err := m.NewLane()
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 64, 8} {
			got, err := l.Serve(n)
			if err != nil {
				t.Fatal(err)
			}
			rows, h := float64(n*spec.Tokens), float64(spec.Hidden)
			gemm := func(a, b float64) float64 {
				return max(2*rows*a*b*h*h/f16, 2*(rows*a*h+rows*b*h+a*b*h*h)/bw)
			}
			move := func(columns float64) float64 { return 6 * rows * columns * h / bw }
			layer, kernels := gemm(4, 1)+move(4)+gemm(1, 4)+move(1), 4.0
			if spec.Kind == "transformer" {
				layer += move(1) + gemm(3, 1) + move(3) + gemm(1, 1) + move(1)
				kernels += 5
			}
			each, whole := fixed, 0.0
			if spec.Graph {
				each, whole = node, 0 // the copy of the inputs hides the launch of the graph
			}
			truth := float64(spec.Layers)*(layer+kernels*each) + whole + 2*rows*h*(1/h2d+1/d2h) + 2*latency + copyhost
			if math.Abs(got/truth-1) > 0.02 {
				t.Errorf("%v: a batch of %d takes %.4g s, truth %.4g s", &spec, n, got, truth)
			}
		}
		l.Close()
	}
}

// Without memory for a batch the lane says so, and serves smaller ones all the same.
func TestLaneOutOfMemory(t *testing.T) {
	d, err := open(t, "mem=200e6", "")
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{Kind: "mlp", Layers: 2, Hidden: 1024, Tokens: 64, Precision: "f16"}
	m, err := d.NewModel(spec)
	if err != nil {
		t.Fatal(err)
	}
	l, err := m.NewLane()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, n := range []int{1, 128, 4, 1000, 8} {
		_, err := l.Serve(n)
		if fits := n < 100; fits != (err == nil) {
			t.Errorf("a batch of %d: %v", n, err)
		} else if !fits && (!cuda.IsOutOfMemory(err) || !strings.Contains(err.Error(),
			"MiB are free")) {
			t.Errorf("a batch of %d: %v", n, err)
		}
	}
	spec.Hidden = 8192
	if _, err := d.NewModel(spec); !cuda.IsOutOfMemory(err) || !strings.Contains(err.Error(),
		"weights") {
		t.Errorf("weights that do not fit: %v", err)
	}
	var f Fingerprint
	if err := d.Measure(context.Background(),
		&f); err != nil || len(f.Notes) == 0 || f.Figure("launch") == 0 {
		t.Errorf("what does not fit ends all: %v %v", err, f.Notes)
	}
}

func TestSelfTest(t *testing.T) {
	library := standin.BuildCUDA(t)
	for _, c := range []struct {
		config string
		bad    int
		tensor bool
	}{{"cc=80", 0, true}, {"cc=75", 0, false}, {"cc=90;driver=10020", 0, false}, {"cc=90;wrong=1",
		2, true}} {
		d, err := openLibrary(t, library, c.config, "")
		if err != nil {
			t.Fatal(err)
		}
		checks, err := d.SelfTest()
		if err != nil {
			t.Fatal(err)
		}
		bad := 0
		for _, one := range checks {
			if !one.Good {
				bad++
			}
		}
		if bad != c.bad || d.Tensor != c.tensor || len(checks) < 6 {
			t.Errorf("%s: %+v", c.config, checks)
		}
	}
}

// Each thing that can go wrong before anything runs is said in words.
func TestNoGPU(t *testing.T) {
	for _, c := range []struct {
		config, fail string
		flags        []string
		want         string
	}{
		{"", "cuInit:1:100", nil, "no GPU: the driver sees none"},
		{"devices=0", "", nil, "no GPU: the driver sees none"},
		{"cc=52", "", nil, "older than the built-in kernels, which need 6.0"},
		{"driver=8000", "", nil, "the driver is too old: it is for CUDA 8.0"},
		{"", "", []string{"-DOLD_DRIVER"}, "has no cuMemHostAlloc: the driver is too old"},
		{"", "cuDevicePrimaryCtxRetain:1:2", nil, "out of memory on the GPU"},
		{"", "cuModuleLoadDataEx:1:218", nil, "CUDA_ERROR_INVALID_PTX (218)"},
		{"", "cuInit:1:803", nil, "restart the host"},
	} {
		if _, err := open(t, c.config, c.fail,
			c.flags...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v", c.config, c.fail, err)
		}
	}
	t.Setenv(cuda.LibraryVariable, "/nowhere/libcuda.so.1")
	if _, err := Open(0); err == nil || !strings.Contains(err.Error(),
		"no NVIDIA driver is installed here") {
		t.Error(err)
	}
	// Without graphs everything else is measured.
	d, err := open(t, "", "", "-DNO_GRAPHS")
	if err != nil {
		t.Fatal(err)
	}
	var f Fingerprint
	if err := d.Measure(context.Background(),
		&f); err != nil || f.Figure("memory") == 0 || len(f.Notes) != 1 {
		t.Errorf("%v %+v", err, f)
	}
}

// A fault in a kernel is told, and what was measured before it is kept.
func TestFaultInMidSweep(t *testing.T) {
	d, err := open(t, "", "cuLaunchKernel:8500:719")
	if err != nil {
		t.Fatal(err)
	}
	var f Fingerprint
	err = d.Measure(context.Background(), &f)
	if err == nil || !strings.Contains(err.Error(),
		"CUDA_ERROR_LAUNCH_FAILED (719)") || f.Figure("launch") == 0 {
		t.Errorf("%v %+v", err, f.Figures)
	}
	if d, err = open(t, "", ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.Measure(ctx, &f); err != context.Canceled {
		t.Error(err)
	}
}

func TestHalves(t *testing.T) {
	for h := range 1 << 16 {
		v := Float(uint16(h))
		if got := Half(v); got != uint16(h) && v == v {
			t.Fatalf("%#x is %g, which is %#x", h, v, got)
		}
		// Half-way to the next larger one goes to the even one.
		if next := uint16(h) + 1; h&0x7fff < 0x7bff {
			middle := float32((float64(v) + float64(Float(next))) / 2)
			want := uint16(h)
			if want&1 == 1 {
				want = next
			}
			if got := Half(middle); got != want {
				t.Fatalf("%g is %#x, not %#x", middle, got, want)
			}
		}
	}
}
