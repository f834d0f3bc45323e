//go:build linux && (amd64 || arm64) && !nogpu

package cuda

import (
	"fmt"
	"os"
	"strings"

	"github.com/ebitengine/purego"
)

// Built says whether this build can load a driver.
const Built = true

// places are where libcuda is: on the loader's path, in WSL, and in containers that mount it.
func places() []string {
	return []string{"libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1",
		"/usr/local/nvidia/lib64/libcuda.so.1"}
}

// openLibrary loads libcuda from path, or from where it is; found is which one.
func openLibrary(path string) (handle uintptr, found string, err error) {
	candidates := places()
	if path != "" {
		candidates = []string{path}
	}
	var first error
	for _, name := range candidates {
		handle, err = purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err == nil {
			return handle, name, nil
		}
		if first == nil {
			first = err
		}
		if _, missing := os.Stat(name); missing == nil && strings.Contains(name, "/") {
			return 0, "", fmt.Errorf("%s cannot be loaded: %w", name, err)
		}
	}
	return 0, "", fmt.Errorf("%w: %w (%s names another library)", ErrNoDriver, first,
		LibraryVariable)
}

// symbol is the address of a function; 0: the library lacks it.
func symbol(handle uintptr, name string) uintptr {
	address, err := purego.Dlsym(handle, name)
	if err != nil {
		return 0
	}
	return address
}

// invoke calls a function of C. Variables whose addresses are converted in the arguments are kept where
// they are until it returns; those that are handed over in any other way have to be pinned.
//
//go:uintptrescapes
func invoke(function uintptr, args ...uintptr) uintptr {
	r, _, _ := purego.SyscallN(function, args...)
	return r
}
