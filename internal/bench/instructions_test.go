package main

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

// A system that is guarded is one that there is, and all that there are.
func TestRecordedFiguresAreComplete(t *testing.T) {
	all, err := readFigures(recordedFigures)
	if err != nil {
		t.Fatal(err)
	}
	systems := map[string][]string{}
	for _, f := range all {
		systems[f.arch+" "+f.goMinor] = append(systems[f.arch+" "+f.goMinor], f.system)
	}
	var want []string
	for _, b := range benchmarks() {
		want = append(want, b.name)
	}
	for of, have := range systems {
		if !slices.Equal(have, want) {
			t.Errorf("%s: recorded are %q, the benchmarks are %q: %s", of, have, want, recordAgain)
		}
	}
	if writeFigures(all) != recordedFigures {
		t.Error("the table is not as it would be written")
	}
}

func TestJudgement(t *testing.T) {
	recorded := []figure{{"amd64", "go1.26", "a", 1000}, {"amd64", "go1.26", "b", 1000}, {"amd64", "go1.26", "c", 1000},
		{"arm64", "go1.26", "d", 1000}}
	now := func(a, b, c float64) []figure {
		return []figure{{"amd64", "go1.26", "a", a}, {"amd64", "go1.26", "b", b}, {"amd64", "go1.26", "c", c}}
	}
	for _, c := range []struct {
		now    []figure
		faults []string
	}{
		{now(1049, 951, 1000), nil},
		{now(1051, 1000, 2000), []string{"of a, c needs over 5 % more"}},
		{now(949, 1000, 1000), []string{"of a needs over 5 % fewer"}},
		{now(500, 2000, 1000), []string{"of b needs over 5 % more", "of a needs over 5 % fewer"}},
		{[]figure{{"amd64", "go1.26", "d", 1000}}, []string{"nothing is recorded for d"}}, // of this architecture
	} {
		table, faults := judge(recorded, c.now)
		if len(faults) != len(c.faults) {
			t.Errorf("%v: %q", c.now, faults)
			continue
		}
		for i, want := range c.faults {
			if !strings.Contains(faults[i], want) || !strings.HasSuffix(faults[i], recordAgain) {
				t.Errorf("want %q, got %q", want, faults[i])
			}
		}
		if n := strings.Count(table, "\n"); n != 1+len(c.now) {
			t.Errorf("%d lines for %d systems:\n%s", n, len(c.now), table)
		}
	}
}

// Recording replaces what was counted and leaves other architectures alone; counting all systems clears
// away those that are no more, and older versions of Go.
func TestMerge(t *testing.T) {
	here, other := runtime.GOARCH, "other"
	recorded := []figure{{other, "go1.25", "a", 1}, {here, "go1.25", "a", 2}, {here, "go1.26", "a", 3},
		{here, "go1.26", "b", 4}, {here, "go1.26", "gone", 5}}
	one := merge(recorded, []figure{{here, "go1.26", "b", 9}}, false)
	if want := []figure{recorded[0], recorded[1], recorded[2], {here, "go1.26", "b", 9}, recorded[4]}; !slices.Equal(one, want) {
		t.Errorf("one: %v", one)
	}
	now := []figure{{here, "go1.26", "a", 8}, {here, "go1.26", "b", 9}}
	all := merge(recorded, now, true)
	if want := append([]figure{recorded[0]}, now...); !slices.Equal(all, want) {
		t.Errorf("all: %v", all)
	}
}

func TestMinorVersion(t *testing.T) {
	for version, want := range map[string]string{"go1.26.8": "go1.26", "go1.27rc1": "go1.27", "go1.26.1-X:jsonv2": "go1.26",
		"devel go1.28-abc": "devel go1.28-abc"} {
		if got := minorVersion(version); got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}

func TestFiguresAreReadStrictly(t *testing.T) {
	for _, text := range []string{"", "arch\tgo\n", figuresTitle + "\namd64\tgo1.26\ta\n", figuresTitle + "\namd64\tgo1.26\ta\t-1\n",
		figuresTitle + "\namd64\tgo1.26\ta\tNaN\n", figuresTitle + "\n\namd64\tgo1.26\ta\t1\n"} {
		if all, err := readFigures(text); err == nil || !strings.Contains(err.Error(), figuresFile) {
			t.Errorf("%q: %v, %v", text, all, err)
		}
	}
}
