package experiment

import (
	"fmt"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

func spell(t sim.Time) string {
	switch {
	case t >= 2*sim.Hour:
		return fmt.Sprintf("%.1f h", t.Seconds()/3600)
	case t >= 2*sim.Minute:
		return fmt.Sprintf("%.1f min", t.Seconds()/60)
	default:
		return fmt.Sprintf("%.1f s", t.Seconds())
	}
}

// assumptions are the settings of the platform model that Modal does not publish, as they were used.
func assumptions(c *model.Config) []Assumption {
	a := &c.Platform.Autoscaler
	return []Assumption{
		{"platform.autoscaler.interval", spell(a.Interval), "how often the autoscaler decides is not " +
			"published beyond \"quick and frequent\""},
		{"platform.autoscaler.gain", fmt.Sprint(a.Gain), "containers wanted per outstanding input; three " +
			"outside measurements fit 0.5 to 0.6 better than 1"},
		{"platform.autoscaler.cancel_starting", fmt.Sprint(a.CancelStarting), "whether starting containers " +
			"are stopped when demand falls"},
		{"platform.routing", string(c.Platform.Routing), "which idle container gets the next input"},
		{"platform.burst_poll", spell(c.Platform.BurstPoll), "read in the client's source; what the server " +
			"answers is not published"},
		{"cold start billing", "from the first billed stage",
			"which part of a start is billed is not published"},
	}
}
