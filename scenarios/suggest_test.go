package scenarios

import "testing"

// Distances from the literature: OSA counts a swap as one edit, but edits no part twice, so "ca" to
// "abc" is 3 where the unrestricted Damerau-Levenshtein distance is 2.
func TestOptimalStringAlignment(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ca", "abc", 3}, {"ab", "ba", 1}, {"abcd", "acbd", 1},
		{"flaw", "lawn", 2}, {"größe", "grosse", 3}} {
		if got := alignment(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
		if got := alignment(c.b, c.a); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"min_containers", "max_containers", "buffer_containers", "timeout", "cpu"}
	for text, want := range map[string]string{"min_contaners": "min_containers", "nim_containers": "min_containers",
		"TIMEOUT": "timeout", "gpu": "cpu", "memory": "", "x": ""} {
		if got := Nearest(text, keys); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
