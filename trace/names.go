package trace

import (
	"fmt"
	"slices"
	"strings"
)

// normalName is a column's name in lower case with its words joined by underscores: "Request tokens",
// "requestTokens" and "request_tokens" are one name.
func normalName(name string) string {
	var b strings.Builder
	lower, gap := false, false
	for _, c := range strings.TrimSpace(name) {
		switch {
		case c >= 'A' && c <= 'Z':
			if (lower || gap) && b.Len() > 0 {
				b.WriteByte('_')
			}
			b.WriteRune(c - 'A' + 'a')
			lower, gap = false, false
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c > 127:
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			b.WriteRune(c)
			lower, gap = true, false
		default:
			gap = true
		}
	}
	return b.String()
}

// splitHeader is the names of a header line.
func splitHeader(line []byte, sep byte) []string {
	names := strings.Split(string(line), string(sep))
	for i := range names {
		names[i] = strings.Trim(strings.TrimSpace(names[i]), `"`)
	}
	return names
}

// mapColumns gives columns the roles that Columns asks for.
func (o *Options) mapColumns(columns []column) error {
	for r := roleTime; r < numRoles; r++ {
		want, ok := o.Columns[roleNames[r]]
		if !ok || roleNames[r] == "" {
			continue
		}
		found := false
		names := make([]string, len(columns))
		for i := range columns {
			names[i] = columns[i].name
			if columns[i].role == r {
				columns[i].role = roleNone
			}
		}
		for i := range columns {
			if name, unit := splitUnit(want, r); !found && sameName(columns[i].name, want, name) {
				columns[i].role, columns[i].unit, columns[i].per, found = r, unit, 0, true
			}
		}
		if !found {
			return fmt.Errorf("no column %q for role %s%s; the file has %s", want, roleNames[r],
				suggestion(want, names), strings.Join(names, ", "))
		}
	}
	return nil
}

// splitUnit takes the unit off a mapping such as "latency:ms"; without one it is that of the name.
func splitUnit(want string, r role) (string, int) {
	if r == roleCount || r == roleRate {
		return want, unitUnknown
	}
	if name, suffix, ok := strings.Cut(want, ":"); ok {
		if _, unit := stem("_" + suffix); unit != unitUnknown {
			return name, unit
		}
	}
	_, unit := stem(normalName(want))
	return want, unit
}

// sameName says whether a column's name is the one that is wanted, with or without its unit.
func sameName(have, want, name string) bool {
	return have == want || have == name || normalName(have) == normalName(name)
}

// noTime says that no column holds the arrivals.
func noTime(columns []column) error {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].name
	}
	return fmt.Errorf("no column tells when requests arrived; say which does (columns: time or end); "+
		"the file has %s", strings.Join(names, ", "))
}

// checkColumns refuses roles that do not exist.
func (o *Options) checkColumns() error {
	var roles []string
	for _, name := range roleNames {
		if name != "" {
			roles = append(roles, name)
		}
	}
	for name := range o.Columns {
		known := false
		for _, r := range roles {
			known = known || r == name
		}
		if !known {
			return fmt.Errorf("unknown role %q of a column%s; the roles are %s", name,
				suggestion(name, roles), strings.Join(roles, ", "))
		}
	}
	return nil
}

// stem takes the unit of time off a normal name: server_elapsed_ms is server_elapsed in ms.
func stem(name string) (base string, unit int) {
	cut := strings.LastIndexByte(name, '_')
	if cut < 0 {
		return name, unitUnknown
	}
	switch name[cut+1:] {
	case "s", "sec", "secs", "second", "seconds":
		return name[:cut], unitS
	case "ms", "msec", "millis", "millisecond", "milliseconds":
		return name[:cut], unitMS
	case "us", "usec", "micros", "microsecond", "microseconds":
		return name[:cut], unitUS
	case "ns", "nsec", "nanos", "nanosecond", "nanoseconds":
		return name[:cut], unitNS
	}
	return name, unitUnknown
}

// synonyms are the names that columns of each meaning have in the wild, as normalName makes them and
// without their unit, the most telling first.
var synonyms = [numRoles][]string{
	roleTime: {"arrival_time", "arrived_at", "arrival", "arrival_timestamp", "arrival_ts",
		"request_creation_time", "request_start", "start_time", "started_at", "start_timestamp",
		"submit_time", "submitted_at", "submitted", "created_at", "start", "timestamp",
		"window_start", "interval_start", "ts", "time", "datetime", "date_time", "event_time", "date",
		"t", "time_iso8601", "time_local", "minute", "bucket"},
	roleEnd: {"end_timestamp", "end_time", "ended_at", "completed_at", "completion_time",
		"finished_at", "finish_time", "msec", "end"},
	roleDuration: {"server_elapsed", "service_time", "execution_time", "exec_time", "processing_time",
		"duration", "request_time", "response_time", "latency", "elapsed_time", "elapsed", "runtime",
		"e2e_latency", "client_elapsed", "request_latency", "took"},
	roleDemand: {"demand", "upstream_response_time", "target_processing_time"},
	roleFunction: {"function", "function_name", "func", "hash_function", "endpoint", "model",
		"model_name", "deployment", "route", "path", "uri", "url", "request_uri", "service",
		"operation", "app_name", "app"},
	roleSize: {"size", "units", "batch_size", "num_images", "images", "num_prompts"},
	rolePrompt: {"prompt_tokens", "input_tokens", "context_tokens", "input_length", "prompt_len",
		"num_prefill_tokens", "request_tokens", "input_toks", "tokens_in", "isl", "prompt_length",
		"num_input_tokens", "input_len", "prompt"},
	roleOutput: {"output_tokens", "completion_tokens", "generated_tokens", "output_length",
		"num_decode_tokens", "response_tokens", "output_toks", "tokens_out", "osl", "output_len",
		"num_output_tokens", "output"},
	roleStatus: {"status", "status_code", "http_status", "code", "elb_status_code", "response_code"},
	roleCount: {"requests", "count", "request_count", "invocations", "num_requests", "hits", "calls",
		"total_requests", "value", "sum"},
	roleRate: {"rate_rps", "rps", "qps", "rate", "requests_per_second", "req_per_s", "req_s",
		"requests_per_s", "requests_s", "rate_per_s", "rpm", "requests_per_minute", "req_per_min"},
}

// generic gives columns the roles that their names suggest. A count or a rate makes rows buckets,
// unless they have tokens; a column that is just called value or sum does so only if nothing else
// tells of single requests.
func generic(columns []column) {
	tokens, single := false, false
	own := ownRows(columns)
	for r := roleTime; r < numRoles; r++ {
		if r == roleCount || r == roleRate || own && r == roleDuration {
			continue
		}
		if i, unit := find(columns, synonyms[r]); i >= 0 {
			columns[i].role, columns[i].unit = r, unit
			tokens = tokens || r == rolePrompt || r == roleOutput
			single = single || r != roleTime && r != roleFunction && r != roleEnd
		}
	}
	if tokens {
		return
	}
	for _, r := range []role{roleRate, roleCount} {
		i, _ := find(columns, synonyms[r])
		if i < 0 {
			continue
		}
		name := normalName(columns[i].name)
		if single && (name == "value" || name == "sum") {
			return
		}
		columns[i].role = r
		if strings.HasSuffix(name, "rpm") || strings.HasSuffix(name, "min") ||
			strings.HasSuffix(name, "minute") {
			columns[i].per = 60
		}
		return
	}
}

// ownRows says whether the columns are those of the rows that `simcap run --inputs` writes. What an input
// needs is its service_s then: its latency_s has waiting and cold starts in it.
func ownRows(columns []column) bool {
	marks := []string{"replication", "submitted_s", "latency_s", "batch_wait_s", "interference_s"}
	for _, name := range marks {
		if !slices.ContainsFunc(columns, func(c column) bool { return c.name == name }) {
			return false
		}
	}
	for i := range columns {
		if columns[i].name == "service_s" {
			columns[i].role, columns[i].unit = roleDemand, unitS
			return true
		}
	}
	return false
}

// means says whether a name is the wanted one, with or without a unit, and which.
func means(name, want string) (unit int, ok bool) {
	name = normalName(name)
	base, unit := stem(name)
	switch want {
	case name:
		return unitUnknown, true
	case base:
		return unit, true
	}
	return unitUnknown, false
}

// find is the column without a role that has the earliest of the names, and the unit its name tells.
func find(columns []column, names []string) (int, int) {
	for _, want := range names {
		for i := range columns {
			if columns[i].role != roleNone {
				continue
			}
			if unit, ok := means(columns[i].name, want); ok {
				return i, unit
			}
			dot := strings.LastIndexByte(columns[i].name, '.')
			if unit, ok := means(columns[i].name[dot+1:], want); dot >= 0 && ok && want != "value" &&
				want != "sum" {
				return i, unit
			}
		}
	}
	return -1, unitUnknown
}
