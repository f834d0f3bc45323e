//go:build unix

package main

import (
	"syscall"
	"time"
)

// cpuTime is what the process has used of the processor so far: a busy machine lengthens the time of
// day that a run takes, not this.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("bench: " + err.Error())
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
