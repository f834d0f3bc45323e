package main

import "math/bits"

// The loops are what a programmer would write by hand for one system and nothing else: the same
// customers, exact first come first served, one latency histogram, no breakdown, no cost, no time
// averages. They are the yardstick that simcap's times are divided by.

// tree is a winner tree over packed keys, time << bits | leaf.
type tree struct {
	keys []uint64
	bits uint

	never int64
}

func newTree(n int) *tree {
	t := &tree{bits: uint(bits.Len(uint(max(1, n-1))))}
	t.keys = make([]uint64, 2<<t.bits)
	t.never = 1<<(63-t.bits) - 1
	for i := range t.keys {
		t.keys[i] = uint64(t.never) << t.bits
	}
	return t
}

func (t *tree) set(leaf int, at int64) {
	key := uint64(at)<<t.bits | uint64(leaf)
	i := len(t.keys)/2 + leaf
	t.keys[i] = key
	for i > 1 {
		key = min(key, t.keys[i^1])
		i >>= 1
		t.keys[i] = key
	}
}

func (t *tree) clear(leaf int) { t.set(leaf, t.never) }

func (t *tree) min() (leaf int, at int64) {
	key := t.keys[1]
	return int(key & (1<<t.bits - 1)), int64(key >> t.bits)
}

// histogram is log-linear, 128 buckets to an octave.
type histogram struct{ counts [57 << 7]int64 }

func (h *histogram) record(v int64) {
	e := max(0, bits.Len64(uint64(v))-8)
	h.counts[e<<7+int(uint64(v)>>e)]++
}

// ring is a queue of arrival times.
type ring struct {
	times      []int64
	head, tail int
}

func (r *ring) push(t int64) {
	if r.tail-r.head == len(r.times) {
		wider := make([]int64, max(1024, 2*len(r.times)))
		for i := r.head; i < r.tail; i++ {
			wider[i&(len(wider)-1)] = r.times[i&(len(r.times)-1)]
		}
		r.times = wider
	}
	r.times[r.tail&(len(r.times)-1)] = t
	r.tail++
}

func (r *ring) pop() int64 {
	t := r.times[r.head&(len(r.times)-1)]
	r.head++
	return t
}

func (r *ring) len() int { return r.tail - r.head }

// loopMMc is M/M/c: a fixed fleet of warm servers.
func loopMMc(servers int, ratePerS float64, customers int) *histogram {
	gaps, demands := newExponentials(1, 1/ratePerS), newExponentials(2, 1)
	h, t, queue := &histogram{}, newTree(servers), &ring{}
	arrived := make([]int64, servers)
	idle := make([]int32, servers)
	for i := range idle {
		idle[i] = int32(servers - 1 - i)
	}
	arrival := gaps.next()
	for sent := 0; ; {
		leaf, at := t.min()
		if at == t.never && sent == customers {
			return h
		}
		if arrival <= at && sent < customers {
			sent++
			if n := len(idle); n > 0 {
				s := idle[n-1]
				idle = idle[:n-1]
				arrived[s] = arrival
				t.set(int(s), arrival+demands.next())
			} else {
				queue.push(arrival)
			}
			arrival += gaps.next()
			continue
		}
		h.record(at - arrived[leaf])
		if queue.len() > 0 {
			arrived[leaf] = queue.pop()
			t.set(leaf, at+demands.next())
		} else {
			idle = append(idle, int32(leaf))
			t.clear(leaf)
		}
	}
}

// count is how many values there are.
func (h *histogram) count() int64 {
	n := int64(0)
	for _, c := range h.counts {
		n += c
	}
	return n
}

// quantile is the lower edge of the bucket that holds the q-quantile.
func (h *histogram) quantile(q float64) int64 {
	rank := int64(q * float64(h.count()))
	for i, c := range h.counts {
		if rank -= c; rank < 0 {
			e := max(0, i>>7-1)
			return int64(i-e<<7) << e
		}
	}
	return 0
}
