package experiment

import "github.com/simcap/simcap/model"

// Options say how to run a scenario; they never change its results.
type Options struct {
	Workers  int            // replications at one time; 0: one per core
	Progress func(Progress) // called now and then, from one goroutine at a time; nil: not
	Rows     *model.Rows    // rows of all replications, replication by replication in order; nil: none
	Detail   bool           // fill Result.Detail
	YAML     string         // the scenario as it was run, for Detail
	Audit    bool           // check the laws of the model after every event: much slower
	Version  string         // of the program, for Result.Simcap
}

// Progress tells how far a run is.
type Progress struct {
	Done, Total  float64 // replications, fractions included
	Replications int     // finished
	Inputs       int64   // finished inputs
}
