package standin

import (
	"encoding/binary"
	"math"
	"os"
	"sync"
)

// state is the file that the virtual GPU shows: little-endian numbers of eight bytes each, at the
// places below, before those that only testdata/fakegpu.h knows.
type state struct {
	mu   sync.Mutex
	file *os.File
	busy float64
}

// The places of the numbers. Times eight bytes.
const (
	atIdleWatts  = iota // double
	atBusyJoules        // double: beyond idle, since the start
	atClock             // MHz
	atMaxClock          // MHz
	atThrottle          // bits
	atPID               // 0: none
	atMemory            // MiB, of the process
	atOtherPID          // of somebody else; 0: none
	atBusyWatts         // double: beyond idle, while a kernel runs
	atInstant           // ns: the host's clock, as tests set it; 0: the real one
	atSMShare           // doubles, of a GPU that is busy all the time
	atTensorShare
	atOccupancy
	atDRAMShare
	atMIG // 0: not divided; else how many instances
	places
)

// GPU is a virtual GPU at rest: its file.
type GPU struct {
	IdleWatts float64
	BusyWatts float64 // beyond idle, while a kernel runs
	// What GPM tells of it when it is busy all the time; SMs 0: there is no GPM.
	SMs, Tensor, Occupancy, DRAM float64
	Clock, MaxClock              int
	Throttle                     uint64
	OtherPID                     int
}

// Write makes the state file.
func (g GPU) Write(path string) error {
	b := make([]byte, 8*places)
	binary.LittleEndian.PutUint64(b, math.Float64bits(g.IdleWatts))
	binary.LittleEndian.PutUint64(b[8*atClock:], uint64(g.Clock))
	binary.LittleEndian.PutUint64(b[8*atMaxClock:], uint64(g.MaxClock))
	binary.LittleEndian.PutUint64(b[8*atThrottle:], g.Throttle)
	binary.LittleEndian.PutUint64(b[8*atOtherPID:], uint64(g.OtherPID))
	binary.LittleEndian.PutUint64(b[8*atBusyWatts:], math.Float64bits(g.BusyWatts))
	for place, v := range map[int]float64{atSMShare: g.SMs, atTensorShare: g.Tensor, atOccupancy: g.Occupancy,
		atDRAMShare: g.DRAM} {
		binary.LittleEndian.PutUint64(b[8*place:], math.Float64bits(v))
	}
	// Not truncated: libraries may have mapped it.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(b, 0)
	return err
}

// Set changes one number of a state file: clock or throttle bits.
func Set(path string, clock int, throttle uint64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	s := &state{file: f}
	s.put(atClock, uint64(clock))
	s.put(atThrottle, throttle)
	return nil
}

// SetInstant sets the host's clock, as the virtual GPU sees it, to an instant; 0: the real one.
func SetInstant(path string, ns int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	s := &state{file: f}
	s.put(atInstant, uint64(ns))
	return nil
}

func openState(path string) *state {
	s := &state{}
	if path == "" {
		return s
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		panic("standin: " + err.Error())
	}
	s.file = f
	s.put(atBusyJoules, 0)
	return s
}

func (s *state) put(place int, v uint64) {
	if s.file == nil {
		return
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	if _, err := s.file.WriteAt(b[:], int64(8*place)); err != nil {
		panic("standin: " + err.Error())
	}
}

// process shows a process with so much memory.
func (s *state) process(pid int, mib float64) {
	s.put(atPID, uint64(pid))
	s.put(atMemory, uint64(mib))
}

// work adds energy to the counter, in one step.
func (s *state) work(joules, _ float64) {
	if s.file == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy += joules
	s.put(atBusyJoules, math.Float64bits(s.busy))
}
