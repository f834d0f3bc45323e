package model

// PricePerS is what one container of the function costs, in USD per second: its GPUs, cores and
// memory, times the multiplier of its region.
func (f *Function) PricePerS(p *Prices) float64 {
	price := float64(f.GPUs)*p.GPU[f.GPU] + f.CPU*p.CPU + f.MemoryGiB*p.Memory
	if f.Region == "" {
		return price
	}
	if factor, ok := p.Regions[f.Region]; ok {
		return price * factor
	}
	if p.NarrowRegion > 0 {
		return price * p.NarrowRegion
	}
	return price
}
