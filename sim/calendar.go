package sim

import "math/bits"

// Calendar holds one date for each of a set of sources (a container, the next arrival of a workload,
// a pool's oldest idle container, ...) and yields them by date. Sources of one date are yielded by
// Rank, which the owner computes on demand: dates seldom meet, so ranks cost nothing on the common
// path.
//
// Sources come in a few groups, each a winner tree of its own (Knuth, TAOCP 3, 5.4.1), so that what
// is dated often is not as deep as what is many. Leaves hold packed keys `date - base << bits | index`,
// each node the smaller of its two children. Moving one date replays one path, log2(n) branch-free
// minima over 8-byte keys. A date too far from base to be packed counts as "far" and is kept
// unpacked; when nothing nearer is left the base moves forward.
//
// What is yielded is taken out, so that what is first then shows whether it had the same date.
type Calendar struct {
	groups [Groups]group
	base   Time
	bits   uint   // of the index: enough for the largest group
	mask   uint64 // 1<<bits - 1
	far    uint64 // packed dates from here on are far, each source's its own
	none   uint64 // packed dates from here on stand for Never, each source's its own
	near   uint64 // packed dates below this are in the trees and nowhere else; 0: there are sources in due
	ranker Ranker
	due    []dueEntry // heap by rank: sources of the present instant that tied
	stamps uint32
}

// leastBits of the index keep Never far from every base up to 2^62 - 2^60 ns, 109 years: what has no
// date must not look like a date.
const leastBits = 4

// Groups is the number of groups of sources.
const Groups = 3

// Source is a source of events: its group, and its index within the group, from 0.
type Source struct {
	Group int32 // 0 to Groups-1
	Index int32
}

// group is the winner tree of a group of sources.
type group struct {
	root  uint64   // the winner
	keys  []uint64 // nodes 2i and 2i+1 are the children of node i, leaves the last half
	dates []Time   // date of each source that is far; Never: none
	stamp []uint32 // stamp of the source's valid entry in due; 0: none
}

// Ranker orders sources that have the same date.
type Ranker interface {
	// Rank is the place of the source's next event among the events of its date.
	Rank(source Source) Rank
}

// Rank orders events of one instant: smaller Hi first, then smaller Lo.
type Rank struct{ Hi, Lo uint64 }

// Less says whether r comes before other.
func (r Rank) Less(other Rank) bool {
	return r.Hi < other.Hi || r.Hi == other.Hi && r.Lo < other.Lo
}

type dueEntry struct {
	rank   Rank
	source Source
	stamp  uint32
}

// NewCalendar has room for n[g] sources in group g, none of them dated.
func NewCalendar(n [Groups]int, ranker Ranker) *Calendar {
	c := &Calendar{ranker: ranker}
	for g := range n {
		c.groups[g].widen(max(1, n[g]))
	}
	c.repack()
	return c
}

// widen makes room for n sources.
func (g *group) widen(n int) {
	size := 1 << bits.Len(uint(n-1))
	if size <= cap(g.dates) { // it was as wide before
		before := len(g.dates)
		g.dates, g.stamp, g.keys = g.dates[:size], g.stamp[:size], g.keys[:2*size]
		for i := before; i < size; i++ {
			g.dates[i], g.stamp[i] = Never, 0
		}
		return
	}
	dates := make([]Time, size)
	stamp := make([]uint32, size)
	copy(stamp, g.stamp)
	for i := copy(dates, g.dates); i < size; i++ {
		dates[i] = Never
	}
	g.dates, g.stamp = dates, stamp
	g.keys = make([]uint64, 2*size)
}

// Grow makes room for n sources in all in the group, keeping all dates.
func (c *Calendar) Grow(group int32, n int) {
	if g := &c.groups[group]; n > len(g.dates) {
		c.unpack()
		g.widen(n)
		c.repack()
	}
}

// Room is for how many sources the group has room.
func (c *Calendar) Room(group int32) int { return len(c.groups[group].dates) }

// Shrink halves the room of the group, whose upper half must have no dates. What then comes is found sooner.
func (c *Calendar) Shrink(group int32) {
	g := &c.groups[group]
	size := len(g.dates) / 2
	if size == 0 || len(c.due) > 0 {
		return
	}
	c.unpack()
	g.dates, g.stamp, g.keys = g.dates[:size], g.stamp[:size], g.keys[:2*size]
	c.repack()
}

// look settles whether Next looks at the trees alone.
func (c *Calendar) look() {
	c.near = c.far
	if len(c.due) > 0 {
		c.near = 0
	}
}

// unpack notes all dates outside the trees.
func (c *Calendar) unpack() {
	for n := range c.groups {
		g := &c.groups[n]
		for i := range g.dates {
			g.dates[i] = c.Date(Source{int32(n), int32(i)})
		}
	}
}

// repack builds all trees anew from the unpacked dates.
func (c *Calendar) repack() {
	most := 2
	for g := range c.groups {
		most = max(most, len(c.groups[g].dates))
	}
	c.bits = max(leastBits, uint(bits.Len(uint(most-1))))
	c.mask = 1<<c.bits - 1
	c.none = 1<<(64-c.bits) - 1<<c.bits
	c.far = c.none - 1<<c.bits
	c.look()
	for n := range c.groups {
		g := &c.groups[n]
		leaves := len(g.dates)
		for k := range g.dates {
			packed := c.none + uint64(k)
			if g.stamp[k] == 0 {
				packed = c.pack(g, uint(k), g.dates[k])
			}
			g.keys[leaves+k] = packed<<c.bits | uint64(k)
		}
		for k := leaves - 1; k > 0; k-- {
			g.keys[k] = min(g.keys[2*k], g.keys[2*k+1])
		}
		g.root = g.keys[1]
	}
}

// Date is the source's date, Never if it has none.
func (c *Calendar) Date(source Source) Time {
	g := &c.groups[source.Group]
	i := int(source.Index)
	packed := g.keys[len(g.dates)+i] >> c.bits
	switch {
	case g.stamp[i] != 0:
		return g.dates[i]
	case packed >= c.none:
		return Never
	case packed >= c.far:
		return g.dates[i]
	}
	return c.base + Time(packed)
}

// Set dates the source, in place of any date it had. The date must not lie in the past.
func (c *Calendar) Set(source Source, at Time) {
	c.groups[source.Group].set(c, uint(uint32(source.Index)), at)
}

// Add is Set for a source that has no date.
func (c *Calendar) Add(source Source, at Time) {
	c.groups[source.Group].add(c, uint(uint32(source.Index)), at)
}

// add makes the winner known before the matches are played: what is first then does not wait for them.
func (g *group) add(c *Calendar, index uint, at Time) {
	packed := uint64(at - c.base)
	if packed >= c.near {
		packed = c.pack(g, index, at)
	}
	key := packed<<(c.bits&63) | uint64(index)
	g.root = min(g.root, key)
	g.climb(index, key)
}

func (g *group) set(c *Calendar, index uint, at Time) {
	packed := uint64(at - c.base)
	if packed >= c.near {
		packed = c.pack(g, index, at)
	}
	g.replay(index, packed<<(c.bits&63)|uint64(index))
}

// pack is the source's packed date, which holds from now on.
func (c *Calendar) pack(g *group, index uint, at Time) uint64 {
	g.stamp[index] = 0 // what waits in due is no longer so
	packed := uint64(at - c.base)
	switch {
	case at == Never:
		return c.none + uint64(index)
	case packed >= c.far:
		g.dates[index] = at
		return c.far + uint64(index)
	}
	return packed
}

// Clear takes the source's date away.
func (c *Calendar) Clear(source Source) {
	g, index := &c.groups[source.Group], uint64(source.Index)
	g.stamp[index] = 0
	g.replay(uint(index), (c.none+index)<<(c.bits&63)|index)
}

// replay gives a leaf its key and plays its matches anew.
func (g *group) replay(index uint, key uint64) { g.root = g.climb(index, key) }

// climb is replay but for the note of the winner, which it yields.
func (g *group) climb(index uint, key uint64) uint64 {
	keys := g.keys
	i := uint(len(keys))/2 + index
	for i > 1 {
		keys[i] = key
		key = min(key, keys[i^1])
		i >>= 1
	}
	keys[i] = key
	return key
}

// Next yields the earliest source and its date, which the source then has no longer. ok is false when
// no source is dated.
func (c *Calendar) Next() (source Source, at Time, ok bool) {
	x, y, z := c.groups[0].root, c.groups[1].root, c.groups[2].root
	group := int32(2)
	switch mask := c.mask; { // key|mask is the last key of the key's date
	case z|mask < min(x, y):
	case y|mask < min(x, z):
		group = 1
	case x|mask < min(y, z):
		group = 0
	default:
		return c.nextOfTies()
	}
	if c.groups[group].root>>(c.bits&63) >= c.near {
		return c.nextOfTies()
	}
	index, at, ok := c.NextOf(group)
	if !ok {
		return c.nextOfTies()
	}
	return Source{group, index}, at, true
}

// Earliest is the earliest date, or an instant that is not later than the present where it takes a search to
// know it.
func (c *Calendar) Earliest() Time {
	packed := min(c.groups[0].root, c.groups[1].root, c.groups[2].root) >> (c.bits & 63)
	if packed >= c.near {
		return c.base
	}
	return c.base + Time(packed)
}

// Key makes an instant, which does not lie in the past, comparable with the dates. It is good until the
// calendar grows, or Next is called. ok is false where the instant cannot be compared.
func (c *Calendar) Key(at Time) (key uint64, ok bool) {
	packed := uint64(at - c.base)
	return packed << (c.bits & 63), packed < c.near
}

// Earlier says that the instant with the key comes before all dates.
func (c *Calendar) Earlier(key uint64) bool {
	return key|c.mask < min(c.groups[0].root, c.groups[1].root, c.groups[2].root)
}

// Limit is the earlier one, as a key, of the instant with the key and the dates of all groups but the last.
func (c *Calendar) Limit(key uint64) uint64 { return min(key, c.groups[0].root, c.groups[1].root) }

// LastBefore is the source of the last group that comes first, if it comes before the limit.
func (c *Calendar) LastBefore(limit uint64) (index int32, ok bool) {
	root := c.groups[Groups-1].root
	return int32(root & c.mask), root|c.mask < limit
}

// FirstEarlier says that a source of the first group comes before the instant with the key, and before
// all others, as far as is known without a search.
func (c *Calendar) FirstEarlier(key uint64) bool {
	return c.groups[0].root|c.mask < min(key, c.groups[1].root, c.groups[2].root)
}

// NextOf is Next where it is known that a source of the group comes first. ok is false, and nothing is
// done, where it shares its date with another one.
func (c *Calendar) NextOf(group int32) (index int32, at Time, ok bool) {
	return c.groups[group].next(c)
}

// First is the index of the source of the group that comes first in it, if any does.
func (c *Calendar) First(group int32) int32 { return int32(c.groups[group].root & c.mask) }

// Postpone is NextOf with a new date at once for what it yields: after the delay, which is not 0.
func (c *Calendar) Postpone(group int32, delay Time) (at Time, ok bool) {
	return c.groups[group].postpone(c, delay)
}

func (g *group) postpone(c *Calendar, delay Time) (at Time, ok bool) {
	key, bits, mask := g.root, c.bits&63, c.mask
	place := key & mask
	packed := key>>bits + uint64(delay)
	at = c.base + Time(key>>bits)
	if packed >= c.near {
		packed = c.pack(g, uint(place), at+delay)
	}
	g.replay(uint(place), packed<<bits|place)
	if g.root^key <= mask {
		g.putBack(uint(place), key)
		return 0, false
	}
	return at, true
}

func (g *group) next(c *Calendar) (index int32, at Time, ok bool) {
	key, bits, mask := g.root, c.bits&63, c.mask
	place := key & mask
	g.replay(uint(place), (c.none+place)<<bits|place)
	if g.root^key <= mask {
		g.putBack(uint(place), key)
		return 0, 0, false
	}
	return int32(place), c.base + Time(key>>bits), true
}

// putBack is a replay that is rare.
//
//go:noinline
func (g *group) putBack(index uint, key uint64) { g.replay(index, key) }

// nextOfTies is Next where several sources may be first, or only far ones are left.
func (c *Calendar) nextOfTies() (source Source, at Time, ok bool) {
	if len(c.due) == 0 {
		first := min(c.groups[0].root, c.groups[1].root, c.groups[2].root) >> c.bits
		if first >= c.far {
			if !c.rebase() {
				return source, Never, false
			}
			first = 0
		}
		c.gather(first)
	}
	return c.nextDue()
}

// rebase moves the base up to the earliest date and reports whether there is one.
func (c *Calendar) rebase() bool {
	c.unpack()
	first := Never
	for i := range c.groups {
		g := &c.groups[i]
		for k, at := range g.dates {
			if g.stamp[k] == 0 {
				first = min(first, at)
			}
		}
	}
	if first == Never {
		return false
	}
	c.base = first
	c.repack()
	return true
}

// gather moves every source of the given packed date from the trees into due.
func (c *Calendar) gather(packed uint64) {
	for n := range c.groups {
		g := &c.groups[n]
		for g.root>>c.bits == packed {
			index := uint(g.root & (1<<c.bits - 1))
			g.dates[index] = c.base + Time(packed)
			g.replay(index, (c.none+uint64(index))<<c.bits|uint64(index))
			c.push(Source{int32(n), int32(index)})
		}
	}
}

// waits says whether a tree has a source of the given packed date.
func (c *Calendar) waits(packed uint64) bool {
	for n := range c.groups {
		if c.groups[n].root>>c.bits == packed {
			return true
		}
	}
	return false
}

// push puts a source into due, and thereby its date into force that dates holds.
func (c *Calendar) push(source Source) {
	c.stamps++
	if c.stamps == 0 {
		c.stamps = 1
	}
	c.groups[source.Group].stamp[source.Index] = c.stamps
	c.due = append(c.due, dueEntry{c.ranker.Rank(source), source, c.stamps})
	c.near = 0
	for i := len(c.due) - 1; i > 0; {
		parent := (i - 1) / 2
		if !c.due[i].rank.Less(c.due[parent].rank) {
			break
		}
		c.due[i], c.due[parent] = c.due[parent], c.due[i]
		i = parent
	}
}

func (c *Calendar) pop() {
	last := len(c.due) - 1
	c.due[0] = c.due[last]
	c.due = c.due[:last]
	c.look()
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return
		}
		if child+1 < last && c.due[child+1].rank.Less(c.due[child].rank) {
			child++
		}
		if !c.due[child].rank.Less(c.due[i].rank) {
			return
		}
		c.due[i], c.due[child] = c.due[child], c.due[i]
		i = child
	}
}

// nextDue yields the first source of the present instant by rank, taking along sources that were
// dated for this instant since.
func (c *Calendar) nextDue() (Source, Time, bool) {
	for len(c.due) > 0 {
		top := c.due[0]
		g := &c.groups[top.source.Group]
		if g.stamp[top.source.Index] != top.stamp {
			c.pop()
			continue
		}
		at := g.dates[top.source.Index]
		packed := uint64(at - c.base)
		if packed >= c.far { // the calendar has grown, and keys reach less far than when due was gathered
			c.unpack()
			c.base, packed = at, 0
			c.repack()
		}
		if c.waits(packed) {
			c.gather(packed)
			continue
		}
		// What is first of a source can have changed while the source waited here.
		if rank := c.ranker.Rank(top.source); rank != top.rank {
			c.pop()
			c.push(top.source)
			continue
		}
		c.pop()
		g.stamp[top.source.Index] = 0
		return top.source, at, true
	}
	return c.Next()
}
