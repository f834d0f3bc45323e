package standin

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// BuildNVML builds the fake libnvidia-ml with the C compiler and returns its path. A test is skipped,
// aloud, where there is no compiler.
func BuildNVML(t testing.TB, flags ...string) string {
	t.Helper()
	header, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/NVIDIA/go-nvml").Output()
	if err != nil {
		t.Fatalf("go-nvml, whose header the fake is built with: %v", err)
	}
	include := filepath.Join(strings.TrimSpace(string(header)), "pkg", "nvml")
	return build(t, "fakenvml.c", "libnvidia-ml.so.1", append([]string{"-I", include}, flags...))
}

// BuildCUDA builds the fake libcuda and returns its path; flags are the compiler's, as in -DOLD_DRIVER. A
// test is skipped, aloud, where there is no compiler.
func BuildCUDA(t testing.TB, flags ...string) string {
	t.Helper()
	return build(t, "fakecuda.c", "libcuda.so.1", flags)
}

// build compiles a source of testdata to a library.
func build(t testing.TB, source, library string, flags []string) string {
	t.Helper()
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skipf("no gcc here: the fake %s cannot be built", library)
	}
	_, here, _, _ := runtime.Caller(0)
	out := filepath.Join(t.TempDir(), library)
	args := append([]string{"-shared", "-fPIC", "-O2", "-w", "-D_GNU_SOURCE", "-o", out}, flags...)
	args = append(args, filepath.Join(filepath.Dir(here), "testdata", source), "-lm", "-lpthread")
	if text, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, text)
	}
	return out
}
