package sim

import "math/bits"

// Stream is one source of randomness: the arrivals of a workload, the demands of its inputs, the
// cold starts of a function. Draw i of a stream depends on the stream's key and on i alone, never on
// how many draws were made before or on any other stream. Two scenarios that differ in one setting
// therefore meet the same arrivals and the same demands (common random numbers).
//
// The first word of draw i is output i of SplitMix64 seeded with the key (Steele, Lea, Flood: "Fast
// splittable pseudorandom number generators", OOPSLA 2014, with Stafford's mix 13): a counter times
// an odd constant, scrambled. Counter-based, it needs no state and no block of draws made ahead.
type Stream struct{ key uint64 }

const (
	golden = 0x9e3779b97f4a7c15 // 2^64 / golden ratio, odd: SplitMix64's increment
	second = 0xd1342543de82ef95 // another odd constant: the increment within one draw
)

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// NewStream is the stream of the given purpose: seed and replication of the run, then the names
// (function or workload, and what is drawn) that address it.
func NewStream(seed uint64, replication int, names ...string) Stream {
	key := mix(seed + golden)
	key = mix(key ^ uint64(replication)*golden)
	for _, name := range names {
		h := uint64(14695981039346656037) // FNV-1a, then scrambled
		for i := 0; i < len(name); i++ {
			h = (h ^ uint64(name[i])) * 1099511628211
		}
		key = mix(bits.RotateLeft64(key, 17) ^ mix(h))
	}
	return Stream{key}
}

// At is the luck of draw i.
func (s Stream) At(i uint64) Luck { return Luck{word: s.key + i*golden, first: true} }

// First is the first word of draw i.
func (s Stream) First(i uint64) uint64 { return mix(s.key + i*golden + golden) }

// Sub is the stream of the i-th thing of this stream, for things that make several draws each, such
// as the inputs of one call.
func (s Stream) Sub(i uint64) Stream { return Stream{mix(s.key+i*golden) ^ second} }

// Luck is the randomness of one draw: as many words as the draw needs. The zero Luck is not valid.
type Luck struct {
	word  uint64
	first bool
}

// Uint64 is the next word.
func (l *Luck) Uint64() uint64 {
	if l.first {
		l.first = false
		l.word = mix(l.word + golden)
		return l.word
	}
	// Later words are a second SplitMix64 sequence that starts at the first word, so that they do
	// not run into the words of the next draw.
	l.word += second
	return mix(l.word)
}

// Float64 is uniform in [0, 1), a multiple of 2^-53.
func (l *Luck) Float64() float64 { return float64(l.Uint64()>>11) * 0x1p-53 }

// Open is uniform in (0, 1): never 0 or 1, so that logarithms of it are finite.
func (l *Luck) Open() float64 { return (float64(l.Uint64()>>12) + 0.5) * 0x1p-52 }
