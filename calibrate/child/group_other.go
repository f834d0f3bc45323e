//go:build !unix

package child

import "os/exec"

func ownGroup(*exec.Cmd) {}

// interruptGroup does nothing: there is no way to ask.
func interruptGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
