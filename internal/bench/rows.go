package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/report"
)

// rowWriter is what the writers of inputs have in common.
type rowWriter interface {
	Write(*model.InputRow) error
	Close() error
}

// printRows prints how many rows a second a run writes.
func printRows(inputs, rounds int, only string) {
	if !strings.Contains("rows", only) {
		return
	}
	fmt.Printf("\n%-18s %11s %19s\n", "rows of inputs", "ns/row", "million rows/s")
	for _, kind := range []struct {
		name string
		make func() rowWriter
	}{
		{"CSV", func() rowWriter { return report.NewInputsCSV(io.Discard) }},
		{"Parquet", func() rowWriter { return report.NewInputsParquet(io.Discard) }},
	} {
		best := time.Hour.Seconds()
		for range rounds {
			best = min(best, timed(inputs, func() { writeRows(queue(10, 8, inputs), kind.make()) }))
		}
		fmt.Printf("%-18s %11.1f %19.2f\n", kind.name, best, 1e3/best)
	}
}

// writeRows simulates the configuration, whose rows go to w.
func writeRows(c *model.Config, w rowWriter) {
	hooks := model.Hooks{Rows: model.Rows{Input: w.Write}}
	if _, err := model.Run(context.Background(), c, model.Trial{Seed: 1, Replication: 1}, hooks); err != nil {
		panic("bench: " + err.Error())
	}
	if err := w.Close(); err != nil {
		panic("bench: " + err.Error())
	}
}
