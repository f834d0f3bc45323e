package standin

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// BuildCUDA builds the fake libcuda with the C compiler and returns its path; flags are the compiler's,
// as in -DOLD_DRIVER. A test is skipped, aloud, where there is no compiler.
func BuildCUDA(t testing.TB, flags ...string) string {
	t.Helper()
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc here: the fake libcuda cannot be built")
	}
	_, here, _, _ := runtime.Caller(0)
	out := filepath.Join(t.TempDir(), "libcuda.so.1")
	args := append([]string{"-shared", "-fPIC", "-O2", "-w", "-o", out}, flags...)
	args = append(args, filepath.Join(filepath.Dir(here), "testdata", "fakecuda.c"), "-lm", "-lpthread")
	if text, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, text)
	}
	return out
}
