package sim

import "math/bits"

// Calendar holds one date for each of a fixed set of sources (a container, the next arrival of a
// workload, a pool's oldest idle container, ...) and yields them by date. Sources of one date are
// yielded by Rank, which the owner computes on demand: dates seldom meet, so ranks cost nothing on
// the common path.
//
// It is a winner tree (Knuth, TAOCP 3, 5.4.1): leaves hold packed keys `date - base << bits | source`,
// each node the smaller of its two children. Moving one date replays one path, log2(n) branch-free
// minima over 8-byte keys. A date too far from base to be packed counts as "far" and is kept
// unpacked; when nothing nearer is left the base moves forward.
type Calendar struct {
	tree   []uint64 // tree[1] is the winner; leaves start at len(tree)/2
	dates  []Time   // unpacked date of each source; Never: none
	base   Time
	bits   uint
	far    uint64 // packed dates from here on are far
	ranker Ranker
	due    []dueEntry // heap by rank: sources of the present instant that tied
	stamp  []uint32   // stamp of the source's valid entry in due; 0: none
	stamps uint32
}

// Ranker orders sources that have the same date.
type Ranker interface {
	// Rank is the place of the source's next event among the events of its date.
	Rank(source int32) Rank
}

// Rank orders events of one instant: smaller Hi first, then smaller Lo.
type Rank struct{ Hi, Lo uint64 }

// Less says whether r comes before other.
func (r Rank) Less(other Rank) bool {
	return r.Hi < other.Hi || r.Hi == other.Hi && r.Lo < other.Lo
}

type dueEntry struct {
	rank   Rank
	source int32
	stamp  uint32
}

// NewCalendar has room for n sources, numbered from 0, none of them dated.
func NewCalendar(n int, ranker Ranker) *Calendar {
	c := &Calendar{ranker: ranker}
	c.Grow(n)
	return c
}

// Grow makes room for n sources in all, keeping all dates.
func (c *Calendar) Grow(n int) {
	if n <= len(c.dates) && c.tree != nil {
		return
	}
	c.bits = uint(bits.Len(uint(max(n-1, 1))))
	c.far = 1<<(64-c.bits) - 1
	dates := make([]Time, 1<<c.bits)
	stamp := make([]uint32, 1<<c.bits)
	copy(stamp, c.stamp)
	for i := copy(dates, c.dates); i < len(dates); i++ {
		dates[i] = Never
	}
	c.dates, c.stamp = dates, stamp
	c.tree = make([]uint64, 2<<c.bits)
	c.rebuild()
}

func (c *Calendar) rebuild() {
	leaves := len(c.dates)
	for i := range c.dates {
		key := c.far<<c.bits | uint64(i)
		if c.stamp[i] == 0 {
			key = c.pack(c.dates[i], int32(i))
		}
		c.tree[leaves+i] = key
	}
	for i := leaves - 1; i > 0; i-- {
		c.tree[i] = min(c.tree[2*i], c.tree[2*i+1])
	}
}

func (c *Calendar) pack(at Time, source int32) uint64 {
	return min(uint64(at-c.base), c.far)<<c.bits | uint64(source)
}

// Date is the source's date, Never if it has none.
func (c *Calendar) Date(source int32) Time { return c.dates[source] }

// Set dates the source, in place of any date it had. The date must not lie in the past.
func (c *Calendar) Set(source int32, at Time) {
	c.dates[source] = at
	if c.stamp[source] != 0 {
		c.stamp[source] = 0 // what waits in due is no longer so
	}
	c.replay(source, c.pack(at, source))
}

// Clear takes the source's date away.
func (c *Calendar) Clear(source int32) { c.Set(source, Never) }

func (c *Calendar) replay(source int32, key uint64) {
	tree := c.tree
	i := len(tree)/2 + int(source)
	tree[i] = key
	for i > 1 {
		key = min(key, tree[i^1])
		i >>= 1
		tree[i] = key
	}
}

// Next yields the earliest source and its date. The source keeps its date until it is set anew, so
// the caller must Set or Clear it before the next call. ok is false when no source is dated.
func (c *Calendar) Next() (source int32, at Time, ok bool) {
	if len(c.due) > 0 {
		return c.nextDue()
	}
	key := c.tree[1]
	if key>>c.bits == c.far {
		if !c.rebase() {
			return 0, Never, false
		}
		key = c.tree[1]
	}
	source = int32(key & (1<<c.bits - 1))
	// A tie with the winner shows as the winner of a subtree beside its path.
	for i := len(c.tree)/2 + int(source); i > 1; i >>= 1 {
		if (c.tree[i^1]^key)>>c.bits == 0 {
			c.gather(key >> c.bits)
			return c.nextDue()
		}
	}
	return source, c.dates[source], true
}

// rebase moves the base up to the earliest date and reports whether there is one.
func (c *Calendar) rebase() bool {
	first := Never
	for i, at := range c.dates {
		if c.stamp[i] == 0 {
			first = min(first, at)
		}
	}
	if first == Never {
		return false
	}
	c.base = first
	c.rebuild()
	return true
}

// gather moves every source of the given packed date from the tree into due.
func (c *Calendar) gather(packed uint64) {
	for c.tree[1]>>c.bits == packed {
		source := int32(c.tree[1] & (1<<c.bits - 1))
		c.replay(source, c.far<<c.bits|uint64(source))
		c.push(source, c.ranker.Rank(source))
	}
}

func (c *Calendar) push(source int32, rank Rank) {
	c.stamps++
	if c.stamps == 0 {
		c.stamps = 1
	}
	c.stamp[source] = c.stamps
	c.due = append(c.due, dueEntry{rank, source, c.stamps})
	for i := len(c.due) - 1; i > 0; {
		parent := (i - 1) / 2
		if !c.due[i].rank.Less(c.due[parent].rank) {
			break
		}
		c.due[i], c.due[parent] = c.due[parent], c.due[i]
		i = parent
	}
}

func (c *Calendar) pop() dueEntry {
	top := c.due[0]
	last := len(c.due) - 1
	c.due[0] = c.due[last]
	c.due = c.due[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return top
		}
		if child+1 < last && c.due[child+1].rank.Less(c.due[child].rank) {
			child++
		}
		if !c.due[child].rank.Less(c.due[i].rank) {
			return top
		}
		c.due[i], c.due[child] = c.due[child], c.due[i]
		i = child
	}
}

// nextDue yields the first source of the present instant by rank, taking along sources that were
// dated for this instant since.
func (c *Calendar) nextDue() (int32, Time, bool) {
	for len(c.due) > 0 {
		top := c.due[0]
		if c.stamp[top.source] != top.stamp {
			c.pop()
			continue
		}
		at := c.dates[top.source]
		if packed := c.pack(at, 0) >> c.bits; c.tree[1]>>c.bits == packed {
			c.gather(packed)
			continue
		}
		// What is first of a source can have changed while the source waited here.
		if rank := c.ranker.Rank(top.source); rank != top.rank {
			c.pop()
			c.push(top.source, rank)
			continue
		}
		c.pop()
		c.stamp[top.source] = 0
		return top.source, at, true
	}
	return c.Next()
}
