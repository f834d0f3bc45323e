package scenarios

import "strings"

// Nearest is the candidate that the text most likely meant: the one with the smallest optimal
// string alignment distance, if that is at most 1 + a third of the text's length. "" where none is
// near. Of equally near ones it is the first.
func Nearest(text string, candidates []string) string {
	return nearestWithin(1+len([]rune(text))/3, text, candidates)
}

// nearestWithin is Nearest within the given distance.
func nearestWithin(most int, text string, candidates []string) string {
	best, bestDistance := "", most+1
	for _, c := range candidates {
		d := alignment(strings.ToLower(text), strings.ToLower(c))
		if d < bestDistance && d < max(len(text), len(c)) { // with something in common
			best, bestDistance = c, d
		}
	}
	return best
}

// alignment is the optimal string alignment distance: the least number of insertions, deletions,
// substitutions and swaps of neighbours that turn a into b, no part edited twice. It is Wagner and
// Fischer's table with Damerau's transposition: d[i][j] is the distance of a's first i and b's
// first j characters.
func alignment(a, b string) int {
	s, t := []rune(a), []rune(b)
	const tooLong = 200
	if len(s) > tooLong || len(t) > tooLong {
		return tooLong
	}
	two, one := make([]int, len(t)+1), make([]int, len(t)+1) // rows i-2 and i-1
	row := make([]int, len(t)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			change := 1
			if s[i-1] == t[j-1] {
				change = 0
			}
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+change)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
		two, one, row = one, row, two
	}
	return one[len(t)]
}
