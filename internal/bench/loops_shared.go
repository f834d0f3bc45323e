package main

import "math"

// host is a container that serves several inputs at one time at a speed that depends on how many.
type host struct {
	tags     [16]float64 // service attained at which each input is done
	arrived  [16]int64
	n        int
	attained float64 // ns of service given to each input
	asOf     int64
	fell     int64
}

// earliest is the place of the input that is done first.
func (c *host) earliest() int {
	best := 0
	for i := 1; i < c.n; i++ {
		if c.tags[i] < c.tags[best] {
			best = i
		}
	}
	return best
}

// loopShared is a warm fleet whose containers take up to 16 inputs with a slow-down curve, the most
// recently used first and idle ones before busy ones.
func loopShared(containers int, speed *[17]float64, ratePerS, meanS float64, inputs int) *histogram {
	const slots = 16
	gaps, demands := newExponentials(1, 1/ratePerS), newExponentials(2, meanS)
	h, t, queue := &histogram{}, newTree(containers), &ring{}
	routes := newTree(containers)
	hosts := make([]host, containers)
	top := routes.never / 2
	for i := range hosts {
		routes.set(i, top)
	}
	rank := func(i int) {
		c := &hosts[i]
		switch {
		case c.n == slots:
			routes.clear(i)
		case c.n == 0:
			routes.set(i, top-1-c.fell>>12)
		default:
			routes.set(i, top+top/2-c.fell>>12)
		}
	}
	work := func(c *host, now int64) {
		c.attained += speed[c.n] * float64(now-c.asOf)
		c.asOf = now
	}
	date := func(i int, c *host, now int64) {
		left := c.tags[c.earliest()] - c.attained
		t.set(i, now+int64(math.Ceil(max(0, left)/speed[c.n])))
	}
	begin := func(i int, came, now int64) {
		c := &hosts[i]
		work(c, now)
		c.tags[c.n], c.arrived[c.n] = c.attained+float64(demands.next()), came
		c.n++
		date(i, c, now)
		rank(i)
	}
	arrival := gaps.next()
	for sent, done := 0, 0; done < inputs; {
		leaf, at := t.min()
		if arrival <= at && sent < inputs {
			sent++
			if i, free := routes.min(); free < routes.never {
				begin(i, arrival, arrival)
			} else {
				queue.push(arrival)
			}
			arrival += gaps.next()
			continue
		}
		c := &hosts[leaf]
		work(c, at)
		i := c.earliest()
		h.record(at - c.arrived[i])
		done++
		c.n--
		c.tags[i], c.arrived[i] = c.tags[c.n], c.arrived[c.n]
		c.fell = at
		if queue.len() > 0 {
			begin(leaf, queue.pop(), at)
			continue
		}
		if c.n == 0 {
			c.attained = 0
			t.clear(leaf)
		} else {
			date(leaf, c, at)
		}
		rank(leaf)
	}
	return h
}
