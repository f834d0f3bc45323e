package model

import (
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// Config is the system to simulate: what a scenario file says about platform, functions and
// workloads, with every default filled in. Build one with NewConfig or through package scenarios,
// and check it with Validate before a run: past that door a broken value is a bug.
type Config struct {
	Horizon   sim.Time // arrivals stop here; 0: none, the run ends when every workload is over
	Warmup    sim.Time // statistics start here
	Platform  Platform
	Workspace Workspace
	Functions []Function // in file order, which rules of precedence refer to
	Workloads []Workload // in file order
}

// None marks a limit that is lifted.
const None = -1

// Platform is how the platform schedules, limits and prices.
type Platform struct {
	Preset              string     `yaml:"preset"`
	Autoscaler          Autoscaler `yaml:"autoscaler"`
	Routing             Routing    `yaml:"routing"`
	Pack                bool       `yaml:"pack"`
	BurstPoll           sim.Time   `yaml:"burst_poll"`
	HardCap             int        `yaml:"hard_cap" none:"unlimited"` // containers a function; None: unlimited
	TimeoutKillsContain bool       `yaml:"timeout_kills_container"`
	Limits              Limits     `yaml:"limits"`
	Prices              Prices     `yaml:"prices"`
}

// Autoscaler holds the settings of rule 7.
type Autoscaler struct {
	Policy         string   `yaml:"policy"`
	Interval       sim.Time `yaml:"interval"` // 0: after every event
	Gain           float64  `yaml:"gain"`
	CancelStarting bool     `yaml:"cancel_starting"`
}

// Routing names the policy that picks a container for the head of the queue (rule 4).
type Routing string

// The routing policies of rule 4.
const (
	MostRecent  Routing = "most_recent"
	LongestIdle Routing = "longest_idle"
	LeastLoaded Routing = "least_loaded"
	MostLoaded  Routing = "most_loaded"
	Newest      Routing = "newest"
	Oldest      Routing = "oldest"
	RoundRobin  Routing = "round_robin"
	Random      Routing = "random"
)

// Routings lists the policies in the order in which the documentation names them.
var Routings = []Routing{MostRecent, LongestIdle, LeastLoaded, MostLoaded, Newest, Oldest, RoundRobin, Random}

// Limits are the platform's limits on submissions (rule 3). None lifts one.
type Limits struct {
	PendingSync    int      `yaml:"pending_sync" none:"unlimited"`
	TotalSync      int      `yaml:"total_sync" none:"unlimited"`
	PendingAsync   int      `yaml:"pending_async" none:"unlimited"`
	MapConcurrency int      `yaml:"map_concurrency" none:"unlimited"`
	RateSync       float64  `yaml:"rate_sync" unit:"rate" none:"unlimited"`  // per second; None: unlimited
	RateAsync      float64  `yaml:"rate_async" unit:"rate" none:"unlimited"` // per second; None: unlimited
	Burst          sim.Time `yaml:"burst"`                                   // depth of the token buckets, in time
}

// Prices in USD. A function's price is the sum of its GPUs, cores and memory, times its region.
type Prices struct {
	GPU          map[string]float64 `yaml:"gpu" unit:"price"`    // USD per GPU and second, by name
	CPU          float64            `yaml:"cpu" unit:"price"`    // USD per physical core and second
	Memory       float64            `yaml:"memory" unit:"price"` // USD per GiB and second
	Regions      map[string]float64 `yaml:"regions"`             // multiplier by region name
	NarrowRegion float64            `yaml:"narrow_region"`
}

// Workspace caps what all functions use together; None: no cap.
type Workspace struct {
	Plan          string `yaml:"plan"`
	MaxContainers int    `yaml:"max_containers" none:"unlimited"`
	MaxGPUs       int    `yaml:"max_gpus" none:"unlimited"`
}

// Function is one function's settings, as the file says them.
type Function struct {
	Name             string
	GPU              string         `yaml:"-"` // name without count, "" = none
	GPUs             int            `yaml:"-"` // GPUs a container
	CPU              float64        `yaml:"cpu"`
	MemoryGiB        float64        `yaml:"memory" unit:"memory"`
	Region           string         `yaml:"region"`
	MinContainers    int            `yaml:"min_containers"`
	MaxContainers    int            `yaml:"max_containers" none:"unlimited"` // None: unlimited
	BufferContainers int            `yaml:"buffer_containers"`
	ScaledownWindow  sim.Time       `yaml:"scaledown_window"`
	Concurrent       Concurrent     `yaml:"concurrent"`
	Batched          Batched        `yaml:"batched"`
	Timeout          sim.Time       `yaml:"timeout"`
	StartupTimeout   sim.Time       `yaml:"startup_timeout"`
	TimeoutKills     bool           `yaml:"timeout_kills_container"` // default: the platform's
	Retries          Retries        `yaml:"retries"`
	SingleUse        bool           `yaml:"single_use_containers"`
	Service          service.Config `yaml:"service"`
	ColdStart        ColdStart      `yaml:"cold_start"`
	Failures         Failures       `yaml:"failures"`
	Overhead         dist.Dist      `yaml:"overhead" unit:"time"`
	Updates          []Update       `yaml:"updates"`
	Deploys          []Deploy       `yaml:"deploys"`
}

// Concurrent is @modal.concurrent.
type Concurrent struct {
	MaxInputs    int `yaml:"max_inputs"`
	TargetInputs int `yaml:"target_inputs"` // default: MaxInputs
}

// Batched is @modal.batched. MaxBatchSize 0: not batched.
type Batched struct {
	MaxBatchSize int      `yaml:"max_batch_size"`
	Wait         sim.Time `yaml:"wait_ms" unit:"ms"`
}

// Retries says how often and how late something is tried again: delay n is
// min(InitialDelay × BackoffCoefficient^(n-1), MaxDelay).
type Retries struct {
	Max                int      `yaml:"max_retries"` // retries after the first attempt; None: for ever
	InitialDelay       sim.Time `yaml:"initial_delay"`
	BackoffCoefficient float64  `yaml:"backoff_coefficient"`
	MaxDelay           sim.Time `yaml:"max_delay"`
}

// ColdStart is what a container goes through before it is ready.
type ColdStart struct {
	Stages   []Stage  `yaml:"stages"`
	Snapshot Snapshot `yaml:"snapshot"`
}

// Stage is one step of a cold start.
type Stage struct {
	Name   string    `yaml:"name"`
	Time   dist.Dist `yaml:"time" unit:"time"`
	Billed bool      `yaml:"billed"`
}

// Snapshot replaces the stages of containers of a version whose number exceeds After.
// No Stages: no snapshot.
type Snapshot struct {
	After  int     `yaml:"after"`
	Stages []Stage `yaml:"stages"`
}

// Failures of attempts and containers.
type Failures struct {
	Rate           float64 `yaml:"rate" unit:"fraction"` // probability that an attempt that completes has failed
	CrashPerHour   float64 `yaml:"crash_per_hour"`       // per container and hour of readiness
	PreemptPerHour float64 `yaml:"preempt_per_hour"`
}

// Update is a call of update_autoscaler. A nil field stays as it is.
type Update struct {
	At               sim.Time  `yaml:"at"`
	Every            sim.Time  `yaml:"every"` // 0: once
	MinContainers    *int      `yaml:"min_containers"`
	MaxContainers    *int      `yaml:"max_containers" none:"unlimited"`
	BufferContainers *int      `yaml:"buffer_containers"`
	ScaledownWindow  *sim.Time `yaml:"scaledown_window"`
}

// Deploy replaces all containers of a function.
type Deploy struct {
	At       sim.Time `yaml:"at"`
	Strategy string   `yaml:"strategy"` // rolling or recreate
}

// Method is how a workload calls its function.
type Method string

// The methods of docs/semantics.md.
const (
	Remote   Method = "remote"
	Web      Method = "web"
	Map      Method = "map"
	Starmap  Method = "starmap"
	Spawn    Method = "spawn"
	SpawnMap Method = "spawn_map"
)

// Methods lists them in the order in which the documentation names them.
var Methods = []Method{Remote, Web, Map, Starmap, Spawn, SpawnMap}

// Async says whether the method counts against the limits of asynchronous inputs.
func (m Method) Async() bool { return m == Spawn || m == SpawnMap }

// Many says whether a call of the method has many inputs.
func (m Method) Many() bool { return m == Map || m == Starmap || m == SpawnMap }

// Maps says whether the method is map or starmap, whose calls keep a window of inputs outstanding.
func (m Method) Maps() bool { return m == Map || m == Starmap }

// Workload is who calls a function, when, how, and with what.
type Workload struct {
	Name             string           `yaml:"name"`
	Function         string           `yaml:"function"`
	Method           Method           `yaml:"method"`
	Arrivals         workload.Process `yaml:"arrivals"`
	Inputs           dist.Dist        `yaml:"inputs" unit:"number"`
	OrderOutputs     bool             `yaml:"order_outputs"`
	ReturnExceptions bool             `yaml:"return_exceptions"`
	Size             dist.Dist        `yaml:"size" unit:"number"`
	PromptTokens     dist.Dist        `yaml:"prompt_tokens" unit:"number"` // nil: from a trace, or no LLM function
	OutputTokens     dist.Dist        `yaml:"output_tokens" unit:"number"`
	Client           Client           `yaml:"client"`
}

// Client is how a caller copes with rejection and waiting.
type Client struct {
	Retry    Retries   `yaml:"retry"`                // Max counts re-submissions: the file's max_attempts - 1
	Patience dist.Dist `yaml:"patience" unit:"time"` // nil: none
}
