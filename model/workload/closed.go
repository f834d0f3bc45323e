package workload

import (
	"fmt"
	"math"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/sim"
)

// Closed is a fixed population of clients that think, call, and think again. When a client calls
// depends on when its last call was over, so the run makes the calls itself.
type Closed struct {
	Clients int       `yaml:"clients"`
	Think   dist.Dist `yaml:"think" unit:"time"` // before each call; nil: none
}

// MostClients bounds a closed population.
const MostClients = 10_000_000

// Validate implements Kind. Clients that do not think are allowed: their calls take time.
func (c Closed) Validate() error {
	if c.Clients < 1 || c.Clients > MostClients {
		return fmt.Errorf("clients: %d, where a number from 1 to %d is expected", c.Clients,
			MostClients)
	}
	if c.Think == nil {
		return nil
	}
	if err := c.Think.Validate(); err != nil {
		return fmt.Errorf("think: %w", err)
	}
	return nil
}

// RatePerS implements Kind: it depends on how long calls take.
func (c Closed) RatePerS() float64 { return math.NaN() }

// Source implements Kind: no arrival comes by itself.
func (c Closed) Source(sim.Stream) Source { return none{} }
