package main

// idleDeque holds idle containers by the instant at which they became idle.
type idleDeque struct {
	ring       []idleOne
	head, tail int
}

type idleOne struct {
	container int32
	since     int64
}

func newIdleDeque(n int) idleDeque {
	size := 1
	for size < n+1 {
		size *= 2
	}
	return idleDeque{ring: make([]idleOne, size)}
}

func (d *idleDeque) len() int { return d.tail - d.head }

func (d *idleDeque) push(c int32, since int64) {
	d.ring[d.tail&(len(d.ring)-1)] = idleOne{c, since}
	d.tail++
}

func (d *idleDeque) popNewest() int32 {
	d.tail--
	return d.ring[d.tail&(len(d.ring)-1)].container
}

func (d *idleDeque) oldest() idleOne { return d.ring[d.head&(len(d.ring)-1)] }

// fleet is the bare state machine of a pool of containers that start cold and stop when idle.
type fleet struct {
	first       int32 // its first leaf
	cap         int
	window      int64
	idle        idleDeque
	queue       ring
	spare       []int32 // containers that are stopped
	starting    []int32 // in order of creation
	live        int
	outstanding int
	isStarting  []bool
	cold        *exponentials
}

func newFleet(first, capacity int, windowNS int64, cold *exponentials) *fleet {
	f := &fleet{first: int32(first), cap: capacity, window: windowNS, idle: newIdleDeque(capacity),
		isStarting: make([]bool, capacity), cold: cold}
	for i := capacity - 1; i >= 0; i-- {
		f.spare = append(f.spare, int32(i))
	}
	return f
}

// scale starts and cancels containers so that as many live as there are inputs.
func (f *fleet) scale(t *tree, now int64) {
	want := min(f.outstanding, f.cap)
	for f.live < want {
		c := f.spare[len(f.spare)-1]
		f.spare = f.spare[:len(f.spare)-1]
		f.starting = append(f.starting, c)
		f.isStarting[c] = true
		f.live++
		t.set(int(f.first+c), now+f.cold.next())
	}
	for f.live > want && len(f.starting) > 0 {
		c := f.starting[len(f.starting)-1]
		f.starting = f.starting[:len(f.starting)-1]
		f.isStarting[c] = false
		f.live--
		f.spare = append(f.spare, c)
		t.clear(int(f.first + c))
	}
}

// ready takes a container out of the starting ones.
func (f *fleet) ready(c int32) {
	f.isStarting[c] = false
	for i, s := range f.starting {
		if s == c {
			f.starting = append(f.starting[:i], f.starting[i+1:]...)
			return
		}
	}
}

// expire stops the container that was idle longest.
func (f *fleet) expire() {
	f.spare = append(f.spare, f.idle.oldest().container)
	f.idle.head++
	f.live--
}

const tickNS = 1_000_000_000

// loopPool is a pool on a platform of the Modal kind, an input a container.
func loopPool(capacity int, ratePerS, meanS, coldS float64, windowNS int64, inputs int) *histogram {
	gaps, demands := newExponentials(1, 1/ratePerS), newExponentials(2, meanS)
	f := newFleet(0, capacity, windowNS, newExponentials(3, coldS))
	h, t := &histogram{}, newTree(capacity)
	arrived := make([]int64, capacity)
	arrival, tick := gaps.next(), int64(tickNS)
	for sent := 0; sent < inputs || f.outstanding > 0; {
		leaf, at := t.min()
		expiry := t.never
		if f.idle.len() > 0 {
			expiry = f.idle.oldest().since + windowNS
		}
		other := min(tick, expiry)
		switch {
		case arrival <= at && arrival <= other && sent < inputs:
			sent++
			f.outstanding++
			if f.idle.len() > 0 {
				c := f.idle.popNewest()
				arrived[c] = arrival
				t.set(int(c), arrival+demands.next())
			} else {
				f.queue.push(arrival)
				if f.live == 0 {
					f.scale(t, arrival)
				}
			}
			arrival += gaps.next()
		case at <= other:
			if f.isStarting[leaf] {
				f.ready(int32(leaf))
			} else {
				h.record(at - arrived[leaf])
				f.outstanding--
			}
			if f.queue.len() > 0 {
				arrived[leaf] = f.queue.pop()
				t.set(leaf, at+demands.next())
			} else {
				f.idle.push(int32(leaf), at)
				t.clear(leaf)
			}
		case expiry <= tick:
			f.expire()
		default:
			f.scale(t, tick)
			tick += tickNS
		}
	}
	return h
}

// loopPools is several such pools, whose arrivals are leaves of the tree like all else.
func loopPools(functions, capacity int, ratePerS, meanS, coldS float64, windowNS int64,
	inputs int) *histogram {
	h, t := &histogram{}, newTree(functions*(capacity+3))
	demands, cold := newExponentials(2, meanS), newExponentials(3, coldS)
	fleets := make([]*fleet, functions)
	gaps := make([]*exponentials, functions)
	arrived := make([]int64, functions*(capacity+3))
	sent := make([]int, functions)
	for i := range fleets {
		base := i * (capacity + 3)
		fleets[i] = newFleet(base, capacity, windowNS, cold)
		gaps[i] = newExponentials(uint64(10+i), 1/ratePerS)
		t.set(base+capacity, gaps[i].next())
		t.set(base+capacity+1, tickNS)
	}
	total := 0
	for left := inputs; total < inputs || left > 0; {
		leaf, at := t.min()
		n := leaf / (capacity + 3)
		f := fleets[n]
		c := int32(leaf) - f.first
		expirySource := int(f.first) + capacity + 2
		switch int(c) - capacity {
		case 0:
			total++
			sent[n]++
			f.outstanding++
			if f.idle.len() > 0 {
				c := f.first + f.idle.popNewest()
				arrived[c] = at
				t.set(int(c), at+demands.next())
			} else {
				f.queue.push(at)
				if f.live == 0 {
					f.scale(t, at)
				}
			}
			if sent[n] < inputs/functions {
				t.set(leaf, at+gaps[n].next())
			} else {
				t.clear(leaf)
			}
		case 1:
			f.scale(t, at)
			t.set(leaf, at+tickNS)
		case 2:
			f.expireDue(t, leaf, at)
		default:
			if f.isStarting[c] {
				f.ready(c)
			} else {
				h.record(at - arrived[leaf])
				f.outstanding--
				left--
			}
			if f.queue.len() > 0 {
				arrived[leaf] = f.queue.pop()
				t.set(leaf, at+demands.next())
				break
			}
			if f.idle.len() == 0 {
				t.set(expirySource, at+windowNS)
			}
			f.idle.push(c, at)
			t.clear(leaf)
		}
		if total == inputs && left == 0 {
			break
		}
	}
	return h
}

// expireDue is the timer of the container that was idle longest, which may have been used since.
func (f *fleet) expireDue(t *tree, leaf int, at int64) {
	if f.idle.len() > 0 && f.idle.oldest().since+f.window <= at {
		f.expire()
	}
	if f.idle.len() > 0 {
		t.set(leaf, max(at, f.idle.oldest().since+f.window))
	} else {
		t.clear(leaf)
	}
}

// loopBatched is a pool whose containers serve dynamic batches: B(n) = base + per × n.
func loopBatched(capacity, most int, waitNS int64, ratePerS, baseS, perS, coldS float64, windowNS int64,
	inputs int) *histogram {
	gaps := newExponentials(1, 1/ratePerS)
	f := newFleet(0, capacity, windowNS, newExponentials(3, coldS))
	h, t := &histogram{}, newTree(capacity)
	batches, lengths := batchTables(capacity, most, baseS, perS)
	open, deadline := int32(-1), t.never
	start := func(now int64) {
		t.set(int(open), now+lengths[len(batches[open])])
		open, deadline = -1, t.never
	}
	arrival, tick := gaps.next(), int64(tickNS)
	for sent := 0; sent < inputs || f.outstanding > 0; {
		leaf, at := t.min()
		expiry := t.never
		if f.idle.len() > 0 {
			expiry = f.idle.oldest().since + windowNS
		}
		other := min(tick, expiry, deadline)
		switch {
		case arrival <= at && arrival <= other && sent < inputs:
			sent++
			f.outstanding++
			switch {
			case open >= 0:
				batches[open] = append(batches[open], arrival)
				if len(batches[open]) == most {
					start(arrival)
				}
			case f.idle.len() > 0:
				open = f.idle.popNewest()
				batches[open] = append(batches[open][:0], arrival)
				deadline = arrival + waitNS
			default:
				f.queue.push(arrival)
				if f.live == 0 {
					f.scale(t, arrival)
				}
			}
			arrival += gaps.next()
		case at <= other:
			if f.isStarting[leaf] {
				f.ready(int32(leaf))
			} else {
				for _, came := range batches[leaf] {
					h.record(at - came)
				}
				f.outstanding -= len(batches[leaf])
			}
			t.clear(leaf)
			if f.queue.len() == 0 {
				f.idle.push(int32(leaf), at)
				break
			}
			open, deadline = int32(leaf), at+waitNS
			b := batches[leaf][:0]
			for len(b) < most && f.queue.len() > 0 {
				b = append(b, f.queue.pop())
			}
			batches[leaf] = b
			if len(b) == most {
				start(at)
			}
		case deadline <= min(tick, expiry):
			start(deadline)
		case expiry <= tick:
			f.expire()
		default:
			f.scaleBatched(t, tick, most)
			tick += tickNS
		}
	}
	return h
}

// batchTables are the arrivals in each container's batch, and the length of a batch of n.
func batchTables(capacity, most int, baseS, perS float64) (batches [][]int64, lengths []int64) {
	batches = make([][]int64, capacity)
	for i := range batches {
		batches[i] = make([]int64, 0, most)
	}
	lengths = make([]int64, most+1)
	for n := range lengths {
		lengths[n] = int64((baseS + perS*float64(n)) * 1e9)
	}
	return batches, lengths
}

// scaleBatched is scale where a container is meant to hold a batch.
func (f *fleet) scaleBatched(t *tree, now int64, most int) {
	inputs := f.outstanding
	busy := f.live - len(f.starting) - f.idle.len()
	f.outstanding = max((inputs+most-1)/most, busy)
	f.scale(t, now)
	f.outstanding = inputs
}
