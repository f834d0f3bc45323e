package experiment

// EnergyUse is what the GPUs of a function drew in the window, from the energy in its profile: of each
// batch and input while they were served, and of containers without work. Means over replications,
// without intervals.
type EnergyUse struct {
	Joules         Estimate  `json:"joules"`
	JoulesPerInput Estimate  `json:"joules_per_input"`    // of completed ones, idle containers included
	IdleJoules     Estimate  `json:"idle_joules"`         // of containers without work, starting ones included
	CO2Grams       *Estimate `json:"co2_grams,omitempty"` // where the scenario gives a carbon_intensity
}

// joulesPerKWh is how many joules a kilowatt hour has.
const joulesPerKWh = 3.6e6

// energyUse is the energy of a function in a window of so many seconds; nil where its profile has none.
// A batch of n inputs takes JoulesPerBatch + JoulesPerInput × n, so that the number of batches, which
// is inputs over mean batch size, is all that is needed: 1,000 inputs in batches of 4 on average at
// 2 J + 0.5 J take 1,000 J.
func energyUse(p *Profile, m *Measures, seconds, intensity float64) *EnergyUse {
	if p == nil || p.Energy == nil || m.Containers == nil {
		return nil
	}
	of := func(e Estimate) float64 {
		if e.Value == nil {
			return 0
		}
		return *e.Value
	}
	inputs, size := of(m.Inputs.Completed), max(1, of(m.BatchSizeMean))
	idle := p.Energy.IdleWatts * (of(m.Containers.IdleMean) + of(m.Containers.StartingMean)) * seconds
	joules := p.Energy.JoulesPerBatch*inputs/size + p.Energy.JoulesPerInput*inputs + idle
	return newEnergyUse(joules, idle, inputs, intensity)
}

func newEnergyUse(joules, idle, inputs, intensity float64) *EnergyUse {
	e := &EnergyUse{Joules: Estimate{Value: &joules}, IdleJoules: Estimate{Value: &idle}}
	if inputs > 0 {
		each := joules / inputs
		e.JoulesPerInput = Estimate{Value: &each}
	}
	if intensity > 0 {
		grams := joules / joulesPerKWh * intensity
		e.CO2Grams = &Estimate{Value: &grams}
	}
	return e
}

// energy fills in the energy of functions whose profiles know it, and of the total where all do.
func (g *gathering) energy(r *Result) {
	s := g.scenario
	end := g.end
	if s.Model.Horizon > 0 {
		end = s.Model.Horizon
	}
	seconds := max(0, end-s.Model.Warmup).Seconds()
	joules, idle, known := 0.0, 0.0, 0
	for i := range s.Model.Functions {
		name := s.Model.Functions[i].Name
		m := r.Functions[name]
		m.Energy = energyUse(s.Profiles[name], &m, seconds, s.CarbonIntensity)
		if m.Energy != nil {
			known++
			joules, idle = joules+*m.Energy.Joules.Value, idle+*m.Energy.IdleJoules.Value
		}
		r.Functions[name] = m
	}
	if known == 0 || known < len(s.Model.Functions) {
		return
	}
	inputs := 0.0
	if v := r.Total.Inputs.Completed.Value; v != nil {
		inputs = *v
	}
	r.Total.Energy = newEnergyUse(joules, idle, inputs, s.CarbonIntensity)
}
