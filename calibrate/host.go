package calibrate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
)

// Host describes this machine without naming it.
func Host() string {
	return fmt.Sprintf("%d processors, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
}

// hash makes an identity comparable without telling it.
func hash(text string) string {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("simcap:" + text))
	return hex.EncodeToString(sum[:6])
}

// PlatformGPU is the name that scenarios have for a GPU that its driver names so; "" where there is
// none.
func PlatformGPU(name string, memoryMiB float64) string {
	words := strings.FieldsFunc(strings.ToUpper(name), func(r rune) bool {
		return r == ' ' ||
			r == '-' || r == '/'
	})
	for _, w := range words {
		switch w {
		case "A100":
			if memoryMiB > 60_000 {
				return "A100-80GB"
			}
			return "A100-40GB"
		case "T4", "L4", "A10", "A10G", "L40S", "H100", "H200", "B200":
			return strings.TrimSuffix(w, "G")
		}
	}
	return ""
}
