package experiment

// Result is what a scenario's replications say together; its JSON is the `--json` document of docs/semantics.md.
// section 4 plus the parts under "detail" that pictures are drawn from. All times are in seconds,
// money in USD. Maps are written with sorted keys, so the bytes depend on the values alone.
type Result struct {
	Simcap       string              `json:"simcap"` // version of the program
	Scenario     string              `json:"scenario"`
	Seed         uint64              `json:"seed"`
	Replications int                 `json:"replications"`
	WarmupS      float64             `json:"warmup_s"`
	HorizonS     *float64            `json:"horizon_s"` // null without a horizon
	Functions    map[string]Measures `json:"functions"`
	Workloads    map[string]Measures `json:"workloads"`
	Total        Measures            `json:"total"`
	SLO          []Verdict           `json:"slo"`
	Warnings     []string            `json:"warnings"`
	Notes        []string            `json:"-"`                // what is special about intervals and warm-up; also in Detail
	Detail       *Detail             `json:"detail,omitempty"` // in results.json; left out of `--json`
}

// Estimate is a mean over replications with its 95 % confidence interval. Value is null where there
// was nothing to average; Low and High are null with one replication. Quantiles are those of the
// inputs of all replications together. docs/estimates.md says how intervals are made.
type Estimate struct {
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`

	// Within is the interval that a lone replication gives of itself, by batch means; nil where there
	// is none. Detail.Within has it in results.json.
	Within *Bounds `json:"-"`
}

// Measures is M of docs/semantics.md. A workload's has no Containers, Utilization and Cost.
type Measures struct {
	Inputs           InputCounts `json:"inputs"`
	LatencyS         Quantiles   `json:"latency_s"`
	BreakdownS       Breakdown   `json:"breakdown_s"`
	ThroughputPerS   Estimate    `json:"throughput_per_s"`
	RejectedFraction Estimate    `json:"rejected_fraction"`
	// Fractions that only objectives name; the counts in Inputs say the same.
	ColdStartFraction Estimate         `json:"-"` // cold started / submitted
	CompletedFraction Estimate         `json:"-"` // completed / submitted
	QueueMean         Estimate         `json:"queue_mean"`
	BatchSizeMean     Estimate         `json:"batch_size_mean"`
	Containers        *ContainerCounts `json:"containers,omitempty"`
	Utilization       *Estimate        `json:"utilization,omitempty"`
	CostUSD           *Cost            `json:"cost_usd,omitempty"`
	Calls             CallCounts       `json:"calls"`
	Energy            *EnergyUse       `json:"energy,omitempty"` // where profiles know it
	// Of inputs of LLM functions, where there are any.
	TTFTS            *Quantiles `json:"ttft_s,omitempty"` // first submission to first output token
	TPOTS            *Quantiles `json:"tpot_s,omitempty"` // of each output token after the first
	OutputTokensPerS *Speed     `json:"output_tokens_per_s,omitempty"`
	Preempted        *Estimate  `json:"preempted,omitempty"` // inputs that an engine preempted
}

// InputCounts counts the inputs first submitted in the window by what became of them.
type InputCounts struct {
	Submitted   Estimate   `json:"submitted"`
	Completed   Estimate   `json:"completed"`
	Failed      Estimate   `json:"failed"`
	TimedOut    Estimate   `json:"timed_out"`
	Abandoned   Estimate   `json:"abandoned"`
	Cancelled   Estimate   `json:"cancelled"`
	Rejected    Rejections `json:"rejected"`
	Retried     Estimate   `json:"retried"`
	ColdStarted Estimate   `json:"cold_started"`
}

// Rejections counts rejected inputs by reason.
type Rejections struct {
	RateLimit    Estimate `json:"rate_limit"`
	PendingLimit Estimate `json:"pending_limit"`
	TotalLimit   Estimate `json:"total_limit"`
}

// Quantiles of a time over the inputs that completed, in seconds.
type Quantiles struct {
	Mean Estimate `json:"mean"`
	P50  Estimate `json:"p50"`
	P90  Estimate `json:"p90"`
	P95  Estimate `json:"p95"`
	P99  Estimate `json:"p99"`
	P999 Estimate `json:"p999"`
	Max  Estimate `json:"max"`
}

// Breakdown is the mean of each part of latency, in seconds; the parts add up to the mean latency.
type Breakdown struct {
	Backoff      Estimate `json:"backoff"`
	Cold         Estimate `json:"cold"`
	Queue        Estimate `json:"queue"`
	BatchWait    Estimate `json:"batch_wait"`
	Service      Estimate `json:"service"`
	Interference Estimate `json:"interference"`
	Overhead     Estimate `json:"overhead"`
}

// ContainerCounts are time averages and counts of containers in the window.
type ContainerCounts struct {
	LiveMean      Estimate `json:"live_mean"`
	StartingMean  Estimate `json:"starting_mean"`
	BusyMean      Estimate `json:"busy_mean"`
	IdleMean      Estimate `json:"idle_mean"`
	Peak          Estimate `json:"peak"`
	Started       Estimate `json:"started"`
	Stopped       Estimate `json:"stopped"`
	LifetimeMeanS Estimate `json:"lifetime_mean_s"`
}

// Cost of the window in USD.
type Cost struct {
	Total       Estimate `json:"total"`
	Busy        Estimate `json:"busy"`
	Idle        Estimate `json:"idle"`
	Cold        Estimate `json:"cold"`
	PerHour     Estimate `json:"per_hour"`
	Per1kInputs Estimate `json:"per_1k_inputs"`
}

// CallCounts are the calls begun in the window and their makespans in seconds.
type CallCounts struct {
	Count     Estimate  `json:"count"`
	MakespanS Quantiles `json:"makespan_s"`
}

// Verdict is an objective and how it was met. Met is null when the interval spans the bound.
type Verdict struct {
	Metric   string   `json:"metric"`
	Function string   `json:"function,omitempty"`
	Workload string   `json:"workload,omitempty"`
	Max      *float64 `json:"max"`
	Min      *float64 `json:"min,omitempty"`
	Value    Estimate `json:"value"`
	Met      *bool    `json:"met"`
}

// Detail is what pictures are drawn from. Series and timelines are those of the first replication;
// distributions pool all replications.
type Detail struct {
	ScenarioYAML string                       `json:"scenario_yaml"` // as it was run
	Assumptions  []Assumption                 `json:"assumptions"`   // settings that the platform does not publish
	WindowS      [2]float64                   `json:"window_s"`      // start and end of the statistics' window
	Functions    map[string]FunctionDetail    `json:"functions"`
	Notes        []string                     `json:"notes,omitempty"`  // how intervals and warm-up were made
	Within       map[string]map[string]Bounds `json:"within,omitempty"` // by scope, then metric: of one replication
	Workloads    map[string]WorkloadDetail    `json:"workloads,omitempty"`
	Platform     string                       `json:"platform,omitempty"`     // the preset's name
	PriceSource  string                       `json:"price_source,omitempty"` // where the prices come from, with the date
	Synthetic    bool                         `json:"synthetic,omitempty"`    // a profile was not measured on hardware
	Sensitivity  map[string]string            `json:"sensitivity,omitempty"`  // by an assumption's key: what a sweep of it showed
}

// WorkloadDetail is one workload's pictures.
type WorkloadDetail struct {
	Function string       `json:"function"`
	Method   string       `json:"method"`
	Makespan Distribution `json:"makespan"` // of calls that are over, all replications
}

// PoolSettings are the settings of a function that its pictures and hints name.
type PoolSettings struct {
	MinContainers    int     `json:"min_containers"`
	MaxContainers    int     `json:"max_containers"` // 0: unlimited
	BufferContainers int     `json:"buffer_containers"`
	ScaledownWindowS float64 `json:"scaledown_window_s"`
	MaxInputs        int     `json:"max_inputs"`
	MaxBatchSize     int     `json:"max_batch_size"` // 0: not batched
	BatchWaitS       float64 `json:"batch_wait_s"`
}

// Assumption is a setting of the platform model that the platform does not publish.
type Assumption struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Why   string `json:"why"`
}

// FunctionDetail is one function's pictures.
type FunctionDetail struct {
	GPU          string         `json:"gpu"`
	PricePerS    float64        `json:"price_per_s"` // USD per container and second
	Settings     PoolSettings   `json:"settings"`
	Series       Series         `json:"series"`
	Latency      Distribution   `json:"latency"`
	Bands        []Band         `json:"bands"` // what inputs at p0-50, 50-90, 90-95, 95-99, 99-99.9, 99.9-100 spent their time on
	ColdStages   []Stage        `json:"cold_stages"`
	BatchSizes   []int64        `json:"batch_sizes"` // element n-1: batches of n inputs that began in the window
	Gantt        []ContainerRow `json:"gantt"`       // containers of the first replication, every n-th when there are many
	GanttSampled bool           `json:"gantt_sampled"`
	TTFT         *Distribution  `json:"ttft,omitempty"` // of LLM functions, all replications
	TPOT         *Distribution  `json:"tpot,omitempty"`
}

// Series is a function over time in bins of equal length: element i covers
// [StartS + i × BinS, StartS + (i+1) × BinS). Levels are time averages over the bin, with the peak
// where it matters; rates are per second. A null latency means that nothing completed in the bin.
type Series struct {
	StartS       float64    `json:"start_s"`
	BinS         float64    `json:"bin_s"`
	ArrivalsPerS []float64  `json:"arrivals_per_s"`
	RejectedPerS []float64  `json:"rejected_per_s"`
	Queue        []float64  `json:"queue"`
	QueueMax     []float64  `json:"queue_max"`
	Starting     []float64  `json:"starting"`
	Idle         []float64  `json:"idle"`
	Busy         []float64  `json:"busy"`
	Draining     []float64  `json:"draining"`
	LiveMax      []float64  `json:"live_max"`
	CostPerHour  []float64  `json:"cost_per_hour"` // USD
	LatencyP50S  []*float64 `json:"latency_p50_s"` // by instant of completion
	LatencyP90S  []*float64 `json:"latency_p90_s"`
	LatencyP99S  []*float64 `json:"latency_p99_s"`
}

// Distribution is a cumulative distribution: AtS[i] is the smallest latency that a share Q[i] of
// inputs does not exceed.
type Distribution struct {
	Q   []float64 `json:"q"`
	AtS []float64 `json:"at_s"`
}

// Band is the mean breakdown of the inputs whose latency lies between two quantiles.
type Band struct {
	From      float64            `json:"from"` // quantile, 0 to 1
	To        float64            `json:"to"`
	Inputs    int64              `json:"inputs"`
	MeanS     float64            `json:"mean_s"`
	PartsMean map[string]float64 `json:"parts_mean_s"` // keys of Breakdown's JSON
}

// Stage is the mean time of a cold-start stage over the containers that started in the window.
type Stage struct {
	Name   string  `json:"name"`
	MeanS  float64 `json:"mean_s"`
	Count  int64   `json:"count"`
	Billed bool    `json:"billed"`
}

// ContainerRow is the life of one container; ReadyS and StoppedS are null when it never was or did.
type ContainerRow struct {
	Number   int      `json:"number"`
	CreatedS float64  `json:"created_s"`
	ReadyS   *float64 `json:"ready_s"`
	StoppedS *float64 `json:"stopped_s"`
	Inputs   int64    `json:"inputs"`
	BusyS    float64  `json:"busy_s"`
	Reason   string   `json:"reason"`
	// StandsFor is how many containers the row stands for where there are too many to be drawn; 0 is 1.
	StandsFor int64 `json:"stands_for"`
}
