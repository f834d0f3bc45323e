package experiment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/simcap/simcap/model/workload"
)

// traces remembers what the rows of trace files hash to: a sweep reads each once.
type traces struct {
	mutex sync.Mutex
	known map[string]string // by file and format
}

// fingerprint is the hash of all that a trial's numbers depend on but its replication: model, seed,
// warm-up, what is gathered, and the version of the program. Name, comments, objectives, the order of
// keys and the number of replications are not in it. The text is hexadecimal.
func (t *traces) fingerprint(s *Scenario, version string) (string, error) {
	h := sha256.New()
	alone := max(s.Replications.Min, s.Replications.Max) <= 1 // then it has intervals of its own
	fmt.Fprintf(h, "trial 1\n%s\n%d %v %v\n", version, s.Seed, s.WarmupAuto, alone)
	if s.WarmupAuto {
		fmt.Fprintf(h, "pilots %d\n", pilotsOf(s))
	}
	if err := digest(h, reflect.ValueOf(s.Model)); err != nil {
		return "", err
	}
	for i := range s.Model.Workloads {
		trace, ok := s.Model.Workloads[i].Arrivals.Kind.(workload.Trace)
		if !ok {
			continue
		}
		rows, err := t.rows(trace)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, rows)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// question is the hash of all that a result depends on: that of its trials, how many there are, and
// the objectives.
func (t *traces) question(s *Scenario, version string) (string, error) {
	trials, err := t.fingerprint(s, version)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, trials)
	if err := digest(h, reflect.ValueOf(s.Replications)); err != nil {
		return "", err
	}
	if err := digest(h, reflect.ValueOf(s.SLO)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// rows hashes the rows of a trace.
func (t *traces) rows(trace workload.Trace) (string, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	open := trace.Open
	trace.Open = nil
	name := fmt.Sprintf("%+v", trace) // all that says which rows of which file; maps in order
	if known, ok := t.known[name]; ok {
		return known, nil
	}
	source, err := open(0)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	var a workload.Arrival
	line := make([]byte, 0, 128)
	for source.Next(&a) {
		line = strconv.AppendInt(line[:0], int64(a.At), 36)
		for _, x := range []float64{a.Size, a.Demand, a.Prompt, a.Output} {
			line = strconv.AppendUint(append(line, ' '), math.Float64bits(x), 36)
		}
		h.Write(append(line, '\n'))
	}
	if err := workload.Finish(source); err != nil {
		return "", err
	}
	if t.known == nil {
		t.known = map[string]string{}
	}
	t.known[name] = hex.EncodeToString(h.Sum(nil))
	return t.known[name], nil
}

// digest writes a value to a hash so that different values never write the same: every part with its
// kind or type, every list with its length, maps in the order of their keys. Functions are left out.
func digest(h hash.Hash, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Bool:
		fmt.Fprintf(h, "b%v;", v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		fmt.Fprintf(h, "i%d;", v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		fmt.Fprintf(h, "u%d;", v.Uint())
	case reflect.Float32, reflect.Float64:
		fmt.Fprintf(h, "f%x;", math.Float64bits(v.Float()))
	case reflect.String:
		fmt.Fprintf(h, "s%d:%s;", v.Len(), v.String())
	case reflect.Func:
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			fmt.Fprint(h, "nil;")
			return nil
		}
		fmt.Fprintf(h, "%s(", v.Elem().Type())
		defer fmt.Fprint(h, ")")
		return digest(h, v.Elem())
	case reflect.Slice, reflect.Array:
		fmt.Fprintf(h, "[%d:", v.Len())
		for i := range v.Len() {
			if err := digest(h, v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		fmt.Fprintf(h, "{%d:", v.Len())
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int {
			if a.String() < b.String() {
				return -1
			}
			return 1
		})
		for _, k := range keys {
			if k.Kind() != reflect.String {
				return fmt.Errorf("experiment: a map with keys that are no texts: %s", v.Type())
			}
			fmt.Fprintf(h, "s%d:%s;", k.Len(), k.String())
			if err := digest(h, v.MapIndex(k)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fmt.Fprintf(h, ".%s=", v.Type().Field(i).Name)
			if err := digest(h, v.Field(i)); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("experiment: a scenario holds a %s", v.Type())
	}
	return nil
}
