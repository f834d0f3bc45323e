package trace

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
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

// endless is a log without an end that is kept anywhere: lines are made as they are read.
type endless struct {
	left int
	line []byte
	at   int64
	rest []byte
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && e.left > 0 {
		if len(e.rest) == 0 {
			e.at++
			e.line = append(e.line[:0], "1747476000."...)
			for div := int64(100_000_000); div > 0; div /= 10 {
				e.line = append(e.line, byte('0'+e.at/div%10))
			}
			e.line = append(e.line, ",/v1/images,200,"...)
			e.line = append(e.line, byte('0'+e.at%10), '.', '5', '\n')
			e.rest = e.line
		}
		k := copy(p[n:], e.rest)
		e.rest = e.rest[k:]
		n += k
		e.left -= k
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestMemoryDoesNotGrow: ten times the file needs no more memory.
func TestMemoryDoesNotGrow(t *testing.T) {
	peak := func(size int) uint64 {
		runtime.GC()
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		head := strings.NewReader("time,path,status,took\n")
		r, err := NewReader(io.MultiReader(head, &endless{left: size}), "x", Options{Truncated: true})
		if err != nil {
			t.Fatal(err)
		}
		most := uint64(0)
		var row Row
		ok := true
		for n := 0; ok; n++ {
			if ok, err = r.Next(&row); err != nil {
				t.Fatal(err)
			}
			if n%100_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
			}
		}
		return most
	}
	small, large := peak(6<<20), peak(60<<20)
	if large > small+small/10+1<<20 || large > 64<<20 {
		t.Errorf("6 MiB need %d bytes, 60 MiB %d", small, large)
	}
}
