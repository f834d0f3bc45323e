//go:build !linux || !cgo

package telemetry

import (
	"errors"
	"runtime"
)

// LibraryVariable is the environment variable that names another libnvidia-ml.so.1.
const LibraryVariable = "SIMCAP_LIBNVML"

func openNVML(int) (Source, error) {
	if runtime.GOOS != "linux" {
		return nil, errors.New("only the full build for Linux has it")
	}
	return nil, errors.New("this is the static build of simcap; the full one is built with CGO_ENABLED=1")
}

// Ways are how this build can watch a GPU.
func Ways() []string {
	return []string{"nvidia-smi (the static build has no NVML; the full one is built with cgo)"}
}
