package trace

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// largeFile is a file of the format with 300,000 rows whose times rise.
func largeFile(format string) []byte {
	var b bytes.Buffer
	b.WriteString(map[string]string{"azure_llm": "TIMESTAMP,ContextTokens,GeneratedTokens\n",
		"csv": "timestamp,function,duration_ms,status,input_tokens,output_tokens\n"}[format])
	begin := time.Date(2025, 5, 17, 10, 0, 0, 0, time.UTC)
	for i := range 300_000 {
		at := begin.Add(time.Duration(i) * 51_234_567)
		switch format {
		case "combined":
			fmt.Fprintf(&b, "198.51.100.7 - - [%s] \"POST /v1/images/%d HTTP/1.1\" 200 2033 \"-\" "+
				"\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\"\n", at.Format("02/Jan/2006:15:04:05 +0000"), i%50)
		case "azure_llm":
			fmt.Fprintf(&b, "%s,%d,%d\r\n", at.Format("2006-01-02 15:04:05.0000000"), 100+i%7000, i%700)
		case "csv":
			fmt.Fprintf(&b, "%s,/v1/f%d,%d.125,200,%d,%d\n", at.Format(time.RFC3339Nano), i%7, i%1000, i%7000, i%700)
		case "mooncake":
			fmt.Fprintf(&b, "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": 500, \"hash_ids\": "+
				"[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]}\n", i*51, 100+i)
		case "seconds":
			fmt.Fprintf(&b, "%d.%06d\n", i, i)
		}
	}
	return b.Bytes()
}

// BenchmarkRead says how many bytes of each layout are read in a second.
func BenchmarkRead(b *testing.B) {
	for _, format := range []string{"combined", "azure_llm", "csv", "mooncake", "seconds"} {
		b.Run(format, func(b *testing.B) {
			text := largeFile(format)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := NewReader(bytes.NewReader(text), "x", Options{Format: format})
				if err != nil {
					b.Fatal(err)
				}
				var row Row
				ok := true
				for ok {
					if ok, err = r.Next(&row); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
