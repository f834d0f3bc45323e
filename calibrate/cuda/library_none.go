//go:build !linux || !(amd64 || arm64) || nogpu

package cuda

import (
	"fmt"
	"runtime"
)

// Built says whether this build can load a driver.
const Built = false

func openLibrary(string) (handle uintptr, found string, err error) {
	return 0, "",
		fmt.Errorf("this build of simcap (%s/%s) runs nothing on a GPU: the build for Linux on amd64 or "+
			"arm64, without the tag nogpu, does", runtime.GOOS, runtime.GOARCH)
}

func symbol(uintptr, string) uintptr { return 0 }

func invoke(uintptr, ...uintptr) uintptr { return uintptr(NotFound) }
