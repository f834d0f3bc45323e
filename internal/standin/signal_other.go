//go:build !unix

package standin

func ignoreTermination() {}
