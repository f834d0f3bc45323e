package sim

// Selector keeps a rank for some of its seats and knows the seat of the smallest: a winner tree whose
// nodes are 8-byte keys of the ranks' first words and the seats. Only where those words meet as equals
// does it look at the second ones.
type Selector struct {
	keys []uint64 // keys[1] is the winner; leaves are the last half
	lows []uint64 // second words of the ranks, by seat
}

// seatBits of a key are the seat: there are four million at most.
const seatBits = 22

// HighestRank is what the first word of a seat's rank must not exceed.
const HighestRank = 1<<41 - 1

// out is set in the key of a seat that takes no part, whose other bits are its own.
const out = 1 << 63

// Set ranks a seat. rank.Hi is at most HighestRank.
func (s *Selector) Set(seat int32, rank Rank) {
	s.grow(int(seat) + 1)
	s.lows[seat] = rank.Lo
	s.play(seat, rank.Hi<<seatBits|uint64(seat))
}

// Out takes a seat out.
func (s *Selector) Out(seat int32) {
	s.grow(int(seat) + 1)
	s.play(seat, outKey(seat))
}

func outKey(seat int32) uint64 { return out | uint64(seat)<<seatBits | uint64(seat) }

// play gives a leaf its key and plays its matches anew.
func (s *Selector) play(seat int32, key uint64) {
	keys := s.keys
	i := uint(len(keys))/2 + uint(uint32(seat))
	for ; i > 1; i >>= 1 {
		keys[i] = key
		other := keys[i^1]
		if (key^other)>>seatBits == 0 {
			key = s.tie(key, other)
		} else {
			key = min(key, other)
		}
	}
	keys[1] = key
}

// tie is the winner of two keys whose ranks have one first word.
func (s *Selector) tie(a, b uint64) uint64 {
	if s.lows[b&(1<<seatBits-1)] < s.lows[a&(1<<seatBits-1)] {
		return b
	}
	return a
}

// grow makes room for n seats.
func (s *Selector) grow(n int) {
	if n <= len(s.lows) {
		return
	}
	size := max(2, len(s.lows))
	for size < n {
		size *= 2
	}
	old := s.keys
	s.lows = append(s.lows, make([]uint64, size-len(s.lows))...)
	s.keys = make([]uint64, 2*size)
	for i := range size {
		s.keys[size+i] = outKey(int32(i))
		if i < len(old)/2 {
			s.keys[size+i] = old[len(old)/2+i]
		}
	}
	for i := size - 1; i > 0; i-- {
		a, b := s.keys[2*i], s.keys[2*i+1]
		if (a^b)>>seatBits == 0 {
			s.keys[i] = s.tie(a, b)
		} else {
			s.keys[i] = min(a, b)
		}
	}
}

// Min is the seat with the smallest rank; ok is false when no seat takes part.
func (s *Selector) Min() (seat int32, ok bool) {
	if len(s.keys) == 0 {
		return 0, false
	}
	key := s.keys[1]
	return int32(key & (1<<seatBits - 1)), key < out
}
