package sim

import "slices"

// Slab holds values that come and go, addressed by index; freed places are used again, last freed
// first, so it grows with what is alive at one time and stays in the cache. Pointers from At are
// good until the next New.
type Slab[T any] struct {
	items []T
	free  []int32
}

// New is the index of a place whose value is whatever its last user left.
func (s *Slab[T]) New() int32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	var zero T
	s.items = append(s.items, zero)
	return int32(len(s.items) - 1)
}

// Free gives the place back.
func (s *Slab[T]) Free(i int32) { s.free = append(s.free, i) }

// At is the value at index i.
func (s *Slab[T]) At(i int32) *T { return &s.items[i] }

// Tidy lets free places be used again lowest first, until others become free.
func (s *Slab[T]) Tidy() {
	slices.Sort(s.free)
	slices.Reverse(s.free)
}

// Len counts the places ever made: indices are below it.
func (s *Slab[T]) Len() int { return len(s.items) }

// FreeLen counts the places that are free.
func (s *Slab[T]) FreeLen() int { return len(s.free) }
