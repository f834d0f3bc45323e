package telemetry

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// smiSource is a GPU seen through the program nvidia-smi, where NVML cannot be used: slower, about
// five samples a second, and without the counter of energy.
type smiSource struct {
	index string
	info  Info
}

// smiTimeout bounds one call of nvidia-smi, which hangs on a broken driver.
const smiTimeout = 5 * time.Second

// The queries, in the order of the columns that they give.
const (
	smiInfo   = "name,uuid,driver_version,clocks.max.sm,power.limit,memory.total,mig.mode.current"
	smiSample = "clocks.sm,clocks_throttle_reasons.active,power.draw,memory.used,temperature.gpu," +
		"utilization.gpu"
)

func openSMI(index int) (Source, error) {
	path, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return nil, errors.New("the program nvidia-smi is not installed here")
	}
	s := &smiSource{index: strconv.Itoa(index)}
	rows, err := s.query("--query-gpu=" + smiInfo)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) == 0 || len(rows[0]) < 7 {
		return nil, fmt.Errorf("%s: no answer about GPU %d", path, index)
	}
	r := rows[0]
	s.info = Info{Source: "nvidia-smi", Name: r[0], UUID: r[1], Driver: r[2], MIG: r[6] == "Enabled",
		GPUs: 1, Missing: []string{"energy"}}
	s.info.MaxSMClockMHz, _ = smiNumber(r[3])
	s.info.PowerLimit, _ = smiNumber(r[4])
	s.info.MemoryMiB, _ = smiNumber(r[5])
	return s, nil
}

// query runs nvidia-smi once and returns its rows.
func (s *smiSource) query(what string) ([][]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), smiTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nvidia-smi", "-i", s.index, what, "--format=csv,noheader,nounits")
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("no answer within %v", smiTimeout)
	}
	if err != nil {
		text := strings.TrimSpace(string(out))
		if text == "" {
			text = err.Error()
		}
		return nil, errors.New(text)
	}
	r := csv.NewReader(strings.NewReader(string(out)))
	r.TrimLeadingSpace, r.FieldsPerRecord = true, -1
	return r.ReadAll()
}

// smiNumber reads a field; false for those that the GPU does not have, such as [N/A].
func smiNumber(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		v, err := strconv.ParseUint(hex, 16, 64)
		return float64(v), err == nil
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

// Info is what does not change.
func (s *smiSource) Info() Info { return s.info }

// Sample reads the GPU once.
func (s *smiSource) Sample() (Sample, error) {
	rows, err := s.query("--query-gpu=" + smiSample)
	if err != nil {
		return Sample{}, fmt.Errorf("nvidia-smi: %w", err)
	}
	if len(rows) == 0 || len(rows[0]) < 6 {
		return Sample{}, errors.New("nvidia-smi: an answer of another form")
	}
	var x Sample
	take := func(column int, field Field, into *float64) {
		if v, ok := smiNumber(rows[0][column]); ok {
			*into = v
			x.Have |= field
		}
	}
	bits := 0.0
	take(0, HasSMClock, &x.SMClockMHz)
	take(1, HasThrottle, &bits)
	take(2, HasPower, &x.PowerWatts)
	take(3, HasMemory, &x.MemoryMiB)
	take(4, HasTemperature, &x.Temperature)
	take(5, HasUtilization, &x.Utilization)
	x.Throttle, x.Utilization = uint64(bits), x.Utilization/100
	if apps, err := s.query("--query-compute-apps=pid,used_memory"); err == nil {
		x.Have |= HasProcesses
		for _, r := range apps {
			if len(r) < 2 {
				continue
			}
			pid, err := strconv.Atoi(strings.TrimSpace(r[0]))
			if err != nil {
				continue
			}
			memory, _ := smiNumber(r[1])
			x.Processes = append(x.Processes, Process{PID: pid, MemoryMiB: memory})
		}
	}
	return x, nil
}

// Close does nothing: nothing runs between samples.
func (s *smiSource) Close() error { return nil }
