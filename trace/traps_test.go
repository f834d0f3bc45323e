package trace

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/simcap/simcap/sim"
)

func TestInstantsAndEpochNumbers(t *testing.T) {
	want := []sim.Time{0, 1500 * sim.Millisecond, 2 * sim.Minute}
	for name, text := range map[string]string{
		"dates":   "2025-05-17T10:00:00Z\n2025-05-17T10:00:01.5Z\n2025-05-17T12:02:00+02:00\n",
		"header":  "when\n2025-05-17 10:00:00\n2025-05-17 10:00:01.5\n2025-05-17 10:02:00\n",
		"quoted":  "\"2025-05-17 10:00:00\"\n\"2025-05-17 10:00:01.5\"\n\"2025-05-17 10:02:00\"\n",
		"s":       "1747476000\n1747476001.5\n1747476120\n",
		"ms":      "1747476000000\n1747476001500\n1747476120000\n",
		"us":      "1747476000000000\n1747476001500000\n1747476120000000\n",
		"ns":      "1747476000000000000\n1747476001500000000\n1747476120000000000\n",
		"log":     "17/May/2025:10:00:00 +0000\n17/May/2025:10:00:01.5 +0000\n17/May/2025:12:02:00 +0200\n",
		"csv ms":  "created_at,x\n1747476000000,1\n1747476001500,2\n1747476120000,3\n",
		"tsv":     "x\tstart_time\n1\t2025-05-17T10:00:00\n2\t2025-05-17T10:00:01.5\n3\t2025-05-17T10:02\n",
		"semi":    "start_time_ms;who\n0;\"a;b\"\n1500;\"say \"\"hi\"\"\"\n120000;c\n",
		"end":     "end_time,duration_ms\n1747476003,3000\n1747476002,500\n1747476121,1000\n",
		"jsonl":   `{"a":{"arrival_time":1747476000},"b":[1,{"c":"}"}]}` + "\n" + `{"a":{"arrival_time":1747476001.5}}` + "\n" + `{"a":{"arrival_time":1.74747612e9}}`,
		"array":   "[\n{\"time\":\"2025-05-17T10:00:00Z\"},\n{\"time\":\"2025-05-17T10:00:01.5Z\"},{\"time\":\"2025-05-17T10:02:00Z\"}]",
		"bom":     "\xef\xbb\xbftimestamp\n2025-05-17T10:00:00Z\n2025-05-17T10:00:01.5Z\n2025-05-17T10:02:00Z",
		"python":  "{\"asctime\":\"x\",\"time\":\"2025-05-17 10:00:00,000\"}\n{\"time\":\"2025-05-17 10:00:01,500\"}\n{\"time\":\"2025-05-17 10:02:00,000\"}\n",
		"comment": "time,x\n# made by hand\n2025-05-17T10:00:00Z,1\n2025-05-17T10:00:01.5Z,2\n2025-05-17T10:02:00Z,3",
	} {
		rows, r := readText(t, text, Options{})
		if !sameTimes(timesOf(rows), want) || r.Bad != 0 {
			t.Errorf("%s: format %s, %v, want %v (%v)", name, r.Format, timesOf(rows), want, r.BadRows)
		}
		if strings.HasSuffix(name, "s") && name != "dates" && len(r.Notes) == 0 {
			t.Errorf("%s: the unit of its numbers was guessed, and not said", name)
		}
	}
}

func TestNumbersFarFromNowAreSecondsOfTheClock(t *testing.T) {
	rows, r := readText(t, "99999999\n99999999.5\n", Options{})
	if r.Format != "seconds" || rows[0].At != 99999999*sim.Second {
		t.Errorf("format %s, first %v", r.Format, rows[0].At)
	}
	rows, _ = readText(t, "1747476000\n1747476001\n", Options{Format: "seconds"})
	if rows[0].At != 1747476000*sim.Second {
		t.Errorf("forced seconds begin at %v", rows[0].At)
	}
}

func TestColumnsAreMapped(t *testing.T) {
	text := "wann,was,wie lange,cost\n10,a,250,7\n20,b,,8\n"
	rows, _ := readText(t, text, Options{TimeUnit: "ms", Columns: map[string]string{"time": "wann", "function": "was",
		"duration": "wie lange:ms", "size": "cost"}})
	if len(rows) != 2 || rows[1].At != 10*sim.Millisecond || rows[0].Demand != 250e6 || rows[0].Function != "a" ||
		rows[1].Size != 8 || !math.IsNaN(rows[1].Demand) {
		t.Errorf("%+v", rows)
	}
	msg := failText(t, text, Options{Columns: map[string]string{"time": "wan"}})
	if !strings.Contains(msg, `did you mean "wann"`) || !strings.Contains(msg, "wie lange") {
		t.Error(msg)
	}
	rows, r := readText(t, "when\n10\n30\n", Options{Columns: map[string]string{"time": "when"}})
	if r.Format != "csv" || len(rows) != 2 || rows[1].At != 20*sim.Second {
		t.Errorf("format %s: %+v", r.Format, rows)
	}
	msg = failText(t, "[]", Options{Format: "har", Columns: map[string]string{"time": "when"}})
	if !strings.Contains(msg, "no columns that could be mapped") {
		t.Error(msg)
	}
	panel := "\"Time\",\"a\",\"b\"\n2025-05-17 10:00:00,3,1\n2025-05-17 10:01:00,2,\n"
	if _, r = readText(t, panel, Options{Columns: map[string]string{"count": "*"}}); r.Expected != 6 || r.Arrivals != 6 {
		t.Errorf("counts per step: %v expected, %d read", r.Expected, r.Arrivals)
	}
	msg = failText(t, text, Options{Columns: map[string]string{"tiem": "wann"}})
	if !strings.Contains(msg, `did you mean "time"`) {
		t.Error(msg)
	}
}

// TestTiesOfCoarseClocks: a Poisson process whose instants a clock rounds down looks like one again.
func TestTiesOfCoarseClocks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	at, text := 0.0, strings.Builder{}
	const n = 20000
	for range n {
		at += random.ExpFloat64() / 5
		fmt.Fprintf(&text, "10.0.0.1 - - [%s] \"GET /x HTTP/1.1\" 200 1\n",
			time.Unix(1747476000+int64(at), 0).UTC().Format("02/Jan/2006:15:04:05 -0700"))
	}
	rows, r := readText(t, text.String(), Options{})
	if r.Format != "combined" || r.Tick != sim.Second || len(r.Warnings) != 1 {
		t.Errorf("format %s, tick %v, warnings %q", r.Format, r.Tick, r.Warnings)
	}
	if cv := variation(timesOf(rows)); math.Abs(cv-1) > 0.03 {
		t.Errorf("the gaps have a variation of %v, that of a Poisson process is 1", cv)
	}
	rows, r = readText(t, text.String(), Options{Ties: TiesKeep})
	if cv := variation(timesOf(rows)); r.Tick != 0 || cv < 1.5 {
		t.Errorf("kept ties: variation %v, tick %v", cv, r.Tick)
	}
}

// TestIrregularTicks: rows that are written about every 3 s, as in Mooncake's trace.
func TestIrregularTicks(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var text strings.Builder
	n := 0
	for tick := range 1200 {
		k := 0
		for limit := math.Exp(-10); ; k++ { // a Poisson number of mean 10
			if limit /= random.Float64(); limit > 1 {
				break
			}
		}
		for range k {
			fmt.Fprintf(&text, "{\"timestamp\":%d,\"input_length\":10,\"output_length\":2,\"hash_ids\":[0]}\n",
				tick*3000+tick%7)
			n++
		}
	}
	rows, r := readText(t, text.String(), Options{})
	if len(rows) != n || r.Tick < 2900*sim.Millisecond || r.Tick > 3100*sim.Millisecond {
		t.Errorf("%d rows of %d, tick %v", len(rows), n, r.Tick)
	}
	if cv := variation(timesOf(rows)); math.Abs(cv-1) > 0.04 {
		t.Errorf("variation %v, want about 1", cv)
	}
}

// TestTheEndsClockIsCoarse: ends are of whole seconds, durations are exact: arrivals are spread as well.
func TestTheEndsClockIsCoarse(t *testing.T) {
	var text strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&text, "10.0.0.1 - - [17/May/2025:10:%02d:%02d +0000] \"GET /x HTTP/1.1\" 200 1 \"-\" \"-\" rt=0.%03d\n",
			i/5/60, i/5%60, i%700)
	}
	rows, r := readText(t, text.String(), Options{})
	if r.Format != "nginx_timed" || r.Tick != sim.Second {
		t.Errorf("format %s, tick %v", r.Format, r.Tick)
	}
	if cv := variation(timesOf(rows)); cv < 0.8 {
		t.Errorf("variation %v", cv)
	}
}

// variation is the coefficient of variation of the gaps.
func variation(at []sim.Time) float64 {
	sum, squares := 0.0, 0.0
	for i := 1; i < len(at); i++ {
		gap := float64(at[i] - at[i-1])
		sum += gap
		squares += gap * gap
	}
	n := float64(len(at) - 1)
	return math.Sqrt(squares/n-sum/n*sum/n) / (sum / n)
}

func TestSecondsAndAzureLLMKeepTies(t *testing.T) {
	for _, text := range []string{"1\n1\n1\n2\n", "TIMESTAMP,ContextTokens,GeneratedTokens\r\n" +
		"2023-11-16 18:15:46,1,1\r\n2023-11-16 18:15:46,1,1\r\n2023-11-16 18:15:47,1,1"} {
		rows, r := readText(t, text, Options{})
		if rows[0].At != rows[1].At || r.Tick != 0 {
			t.Errorf("%s: %v, tick %v", r.Format, timesOf(rows), r.Tick)
		}
	}
}

func TestSeriesWithGapsResetsAndMissingBuckets(t *testing.T) {
	counter := `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"http_requests_total",` +
		`"job":"api"},"values":[[0,"5"],[60,"NaN"],[120,"25"],[180,"30"],[300,"40"],[360,"4"]]}]}}`
	rows, r := readText(t, counter, Options{})
	perMinute := func() map[int]int {
		n := map[int]int{}
		for _, row := range rows {
			n[int(row.At/sim.Minute)]++
		}
		return n
	}
	// 20 over a gap count before the value at 120 s; none is known from 180 s to 240 s; after the
	// reset 4.
	if got := fmt.Sprint(perMinute()); len(rows) != 20+5+10+4 || r.Step != sim.Minute {
		t.Errorf("%d rows, step %v, %v", len(rows), r.Step, got)
	}
	gauge := strings.Replace(strings.Replace(counter, "http_requests_total", "queue_length", 1), "NaN", "5.5", 1)
	if _, r = readText(t, gauge, Options{}); len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "no counter") {
		t.Errorf("a gauge was read without a word: %q", r.Warnings)
	}
	missing := "timestamp,requests\n2025-05-17 10:00,3\n2025-05-17 10:01,2\n2025-05-17 10:05,\n2025-05-17 10:06,4\n" +
		"2025-05-17 10:07,0\n"
	rows, r = readText(t, missing, Options{})
	if got := fmt.Sprint(perMinute()); got != "map[0:3 1:2 6:4]" || r.Span() != 8*sim.Minute {
		t.Errorf("%s, span %v", got, r.Span())
	}
	rates := `"Time","a"` + "\n2025-05-17 10:00:00,120 rpm\n2025-05-17 10:01:00,1.2 K req/s\n2025-05-17 10:02:00,0\n"
	_, r = readText(t, rates, Options{})
	if r.Expected != 120+72000 {
		t.Errorf("%v expected", r.Expected)
	}
}

func TestLogsWithTraps(t *testing.T) {
	log := `10.0.0.1 - bob smith [17/May/2025:10:00:05 +0000] "GET /a\"b?x=[1] HTTP/1.1" 200 5 "-" "x [y] \" z" rt=1.5 urt=0.1, 0.2 msec=1747476005.500` + "\n" +
		`10.0.0.1 - - [17/May/2025:10:00:06 +0000] "\x16\x03" 400 0 "-" "-" rt=0.000 urt=- msec=1747476006.000` + "\n"
	rows, r := readText(t, log, Options{})
	if len(rows) != 2 || r.Bad != 0 || rows[0].Function != `/a\"b` || rows[0].Demand != 0.2e9 || rows[0].Failed ||
		!rows[1].Failed || rows[1].At != 2*sim.Second {
		t.Errorf("%+v %+v", rows, r.BadRows)
	}
	alb := `http 2025-05-17T10:00:02.000000Z app/x 1.2.3.4:5 - -1 -1 -1 502 - 1 2 "GET http://h:80/p?q=1 HTTP/1.1" "c \"d" - -` + "\n"
	rows, _ = readText(t, alb, Options{})
	if len(rows) != 1 || rows[0].Status != 502 || !rows[0].Failed || rows[0].Function != "/p" || rows[0].Demand == -1e9 {
		t.Errorf("%+v", rows)
	}
}

func TestFilters(t *testing.T) {
	text := "time,path,status\n0,/a,200\n1,/healthz,200\n2,/a,503\n3,/b/c,200\n"
	for condition, want := range map[string]int{"function!=/healthz": 3, "function=/b/*": 1, "status<500": 3,
		"failed=false": 3, "function=/?": 2, "status=503": 1} {
		c, err := ParseCondition(condition)
		if err != nil {
			t.Fatal(err)
		}
		rows, r := readText(t, text, Options{Only: []Condition{c}})
		if len(rows) != want || r.Filtered != int64(4-want) {
			t.Errorf("%s: %d rows, %d filtered", condition, len(rows), r.Filtered)
		}
	}
	for _, wrong := range []string{"path=/a", "status", "function<a", "status=x", "statsu=200", "failed=maybe"} {
		if _, err := ParseCondition(wrong); err == nil {
			t.Errorf("%q is no condition", wrong)
		}
	}
}

func TestWindowAndFold(t *testing.T) {
	var text strings.Builder
	for i := range 14 * 24 * 60 { // a request a minute for two weeks
		fmt.Fprintln(&text, time.Date(2025, 5, 16, 6, i, 0, 0, time.UTC).Format(time.RFC3339))
	}
	rows, _ := readText(t, text.String(), Options{From: sim.Hour, To: 2 * sim.Hour})
	if len(rows) != 60 || rows[0].At != 0 || rows[59].At != 59*sim.Minute {
		t.Errorf("%d rows from %v", len(rows), rows[0].At)
	}
	for fold, minutes := range map[Fold]int{FoldDay: 1440, FoldWeek: 7 * 1440} {
		rows, _ := readText(t, text.String(), Options{Fold: fold})
		if n := float64(len(rows)); math.Abs(n-float64(minutes)) > 6*math.Sqrt(float64(minutes)) {
			t.Errorf("fold %s: %v rows, about %d expected", fold, n, minutes)
		}
		if last := rows[len(rows)-1].At; last >= sim.Time(minutes)*sim.Minute {
			t.Errorf("fold %s: last at %v", fold, last)
		}
	}
	// One request at 09:00 on each of three days is one at 09:00.
	rows, _ = readText(t, "2025-05-16T09:00:00Z\n2025-05-17T09:00:00Z\n2025-05-18T09:00:00Z\n", Options{Fold: FoldDay})
	for _, row := range rows {
		if row.At != 9*sim.Hour {
			t.Errorf("folded to %v", row.At)
		}
	}
}

func TestCompressed(t *testing.T) {
	plain := "0\n1\n2\n"
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	z.Write([]byte(plain))
	z.Close()
	enc, _ := zstd.NewWriter(nil)
	zs := enc.EncodeAll([]byte(plain), nil)
	for name, text := range map[string]string{"gzip": gz.String(), "zstd": string(zs)} {
		rows, r := readText(t, text, Options{})
		if len(rows) != 3 || r.Compression != name {
			t.Errorf("%s: %d rows of compression %q", name, len(rows), r.Compression)
		}
		if msg := failText(t, text[:len(text)-6], Options{}); !strings.Contains(msg, "trunc") &&
			!strings.Contains(msg, "broken") && !strings.Contains(msg, "unexpected") {
			t.Errorf("%s cut short: %s", name, msg)
		}
	}
}

// TestFilesThatAreWrong: each names what is wrong, and where.
func TestFilesThatAreWrong(t *testing.T) {
	mixed := "time,x\n" + strings.Repeat("1,2\n", 50) + strings.Repeat("10.0.0.1 - - [17/May/2025:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1\n", 200)
	for _, c := range []struct {
		name, text string
		options    Options
		want       string
	}{
		{"empty", "", Options{}, "empty"},
		{"blank", "\n  \n", Options{}, "empty"},
		{"binary", "\x00\x01\x02\x03binary", Options{}, "binary"},
		{"binary, forced", "\x00\x01\x02\x03binary", Options{Format: "csv"}, "binary"},
		{"zip", "PK\x03\x04....", Options{}, "unpack"},
		{"utf-16", "\xff\xfe1\x00\n\x00", Options{}, "UTF-16"},
		{"prose", "Dear Sir or Madam,\nhello\n", Options{}, "not recognised"},
		{"cut", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,1\n2023-11-16 18:1", Options{}, "middle of line 3"},
		{"cut JSON line", `{"timestamp":1,"input_length":1,"output_length":1}` + "\n" + `{"timestamp":2,"inp`, Options{}, "middle of line 2"},
		{"cut document", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"`, Options{}, "truncated"},
		{"cut array", `[{"time":1},{"time":2}`, Options{}, "truncated"},
		{"header only", "TIMESTAMP,ContextTokens,GeneratedTokens\n", Options{}, "no rows"},
		{"mixed", mixed, Options{}, "mixture"},
		{"other format", "0\n1\n", Options{Format: "azure_llm"}, "no column tells"},
		{"unknown format", "0\n", Options{Format: "azure_lm"}, `did you mean "azure_llm"`},
		{"strict", "time,x\n1,2\nlater,3\n4,5\n", Options{Strict: true}, "line 3"},
		{"strict order", "time,x\n2,2\n1,3\n", Options{Strict: true}, "line 3"},
		{"time unit", "0\n", Options{TimeUnit: "m"}, "expected s, ms, us or ns"},
		{"window", "0\n", Options{From: 5, To: 4}, "empty"},
		{"huge bucket", "time,requests\n0,1\n60,1e15\n", Options{}, "line 3"},
		{"truncated parquet", "PAR1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", Options{}, "truncated"},
		{"broken parquet", "PAR1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\x00PAR1", Options{}, "broken"},
	} {
		if msg := failText(t, c.text, c.options); !strings.Contains(msg, c.want) || !strings.HasPrefix(msg, "text: ") {
			t.Errorf("%s: %s; want %q", c.name, msg, c.want)
		}
	}
	if _, err := Open("nowhere.csv", Options{}); err == nil {
		t.Error("a file that is not there was opened")
	}
	if _, err := Open(t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder: %v", err)
	}
}

func TestBadRowsAreCountedAndNamed(t *testing.T) {
	text := "time,requests\n0,3\nnever,4\n120,many\n180\n240,5\n300,2\n360,1\n420,9"
	rows, r := readText(t, text, Options{})
	if r.Bad != 3 || len(r.BadRows) != 3 || r.BadRows[0].Line != 3 || r.BadRows[1].Line != 4 || r.BadRows[2].Line != 5 ||
		len(rows) != 3+5+2+1+9 {
		t.Errorf("%d rows, %d bad: %+v", len(rows), r.Bad, r.BadRows)
	}
	if !strings.Contains(r.BadRows[1].Reason, "requests") || len(r.Warnings) == 0 {
		t.Errorf("%+v %q", r.BadRows, r.Warnings)
	}
}

// TestSorting compares the window, the heap and the sort on disk with a plain sort.
func TestSorting(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	const n = 300_000
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%d,%d\n", i+random.IntN(20000), i)
	}
	all := "time,size\n" + text.String()
	for _, o := range []Options{{}, {Sort: true}} {
		rows, r := readText(t, all, o)
		if len(rows) != n || r.Reordered == 0 {
			t.Errorf("%d rows, %d reordered", len(rows), r.Reordered)
		}
		sum := 0.0
		for _, row := range rows {
			sum += row.Size
		}
		if sum != float64(n)*(n-1)/2 {
			t.Errorf("the sum of the rows' sizes is %v", sum)
		}
	}
	r, err := NewReader(strings.NewReader(all), "x", Options{Window: 100})
	if err != nil {
		t.Fatal(err)
	}
	var row Row
	ok := true
	for ok && err == nil {
		ok, err = r.Next(&row)
	}
	if !errors.Is(err, ErrUnsorted) {
		t.Errorf("a window of 100 rows: %v", err)
	}
	r.Close()
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "simcap-sort-*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

func TestParquet(t *testing.T) {
	type record struct {
		Arrival  time.Time `parquet:"arrival_time,timestamp(microsecond)"`
		Function string    `parquet:"function,dict"`
		Tokens   *int32    `parquet:"prompt_tokens,optional"`
		Seconds  float64   `parquet:"duration_s"`
		Tags     []string  `parquet:"tags,list"`
	}
	begin := time.Date(2025, 5, 17, 10, 0, 0, 0, time.UTC)
	var records []record
	for i := range 5000 {
		r := record{Arrival: begin.Add(time.Duration(i) * 1500 * time.Microsecond), Function: fmt.Sprint("f", i%3),
			Seconds: float64(i) / 8, Tags: []string{"a", "b"}[:i%3%2]}
		if i%2 == 1 {
			n := int32(i)
			r.Tokens = &n
		}
		records = append(records, r)
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[record](&b, parquet.MaxRowsPerRowGroup(700), parquet.PageBufferSize(512))
	if _, err := w.Write(records); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := NewReader(bytes.NewBuffer(b.Bytes()), "stream", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Reader{file, stream} {
		rows := readAll(t, r)
		if len(rows) != len(records) || r.Report().Format != "parquet" || r.Report().First != begin.UnixNano() {
			t.Fatalf("%d rows of format %s", len(rows), r.Report().Format)
		}
		for i, row := range rows {
			want := math.NaN()
			if i%2 == 1 {
				want = float64(i)
			}
			if row.At != sim.Time(i)*1500*sim.Microsecond || row.Function != fmt.Sprint("f", i%3) ||
				row.Demand != float64(i)/8*1e9 || row.Prompt != want && i%2 == 1 || !math.IsNaN(row.Prompt) && i%2 == 0 {
				t.Fatalf("row %d: %+v", i, row)
			}
		}
	}
}

// TestFoldKeepsTheProfile: ten and a half days whose afternoons have three times the mornings' requests
// are one day that has them too, also where the last day is cut.
func TestFoldKeepsTheProfile(t *testing.T) {
	var text strings.Builder
	begin := time.Date(2025, 5, 16, 6, 0, 0, 0, time.UTC)
	for at := begin; at.Before(begin.Add(252 * time.Hour)); at = at.Add(30 * time.Second) {
		n := 1
		if at.Hour() >= 12 {
			n = 3
		}
		for range n {
			fmt.Fprintln(&text, at.Format(time.RFC3339))
		}
	}
	rows, r := readText(t, text.String(), Options{Fold: FoldDay})
	half := [2]float64{}
	for _, row := range rows {
		half[row.At/(12*sim.Hour)]++
	}
	for i, want := range []float64{1440, 3 * 1440} {
		if math.Abs(half[i]-want) > 5*math.Sqrt(want) {
			t.Errorf("half day %d has %v requests, want about %v", i, half[i], want)
		}
	}
	if r.Arrivals != int64(len(rows)) {
		t.Errorf("%d arrivals reported of %d", r.Arrivals, len(rows))
	}
}

// In files of countries with a decimal comma semicolons separate the cells, and 12,5 is twelve and a
// half. Where commas separate them, a quoted "12,5" or "1,234" may mean either, and is refused.
func TestDecimalCommas(t *testing.T) {
	rows, r := readText(t, "created_at;took_ms;name\n2025-05-17 10:00:00;12,5;a,1\n"+
		"2025-05-17 10:00:01,25;1003,75;\"2,5\"\n", Options{})
	if len(rows) != 2 || rows[0].Demand != 12.5e6 || rows[1].Demand != 1003.75e6 ||
		rows[1].At != 1250*sim.Millisecond {
		t.Errorf("%d rows, bad %v: %+v", len(rows), r.BadRows, rows)
	}
	_, r = readText(t, "created_at,took_ms\n2025-05-17 10:00:00,7\n2025-05-17 10:00:00,7\n"+
		"2025-05-17 10:00:01,\"1,234\"\n", Options{})
	if r.Bad != 1 {
		t.Errorf("%d bad rows; 1,234 milliseconds may be one or a thousand", r.Bad)
	}
}

// A table with a row a second is most likely the log of a meter.
func TestEvenRowsOfATableAreSaidToBeSamples(t *testing.T) {
	var even, uneven strings.Builder
	even.WriteString("t,running\n")
	uneven.WriteString("t,running\n")
	for i := range 40 {
		fmt.Fprintf(&even, "%d,%d\n", i, i%5)
		fmt.Fprintf(&uneven, "%d.%d,%d\n", i, i%7, i%5)
	}
	for name, text := range map[string]string{"even": even.String(), "uneven": uneven.String()} {
		_, r := readText(t, text, Options{})
		said := strings.Contains(strings.Join(r.Warnings, " "), "exactly 1 s apart")
		if said != (name == "even") {
			t.Errorf("%s: %q", name, r.Warnings)
		}
	}
}

// ownRow has the columns of the rows that `simcap run --inputs` writes that matter here.
type ownRow struct {
	Replication  int32   `parquet:"replication"`
	Function     string  `parquet:"function"`
	Submitted    float64 `parquet:"submitted_s"`
	Latency      float64 `parquet:"latency_s"`
	BatchWait    float64 `parquet:"batch_wait_s"`
	Service      float64 `parquet:"service_s"`
	Interference float64 `parquet:"interference_s"`
}

// ownParquet is a Parquet file of such rows, each with 3 s of latency and 0.2 s of service.
func ownParquet(t *testing.T) []byte {
	t.Helper()
	var rows []ownRow
	for i := range 3000 {
		rows = append(rows, ownRow{Replication: 1, Function: "f", Submitted: float64(i) / 7, Latency: 3, Service: 0.2})
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[ownRow](&b, parquet.PageBufferSize(512), parquet.Compression(&parquet.Zstd))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestOwnRows: of rows that simcap wrote, the time of service is what an input needs, and not its latency,
// in which waiting and cold starts are.
func TestOwnRows(t *testing.T) {
	text := "replication,function,submitted_s,latency_s,batch_wait_s,service_s,interference_s\n" +
		"1,f,0.5,3,0,0.2,0\n1,f,1.5,3,0,0.2,0\n"
	fromCSV, _ := readText(t, text, Options{})
	r, err := NewReader(bytes.NewReader(ownParquet(t)), "x", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range [][]Row{fromCSV, readAll(t, r)} {
		if len(rows) < 2 || rows[1].Demand != 0.2*1e9 {
			t.Errorf("%d rows, the demand of the second is %v, want 0.2 s", len(rows), rows[1].Demand)
		}
	}
	other, _ := readText(t, "submitted_s,latency_s,service_s\n0,3,f\n1,3,f\n", Options{})
	if other[0].Demand != 3e9 {
		t.Errorf("of other tables the demand is %v, want the latency", other[0].Demand)
	}
}

// TestDamagedParquet: a damaged file is an error in words of its own, wherever the damage is, and never a
// panic; damage that no check sees may go unnoticed.
func TestDamagedParquet(t *testing.T) {
	whole := ownParquet(t)
	told := 0
	for at := 4; at+60 < len(whole); at += 60 {
		b := bytes.Clone(whole)
		for i := at; i < at+60 && i < len(b)-8; i++ {
			b[i] ^= 0x5a
		}
		r, err := NewReader(bytes.NewReader(b), "x", Options{})
		if err == nil {
			var row Row
			for more := true; err == nil && more; {
				more, err = r.Next(&row)
			}
			r.Close()
		}
		if err == nil {
			continue
		}
		told++
		for _, word := range []string{"thrift", "panic", "decod", "nil pointer", "index out", "zstd:", "parquet:", "EOF"} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("damaged from byte %d on: %v", at, err)
				break
			}
		}
	}
	if told < 10 {
		t.Errorf("only %d damages are told", told)
	}
}
