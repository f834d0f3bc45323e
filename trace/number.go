package trace

import (
	"math"
	"math/big"
	"strconv"
)

// pow10 holds the powers of ten that int64 and, up to 22, float64 hold exactly.
var pow10 = [19]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
	1e15, 1e16, 1e17, 1e18}

// scaled reads the decimal number b times 10^exp (0 to 18) exactly and rounds it to a whole number,
// halves up: scaled("1.0000000005", 9) is 1000000001. It reports false for what is no number or does
// not fit.
func scaled(b []byte, exp int) (int64, bool) {
	i, negative := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative, i = b[0] == '-', 1
	}
	var m int64
	digits, places, point := 0, 0, false
	var first byte // the first dropped digit decides the rounding
	exact := true  // no dropped digit but zeros
	for ; i < len(b); i++ {
		c := b[i]
		switch {
		case c >= '0' && c <= '9':
			digits++
			if point && places == exp {
				if first == 0 {
					first = c
				} else if c != '0' {
					exact = false
				}
				continue
			}
			if m > (math.MaxInt64-9)/10 {
				return 0, false
			}
			m = m*10 + int64(c-'0')
			if point {
				places++
			}
		case c == '.' && !point:
			point = true
		case (c == 'e' || c == 'E') && digits > 0:
			return scaledSlow(b, exp)
		default:
			return 0, false
		}
	}
	if digits == 0 {
		return 0, false
	}
	if left := pow10[exp-places]; left > 1 {
		if m > math.MaxInt64/left {
			return 0, false
		}
		m *= left
	}
	return rounded(m, first, exact, negative), true
}

// rounded adds the dropped digits back: nearest, halves up, which for negative numbers is towards zero.
func rounded(m int64, first byte, exact, negative bool) int64 {
	if !negative {
		if first >= '5' {
			m++
		}
		return m
	}
	if first > '5' || first == '5' && !exact {
		m++
	}
	return -m
}

// scaledSlow is scaled for numbers with an exponent, such as 1.7e9.
func scaledSlow(b []byte, exp int) (int64, bool) {
	if len(b) > 60 || !plainExponent(b) {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(string(b))
	if !ok {
		return 0, false
	}
	r.Mul(r, new(big.Rat).SetInt64(pow10[exp]))
	r.Add(r, big.NewRat(1, 2))
	q, m := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int)) // Euclidean: floor
	_ = m
	return q.Int64(), q.IsInt64()
}

// plainExponent says whether b is digits, a point and an exponent of at most two digits: big numbers
// are not worth building.
func plainExponent(b []byte) bool {
	exponent := -1
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9', c == '.', c == '+', c == '-':
		case (c == 'e' || c == 'E') && exponent < 0:
			exponent = i
		default:
			return false
		}
	}
	return exponent > 0 && len(b)-exponent <= 4
}

// float reads a decimal number: correctly rounded, without allocating for numbers of up to 15 digits.
func float(b []byte) (float64, bool) {
	i, negative := 0, false
	if len(b) > 0 && b[0] == '-' {
		negative, i = true, 1
	}
	var m int64
	digits, places, point := 0, 0, false
	for ; i < len(b); i++ {
		c := b[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' || digits == 15 {
			return floatSlow(b)
		}
		m = m*10 + int64(c-'0')
		digits++
		if point {
			places++
		}
	}
	if digits == 0 {
		return 0, false
	}
	v := float64(m) / float64(pow10[places]) // both exact, so the quotient is correctly rounded
	if negative {
		v = -v
	}
	return v, true
}

// floatSlow leaves long numbers and exponents to strconv. Not-a-number and infinities are numbers
// here: series write them for gaps.
func floatSlow(b []byte) (float64, bool) {
	if len(b) > 400 {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil
}
