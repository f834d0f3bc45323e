//go:build !unix

package main

import "time"

var began = time.Now()

// cpuTime is the time of day where the system does not tell the processor's.
func cpuTime() time.Duration { return time.Since(began) }
