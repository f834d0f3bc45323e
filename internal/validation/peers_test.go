package validation

import "testing"

func TestPeers(t *testing.T) {
	for _, family := range Peers() {
		for i := range family.Cases {
			c := &family.Cases[i]
			t.Run(c.Name, func(t *testing.T) { compare(t, c) })
		}
	}
}
