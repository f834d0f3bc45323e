package sim

// Selector keeps a rank for some of its seats and knows the seat of the smallest: a winner tree over
// 16-byte ranks, log2(n) comparisons to change one.
type Selector struct {
	ranks []Rank
	tree  []int32 // winning seat of each node; leaves start at len(tree)/2
}

// Out is the rank of a seat that takes no part.
var Out = Rank{^uint64(0), ^uint64(0)}

// Set ranks a seat; Out takes it out.
func (s *Selector) Set(seat int32, rank Rank) {
	if int(seat) >= len(s.ranks) {
		s.grow(int(seat) + 1)
	}
	s.ranks[seat] = rank
	for i := (len(s.tree)/2 + int(seat)) / 2; i > 0; i /= 2 {
		s.play(i)
	}
}

func (s *Selector) play(i int) {
	a, b := s.tree[2*i], s.tree[2*i+1]
	if s.ranks[b].Less(s.ranks[a]) {
		a = b
	}
	s.tree[i] = a
}

func (s *Selector) grow(n int) {
	size := max(2, len(s.ranks))
	for size < n {
		size *= 2
	}
	ranks := make([]Rank, size)
	for i := copy(ranks, s.ranks); i < size; i++ {
		ranks[i] = Out
	}
	s.ranks = ranks
	s.tree = make([]int32, 2*size)
	for i := range size {
		s.tree[size+i] = int32(i)
	}
	for i := size - 1; i > 0; i-- {
		s.play(i)
	}
}

// Min is the seat with the smallest rank; ok is false when no seat takes part.
func (s *Selector) Min() (seat int32, ok bool) {
	if len(s.ranks) == 0 {
		return 0, false
	}
	seat = s.tree[1]
	return seat, s.ranks[seat] != Out
}
