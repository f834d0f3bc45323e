//go:build linux && (amd64 || arm64) && !nogpu

package cuda

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/simcap/simcap/internal/standin"
)

// A driver that is really installed either shows its GPUs or says why there is none: every function that
// is called exists in it.
func TestInstalledDriver(t *testing.T) {
	d, err := Load(os.Getenv("SIMCAP_TEST_LIBCUDA"))
	var e *Error
	switch {
	case errors.Is(err, ErrNoDriver):
		t.Skip("no libcuda.so.1 here (SIMCAP_TEST_LIBCUDA names one): the driver of NVIDIA was not tried")
	case errors.As(err, &e):
		if e.Call != "cuInit" || e.Name == "" {
			t.Error(err)
		}
		t.Log(err)
	case err != nil:
		t.Error(err)
	default:
		n, err := d.Count()
		t.Logf("%d GPUs, driver for CUDA %d: %v", n, d.version, err)
	}
}

func fake(t *testing.T, config, fail string) (*Driver, *Context) {
	t.Helper()
	t.Setenv("FAKECUDA_CONFIG", config)
	t.Setenv("FAKECUDA_FAIL", fail)
	d, err := Load(standin.BuildCUDA(t))
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	c, err := d.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Bind(); err != nil {
		t.Fatal(err)
	}
	return d, c
}

// Contexts belong to threads: another one has to bind it first.
func TestThreads(t *testing.T) {
	_, c := fake(t, "", "")
	var group sync.WaitGroup
	for bind := range 2 {
		group.Add(1)
		go func() {
			defer group.Done()
			runtime.LockOSThread()
			if bind == 1 {
				if err := c.Bind(); err != nil {
					t.Error(err)
				}
			}
			_, err := c.NewStream()
			if (err == nil) != (bind == 1) {
				t.Errorf("bound %d: %v", bind, err)
			} else if err != nil && !strings.Contains(err.Error(), "CUDA_ERROR_INVALID_CONTEXT (201)") {
				t.Error(err)
			}
		}()
	}
	group.Wait()
}

// What goes in comes out, and memory is counted.
func TestMemory(t *testing.T) {
	_, c := fake(t, "mem=1048576", "")
	s, err := c.NewStream()
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.AllocHost(4096)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.AllocHost(4096)
	if err != nil {
		t.Fatal(err)
	}
	for i := range in.Bytes {
		in.Bytes[i] = byte(i * 7)
	}
	p, err := c.Alloc(4096)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(s.ToDevice(p, in, 4096), s.Fill(p.Add(1024), 0x01020304, 4), s.ToHost(out, p, 4096), s.Sync())
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range out.Bytes {
		want := byte(i * 7)
		if i >= 1024 && i < 1040 {
			want = byte(4 - i%4)
		}
		if b != want {
			t.Fatalf("byte %d is %d, not %d", i, b, want)
		}
	}
	if free, total, err := c.Memory(); err != nil || total != 1<<20 || free != 1<<20-4096 {
		t.Errorf("%d of %d: %v", free, total, err)
	}
	if _, err := c.Alloc(1 << 20); !IsOutOfMemory(err) || !strings.Contains(err.Error(), "out of memory on the GPU") {
		t.Error(err)
	}
	if s.ToDevice(p, in, 5000) == nil || s.ToHost(out, p, 5000) == nil {
		t.Error("copies beyond the end of pinned memory")
	}
	// Beyond the end of the GPU's own: the context is lost, as with real ones.
	if err := s.ToDevice(p.Add(4000), in, 4096); err == nil || !strings.Contains(err.Error(), "ILLEGAL_ADDRESS") {
		t.Error(err)
	}
	if err := s.Sync(); err == nil {
		t.Error("the context lives on")
	}
	if err := errors.Join(in.Close(), out.Close(), c.Close()); err != nil {
		t.Error(err)
	}
}

func TestOpenAndModuleMistakes(t *testing.T) {
	d, c := fake(t, "", "")
	if _, err := d.Open(3); err == nil || !strings.Contains(err.Error(), "there is no GPU 3; the host has 1") {
		t.Error(err)
	}
	if _, err := c.LoadModule([]byte("no kernels")); err == nil || !strings.Contains(err.Error(), "ptxas fatal") {
		t.Error(err)
	}
	m, err := c.LoadModule([]byte(".version 6.0\n.target sm_60\n.visible .entry one(\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Function("two"); err == nil || !strings.Contains(err.Error(), "kernel two: cuModuleGetFunction: ") {
		t.Error(err)
	}
	info := c.Info()
	if info.Name != "SimCap Fake GPU" || info.Capability != "8.0" || info.CUDA() != "12.2" || !info.Fake ||
		info.UUID != "GPU-fafafafa-fafa-fafa-fafa-fafafafafafa" {
		t.Errorf("%+v", info)
	}
}
