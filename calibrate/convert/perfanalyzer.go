package convert

import (
	"errors"
	"math"
	"slices"
)

// isPerfAnalyzer knows the CSV of perf_analyzer, and of perf_client as it was called before.
func isPerfAnalyzer(s *source) bool {
	return s.sheet != nil && s.sheet.column("inferences/second") >= 0
}

// What a request consists of, in µs: at the client, and between it and the server and there. perf_client
// had one column of the computing; a response cache adds two.
var (
	clientParts = []string{"client send", "client recv"}
	serverParts = []string{"network+server send/recv", "server queue", "server compute",
		"server compute input", "server compute infer", "server compute output", "server cache hit",
		"server cache miss"}
)

// readPerfAnalyzer reads `perf_analyzer -f`: a row for each concurrency or request rate, latencies in µs
// of requests, throughput in inputs. The mean latency is there with --verbose-csv; else it is the sum of
// the parts of a request, as long as the server's are among them, which they are not for servers other
// than Triton.
func readPerfAnalyzer(f *source, r *Result) error {
	s := f.sheet
	if s == nil || s.column("inferences/second") < 0 {
		return errors.New("there is no column Inferences/Second")
	}
	for i := range s.rows {
		var failed error
		get := func(names ...string) float64 {
			x, err := s.number(i, s.column(names...))
			failed = errors.Join(failed, err)
			if math.IsNaN(x) {
				return 0
			}
			return x
		}
		row := Row{Batch: max(1, f.Batch), Concurrency: get("concurrency"), Mean: get("avg latency") / 1e6,
			P50: get("p50 latency") / 1e6, P90: get("p90 latency") / 1e6, P95: get("p95 latency") / 1e6,
			P99: get("p99 latency") / 1e6}
		if b := get("batch", "batch size"); b >= 1 {
			row.Batch = int(min(b, 1e9))
		}
		row.Throughput = get("inferences/second") / float64(row.Batch)
		told := func(part string) bool { return s.column(part) >= 0 }
		if row.Mean == 0 && slices.ContainsFunc(serverParts, told) {
			for _, part := range slices.Concat(clientParts, serverParts) {
				row.Mean += get(part) / 1e6
			}
		}
		if row.Concurrency == 0 { // of a request rate; a level that failed has no throughput
			row.Concurrency = row.Throughput * row.latency()
		}
		if failed != nil {
			return failed
		}
		if row.latency() == 0 && row.Throughput == 0 {
			continue
		}
		r.Rows = append(r.Rows, row)
	}
	return nil
}
