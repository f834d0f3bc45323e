package model

import "github.com/simcap/simcap/sim"

// Unset marks an instant of a row that never came.
const Unset sim.Time = -1

// InputRow is the life of one input, as `--inputs` writes it (docs/semantics.md).
type InputRow struct {
	Replication int
	Function    string
	Workload    string
	Call        int64 // from 1 within the workload
	Input       int   // from 1 within the call
	Size        float64
	Submitted   sim.Time
	Admitted    sim.Time // Unset: never admitted
	Assigned    sim.Time
	Started     sim.Time
	Completed   sim.Time // when it left, in whatever way
	Latency     sim.Time // completion - first submission + overhead: the sum of Parts
	Parts       Parts
	Container   int64 // of the last assignment; 0: none
	BatchSize   int   // 0: none
	Attempts    int
	Outcome     Outcome
	LLM         LLMRow
}

// LLMRow is what the row of an LLM function's input knows besides. Of others it is zero.
type LLMRow struct {
	Prompt, Output int      // tokens
	TTFT           sim.Time // first output token of the last attempt - first submission; Unset: none
	TPOT           sim.Time // of each output token after the first; Unset: not completed, or one token
	Preemptions    int      // by its engine, over all attempts
}

// Part is one kind of time that an input spends.
type Part uint8

// The parts of latency, in the order in which results name them.
const (
	Backoff      Part = iota // before admission, and between attempts
	Cold                     // waiting while the container that served it started
	Queue                    // the rest of its waiting
	BatchWait                // assigned, batch not yet started
	Served                   // its demand, or its batch's, as if alone
	Interference             // what sharing the container added
	Overhead                 // routing and network
	NumParts
)

// PartNames are the names of the parts in results.
var PartNames = [NumParts]string{"backoff", "cold", "queue", "batch_wait", "service", "interference",
	"overhead"}

// Parts holds a time for each part.
type Parts [NumParts]sim.Time

// Outcome says what became of an input.
type Outcome uint8

// The outcomes, in the order in which results count them.
const (
	Completed Outcome = iota
	Failed
	TimedOut
	Abandoned
	Cancelled
	RateLimit
	PendingLimit
	TotalLimit
	NumOutcomes
)

// OutcomeNames are the names of the outcomes in results.
var OutcomeNames = [NumOutcomes]string{"completed", "failed", "timed_out", "abandoned", "cancelled",
	"rate_limit", "pending_limit", "total_limit"}

func (o Outcome) String() string { return OutcomeNames[o] }

// ContainerRow is the life of one container, as `--containers` writes it.
type ContainerRow struct {
	Replication int
	Function    string
	Container   int64 // from 1 within the function, in order of creation
	Created     sim.Time
	Ready       sim.Time // Unset: never ready
	Stopped     sim.Time // Unset: alive at the end of the run
	Inputs      int64    // inputs assigned to it
	Cold        sim.Time // billed starting time
	Busy        sim.Time
	Idle        sim.Time
	CostUSD     float64
	// Why it stopped: scaledown, cancelled, single_use, timeout, startup_timeout, crash, preempted,
	// deploy, or end.
	Reason string
}

// Rows receives rows of one replication in order: inputs by first submission, containers by function
// and number. The row is only valid during the call. Either may be nil.
type Rows struct {
	Input     func(*InputRow) error
	Container func(*ContainerRow) error
}
