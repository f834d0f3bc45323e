package scenarios

import (
	"fmt"
	"testing"
)

// A sweep reads a document once for every point.
func BenchmarkPoint(b *testing.B) {
	e, _ := FindExample("embeddings")
	doc, ds := Parse(e.Name, e.Text)
	if doc == nil {
		b.Fatal(ds)
	}
	opts := ExampleOptions()
	opts.Point = true
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		opts.Set = []Override{{Key: "functions.embed.min_containers", Value: fmt.Sprint(i % 8)}}
		if s, ds := doc.Scenario(opts); s == nil {
			b.Fatal(ds)
		}
	}
}
