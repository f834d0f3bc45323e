package report

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// Rows gather in batches before they are encoded, and a row group holds as many as readers like.
const (
	parquetBatch    = 1024
	parquetRowGroup = 200_000
)

// inputRecord is a line of InputsCSV; what is empty there is null here, and seconds are doubles.
type inputRecord struct {
	Replication   int32    `parquet:"replication,dict"`
	Function      string   `parquet:"function,dict"`
	Workload      string   `parquet:"workload,dict"`
	Call          int64    `parquet:"call,delta"`
	Input         int64    `parquet:"input"`
	Size          float64  `parquet:"size"`
	SubmittedS    float64  `parquet:"submitted_s"`
	AdmittedS     *float64 `parquet:"admitted_s,optional"`
	AssignedS     *float64 `parquet:"assigned_s,optional"`
	StartedS      *float64 `parquet:"started_s,optional"`
	CompletedS    *float64 `parquet:"completed_s,optional"`
	LatencyS      float64  `parquet:"latency_s"`
	BackoffS      float64  `parquet:"backoff_s"`
	ColdS         float64  `parquet:"cold_s"`
	QueueS        float64  `parquet:"queue_s"`
	BatchWaitS    float64  `parquet:"batch_wait_s"`
	ServiceS      float64  `parquet:"service_s"`
	InterferenceS float64  `parquet:"interference_s"`
	OverheadS     float64  `parquet:"overhead_s"`
	Container     *int64   `parquet:"container,optional"`
	BatchSize     *int64   `parquet:"batch_size,optional"`
	Attempts      int32    `parquet:"attempts"`
	Outcome       string   `parquet:"outcome,dict"`
}

// llmRecord is a line of the table with the columns of LLM inputs.
type llmRecord struct {
	inputRecord
	PromptTokens *int64   `parquet:"prompt_tokens,optional"`
	OutputTokens *int64   `parquet:"output_tokens,optional"`
	TTFTS        *float64 `parquet:"ttft_s,optional"`
	TPOTS        *float64 `parquet:"tpot_s,optional"`
	Preemptions  *int64   `parquet:"preemptions,optional"`
}

// containerRecord is a line of ContainersCSV.
type containerRecord struct {
	Replication int32    `parquet:"replication,dict"`
	Function    string   `parquet:"function,dict"`
	Container   int64    `parquet:"container,delta"`
	CreatedS    *float64 `parquet:"created_s,optional"`
	ReadyS      *float64 `parquet:"ready_s,optional"`
	StoppedS    *float64 `parquet:"stopped_s,optional"`
	Inputs      int64    `parquet:"inputs"`
	ColdS       float64  `parquet:"cold_s"`
	BusyS       float64  `parquet:"busy_s"`
	IdleS       float64  `parquet:"idle_s"`
	CostUSD     float64  `parquet:"cost_usd"`
	Reason      string   `parquet:"reason,dict"`
}

// table writes records of one kind to a Parquet file, in batches that are used again.
type table[R any] struct {
	w       *parquet.GenericWriter[R]
	batch   []R
	inGroup int
}

func newTable[R any](w io.Writer) table[R] {
	return table[R]{
		w: parquet.NewGenericWriter[R](w, parquet.Compression(&zstd.Codec{}),
			parquet.CreatedBy("simcap", "", "")),
		batch: make([]R, 0, parquetBatch),
	}
}

// next is a place for one more record; the batch is written when it is full.
func (t *table[R]) next() (*R, error) {
	if len(t.batch) == cap(t.batch) {
		if err := t.write(); err != nil {
			return nil, err
		}
	}
	t.batch = t.batch[:len(t.batch)+1]
	return &t.batch[len(t.batch)-1], nil
}

func (t *table[R]) write() error {
	if _, err := t.w.Write(t.batch); err != nil {
		return fmt.Errorf("report: parquet: %w", err)
	}
	if t.inGroup += len(t.batch); t.inGroup >= parquetRowGroup {
		if err := t.w.Flush(); err != nil {
			return fmt.Errorf("report: parquet: %w", err)
		}
		t.inGroup = 0
	}
	t.batch = t.batch[:0]
	return nil
}

func (t *table[R]) close() error {
	if err := t.write(); err != nil {
		return err
	}
	if err := t.w.Close(); err != nil {
		return fmt.Errorf("report: parquet: %w", err)
	}
	return nil
}

// InputsParquet writes the rows of InputsCSV as a Parquet file (zstd).
type InputsParquet struct {
	table table[inputRecord]
	columns
}

// NewInputsParquet writes to w, which the caller closes after Close.
func NewInputsParquet(w io.Writer) *InputsParquet {
	return &InputsParquet{table: newTable[inputRecord](w), columns: newColumns()}
}

func newColumns() columns {
	return columns{seconds: make([]float64, 4*parquetBatch), counts: make([]int64, 2*parquetBatch)}
}

// Write adds a row.
func (p *InputsParquet) Write(r *model.InputRow) error {
	record, err := p.table.next()
	if err != nil {
		return err
	}
	p.fill(record, len(p.table.batch)-1, r)
	return nil
}

// columns are what the optional columns of a batch point to.
type columns struct {
	seconds []float64
	counts  []int64
}

// fill makes the record at a place of the batch that of a row.
func (p *columns) fill(record *inputRecord, at int, r *model.InputRow) {
	seconds, counts := p.seconds[4*at:], p.counts[2*at:]
	*record = inputRecord{
		Replication: int32(r.Replication), Function: r.Function, Workload: r.Workload, Call: r.Call,
		Input: int64(r.Input), Size: r.Size, SubmittedS: r.Submitted.Seconds(),
		AdmittedS: instant(&seconds[0], r.Admitted), AssignedS: instant(&seconds[1], r.Assigned),
		StartedS: instant(&seconds[2], r.Started), CompletedS: instant(&seconds[3], r.Completed),
		LatencyS: r.Latency.Seconds(), BackoffS: r.Parts[model.Backoff].Seconds(),
		ColdS: r.Parts[model.Cold].Seconds(), QueueS: r.Parts[model.Queue].Seconds(),
		BatchWaitS: r.Parts[model.BatchWait].Seconds(), ServiceS: r.Parts[model.Served].Seconds(),
		InterferenceS: r.Parts[model.Interference].Seconds(), OverheadS: r.Parts[model.Overhead].Seconds(),
		Container: positive(&counts[0], r.Container), BatchSize: positive(&counts[1], int64(r.BatchSize)),
		Attempts: int32(r.Attempts), Outcome: r.Outcome.String(),
	}
}

// Close writes what is left and the file's footer. It does not close the writer.
func (p *InputsParquet) Close() error { return p.table.close() }

// LLMInputsParquet is InputsParquet with the columns of LLM inputs, which are null for others.
type LLMInputsParquet struct {
	table table[llmRecord]
	columns
	times  []float64
	tokens []int64
}

// NewLLMInputsParquet writes to w, which the caller closes after Close.
func NewLLMInputsParquet(w io.Writer) *LLMInputsParquet {
	return &LLMInputsParquet{table: newTable[llmRecord](w), columns: newColumns(),
		times: make([]float64, 2*parquetBatch), tokens: make([]int64, 3*parquetBatch)}
}

// Write adds a row.
func (p *LLMInputsParquet) Write(r *model.InputRow) error {
	record, err := p.table.next()
	if err != nil {
		return err
	}
	at := len(p.table.batch) - 1
	*record = llmRecord{}
	p.fill(&record.inputRecord, at, r)
	if r.LLM.Prompt == 0 {
		return nil
	}
	times, tokens := p.times[2*at:], p.tokens[3*at:]
	tokens[0], tokens[1], tokens[2] = int64(r.LLM.Prompt), int64(r.LLM.Output), int64(r.LLM.Preemptions)
	record.PromptTokens, record.OutputTokens, record.Preemptions = &tokens[0], &tokens[1], &tokens[2]
	record.TTFTS, record.TPOTS = instant(&times[0], r.LLM.TTFT), instant(&times[1], r.LLM.TPOT)
	return nil
}

// Close writes what is left and the file's footer. It does not close the writer.
func (p *LLMInputsParquet) Close() error { return p.table.close() }

// ContainersParquet writes the rows of ContainersCSV as a Parquet file (zstd).
type ContainersParquet struct {
	table   table[containerRecord]
	seconds []float64
}

// NewContainersParquet writes to w, which the caller closes after Close.
func NewContainersParquet(w io.Writer) *ContainersParquet {
	return &ContainersParquet{table: newTable[containerRecord](w), seconds: make([]float64, 3*parquetBatch)}
}

// Write adds a row.
func (p *ContainersParquet) Write(r *model.ContainerRow) error {
	record, err := p.table.next()
	if err != nil {
		return err
	}
	seconds := p.seconds[3*(len(p.table.batch)-1):]
	*record = containerRecord{
		Replication: int32(r.Replication), Function: r.Function, Container: r.Container,
		CreatedS: instant(&seconds[0], r.Created), ReadyS: instant(&seconds[1], r.Ready),
		StoppedS: instant(&seconds[2], stopped(r)), Inputs: r.Inputs, ColdS: r.Cold.Seconds(),
		BusyS: r.Busy.Seconds(), IdleS: r.Idle.Seconds(), CostUSD: r.CostUSD, Reason: r.Reason,
	}
	return nil
}

// Close writes what is left and the file's footer. It does not close the writer.
func (p *ContainersParquet) Close() error { return p.table.close() }

// instant stores t in seconds and points to it; nil where t never came.
func instant(place *float64, t sim.Time) *float64 {
	if t == model.Unset {
		return nil
	}
	*place = t.Seconds()
	return place
}

// positive stores n and points to it; nil where there is none.
func positive(place *int64, n int64) *int64 {
	if n <= 0 {
		return nil
	}
	*place = n
	return place
}
