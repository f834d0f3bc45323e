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
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc here: the fake libnvidia-ml cannot be built")
	}
	header, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/NVIDIA/go-nvml").Output()
	if err != nil {
		t.Fatalf("go-nvml, whose header the fake is built with: %v", err)
	}
	_, here, _, _ := runtime.Caller(0)
	out := filepath.Join(t.TempDir(), "libnvidia-ml.so.1")
	args := append([]string{"-shared", "-fPIC", "-O1", "-w", "-I",
		filepath.Join(strings.TrimSpace(string(header)), "pkg",
			"nvml"), "-o", out}, flags...)
	args = append(args, filepath.Join(filepath.Dir(here), "testdata", "fakenvml.c"))
	if text, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, text)
	}
	return out
}
