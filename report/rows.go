package report

import (
	"io"
	"strconv"
	"strings"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// The columns of the tables of rows, docs/semantics.md.
const (
	inputColumns = "replication,function,workload,call,input,size,submitted_s,admitted_s,assigned_s," +
		"started_s,completed_s,latency_s,backoff_s,cold_s,queue_s,batch_wait_s,service_s," +
		"interference_s,overhead_s,container,batch_size,attempts,outcome"
	llmColumns       = ",prompt_tokens,output_tokens,ttft_s,tpot_s,preemptions"
	containerColumns = "replication,function,container,created_s,ready_s,stopped_s,inputs,cold_s,busy_s," +
		"idle_s,cost_usd,reason\n"
)

// flushAt is how many bytes gather before they are written out; a row never has more than the rest.
const (
	flushAt  = 1 << 16
	roomFor1 = 1 << 10
)

// buffer gathers bytes and keeps the first error of writing them.
type buffer struct {
	w   io.Writer
	b   []byte
	err error
}

func newBuffer(w io.Writer, header string) buffer {
	return buffer{w: w, b: append(make([]byte, 0, flushAt+roomFor1), header...)}
}

func (o *buffer) flush() error {
	if o.err == nil && len(o.b) > 0 {
		_, o.err = o.w.Write(o.b)
	}
	o.b = o.b[:0]
	return o.err
}

func (o *buffer) rowDone(b []byte) error {
	o.b = b
	if len(b) < flushAt {
		return o.err
	}
	return o.flush()
}

// InputsCSV writes one line per input, with a header. Seconds have nine decimals, the size twelve
// significant digits; instants that never came, and the container and batch of an input that never
// had one, are empty.
type InputsCSV struct {
	out buffer
	llm bool // with the columns of LLM inputs
}

// NewInputsCSV writes to w, which the caller closes after Close.
func NewInputsCSV(w io.Writer) *InputsCSV {
	return &InputsCSV{newBuffer(w, inputColumns+"\n"), false}
}

// NewLLMInputsCSV is NewInputsCSV with the columns of LLM inputs, which are empty for others.
func NewLLMInputsCSV(w io.Writer) *InputsCSV {
	return &InputsCSV{newBuffer(w, inputColumns+llmColumns+"\n"), true}
}

// Write adds a row.
func (c *InputsCSV) Write(r *model.InputRow) error {
	b := strconv.AppendInt(c.out.b, int64(r.Replication), 10)
	b = appendText(append(b, ','), r.Function)
	b = appendText(append(b, ','), r.Workload)
	b = strconv.AppendInt(append(b, ','), r.Call, 10)
	b = strconv.AppendInt(append(b, ','), int64(r.Input), 10)
	b = appendSize(append(b, ','), r.Size)
	b = appendInstant(append(b, ','), r.Submitted)
	b = appendInstant(append(b, ','), r.Admitted)
	b = appendInstant(append(b, ','), r.Assigned)
	b = appendInstant(append(b, ','), r.Started)
	b = appendInstant(append(b, ','), r.Completed)
	b = appendSeconds(append(b, ','), r.Latency)
	for _, part := range r.Parts {
		b = appendSeconds(append(b, ','), part)
	}
	b = appendPositive(append(b, ','), r.Container)
	b = appendPositive(append(b, ','), int64(r.BatchSize))
	b = strconv.AppendInt(append(b, ','), int64(r.Attempts), 10)
	b = append(append(b, ','), r.Outcome.String()...)
	if c.llm {
		b = appendLLM(b, &r.LLM)
	}
	return c.out.rowDone(append(b, '\n'))
}

// appendLLM appends the columns of an LLM input, empty for any other.
func appendLLM(b []byte, r *model.LLMRow) []byte {
	if r.Prompt == 0 {
		return append(b, ",,,,,"...)
	}
	b = strconv.AppendInt(append(b, ','), int64(r.Prompt), 10)
	b = strconv.AppendInt(append(b, ','), int64(r.Output), 10)
	b = appendInstant(append(b, ','), r.TTFT)
	b = appendInstant(append(b, ','), r.TPOT)
	return strconv.AppendInt(append(b, ','), int64(r.Preemptions), 10)
}

// Close writes what is left. It does not close the writer.
func (c *InputsCSV) Close() error { return c.out.flush() }

// ContainersCSV writes one line per container, with a header, in the formats of InputsCSV and the cost
// with nine decimals. The instant of stopping is empty for a container that was alive at the end.
type ContainersCSV struct{ out buffer }

// NewContainersCSV writes to w, which the caller closes after Close.
func NewContainersCSV(w io.Writer) *ContainersCSV {
	return &ContainersCSV{newBuffer(w, containerColumns)}
}

// Write adds a row.
func (c *ContainersCSV) Write(r *model.ContainerRow) error {
	b := strconv.AppendInt(c.out.b, int64(r.Replication), 10)
	b = appendText(append(b, ','), r.Function)
	b = strconv.AppendInt(append(b, ','), r.Container, 10)
	b = appendInstant(append(b, ','), r.Created)
	b = appendInstant(append(b, ','), r.Ready)
	b = appendInstant(append(b, ','), stopped(r))
	b = strconv.AppendInt(append(b, ','), r.Inputs, 10)
	b = appendSeconds(append(b, ','), r.Cold)
	b = appendSeconds(append(b, ','), r.Busy)
	b = appendSeconds(append(b, ','), r.Idle)
	b = strconv.AppendFloat(append(b, ','), r.CostUSD, 'f', 9, 64)
	b = append(append(b, ','), r.Reason...)
	return c.out.rowDone(append(b, '\n'))
}

// Close writes what is left. It does not close the writer.
func (c *ContainersCSV) Close() error { return c.out.flush() }

// stopped is the instant of stopping, Unset for a container that the end of the run found alive.
func stopped(r *model.ContainerRow) sim.Time {
	if r.Reason == "end" {
		return model.Unset
	}
	return r.Stopped
}

// digits holds 00 to 99.
const digits = "00010203040506070809101112131415161718192021222324" +
	"25262728293031323334353637383940414243444546474849" +
	"50515253545556575859606162636465666768697071727374" +
	"75767778798081828384858687888990919293949596979899"

// appendSeconds appends a span in seconds with nine decimals. It divides by constants only, which
// makes it several times as fast as a loop over powers of ten.
func appendSeconds(b []byte, t sim.Time) []byte {
	if t < 0 {
		b = append(b, '-')
		t = -t
	}
	whole, rest := uint64(t)/1e9, uint32(uint64(t)%1e9)
	if whole < 10 {
		b = append(b, byte('0'+whole))
	} else {
		b = strconv.AppendUint(b, whole, 10)
	}
	high, low := rest/10000, rest%10000 // five and four digits
	d0, d12, d34 := high/10000, high/100%100, high%100
	d56, d78 := low/100, low%100
	return append(b, '.', byte('0'+d0), digits[2*d12], digits[2*d12+1], digits[2*d34], digits[2*d34+1],
		digits[2*d56], digits[2*d56+1], digits[2*d78], digits[2*d78+1])
}

func appendInstant(b []byte, t sim.Time) []byte {
	if t == model.Unset {
		return b
	}
	return appendSeconds(b, t)
}

func appendPositive(b []byte, n int64) []byte {
	if n <= 0 {
		return b
	}
	return strconv.AppendInt(b, n, 10)
}

// appendSize appends x with twelve significant digits, as C's %.12g does.
func appendSize(b []byte, x float64) []byte {
	if n := int64(x); float64(n) == x && n > -1e12 && n < 1e12 {
		return strconv.AppendInt(b, n, 10)
	}
	return strconv.AppendFloat(b, x, 'g', 12, 64)
}

// appendText appends a name, quoted where CSV needs it (RFC 4180).
func appendText(b []byte, s string) []byte {
	if !strings.ContainsAny(s, ",\"\r\n") {
		return append(b, s...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(s, `"`, `""`)...)
	return append(b, '"')
}
