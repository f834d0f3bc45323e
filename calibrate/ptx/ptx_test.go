package ptx

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// modules are the kernels as they ship.
func modules() map[string]string {
	return map[string]string{"sm_60": string(Baseline), "sm_80": string(Tensor)}
}

func load(t *testing.T, module, kernel string) *entry {
	t.Helper()
	e, err := parse(module, kernel)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// number writes and reads floats or halves.
type numbers struct {
	region
	half bool
}

func (n numbers) set(i int, v float64) {
	if n.half {
		binary.LittleEndian.PutUint16(n.data[2*i:], halfOf(v))
	} else {
		binary.LittleEndian.PutUint32(n.data[4*i:], math.Float32bits(float32(v)))
	}
}

func (n numbers) get(i int) float64 {
	if n.half {
		return half(binary.LittleEndian.Uint16(n.data[2*i:]))
	}
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(n.data[4*i:])))
}

// draw makes memory of n numbers from value.
func (m *machine) draw(n int, half bool, value func() float64) numbers {
	width := 4
	if half {
		width = 2
	}
	out := numbers{m.allocate(n * width), half}
	for i := range n {
		out.set(i, value())
	}
	return out
}

// product runs a product of matrices and returns the largest error, relative to the sum of the magnitudes.
func product(e *entry, halves bool, m, n, k int, value func() float64) (vm *machine, worst float64, err error) {
	vm = &machine{}
	a, b := vm.draw(m*k, halves, value), vm.draw(n*k, halves, value)
	c := vm.draw(m*n, halves, func() float64 { return 77 })
	threads := ThreadsGemmF32
	if halves {
		threads = ThreadsGemmF16
	}
	err = vm.launch(e, n/Tile, (m+Tile-1)/Tile, threads, a.base, b.base, c.base, uint64(m), uint64(n), uint64(k))
	for row := range m {
		for column := range n {
			sum, size := 0.0, 1e-9
			for i := range k {
				one := a.get(row*k+i) * b.get(column*k+i)
				sum, size = sum+one, size+math.Abs(one)
			}
			worst = math.Max(worst, math.Abs(c.get(row*n+column)-sum)/size)
		}
	}
	return vm, worst, err
}

// wholes are numbers whose sums are exact.
func wholes(seed uint64) func() float64 {
	random := rand.New(rand.NewPCG(seed, 1))
	return func() float64 { return float64(random.IntN(7) - 3) }
}

func reals(seed uint64) func() float64 {
	random := rand.New(rand.NewPCG(seed, 2))
	return func() float64 { return random.NormFloat64() }
}

// Products are exact where halves and floats are, as near as they can be elsewhere, for rows that fill
// tiles and rows that do not; each product of 16 x 8 x 16 is done once.
func TestProducts(t *testing.T) {
	for name, module := range modules() {
		e := load(t, module, "gemm_f32")
		for _, size := range [][3]int{{64, 64, 16}, {1, 64, 32}, {70, 128, 48}} {
			if _, worst, err := product(e, false, size[0], size[1], size[2], wholes(1)); err != nil || worst != 0 {
				t.Errorf("%s gemm_f32 %v: off by %g, %v", name, size, worst, err)
			}
		}
		if _, worst, err := product(e, false, 33, 64, 64, reals(2)); err != nil || worst > 1e-6 {
			t.Errorf("%s gemm_f32: off by %g, %v", name, worst, err)
		}
	}
	e := load(t, string(Tensor), "gemm_f16")
	for _, size := range [][3]int{{64, 64, 32}, {1, 64, 64}, {70, 128, 96}, {128, 64, 32}} {
		vm, worst, err := product(e, true, size[0], size[1], size[2], wholes(3))
		if err != nil || worst != 0 {
			t.Errorf("gemm_f16 %v: off by %g, %v", size, worst, err)
		}
		rows := (size[0] + Tile - 1) / Tile * Tile
		if want := rows * size[1] * size[2] / (16 * 8 * 16); vm.products != want {
			t.Errorf("gemm_f16 %v: %d products, not %d", size, vm.products, want)
		}
	}
	// The result is rounded to a half, 2^-11 of itself.
	if _, worst, err := product(e, true, 33, 64, 64, reals(4)); err != nil || worst > 0x1p-11 {
		t.Errorf("gemm_f16: off by %g, %v", worst, err)
	}
}

// Kernels that move memory move what kernels.cu says, element by element, over any grid.
func TestMoves(t *testing.T) {
	for name, module := range modules() {
		for _, n := range []int{1, 255, 1000} {
			vm := &machine{}
			value := wholes(5)
			a := vm.draw(4*n, false, value)
			b, c := vm.draw(4*n, false, value), vm.draw(4*n, false, value)
			s := uint64(math.Float32bits(0.5))
			if err := vm.launch(load(t, module, "triad"), 2, 1, 64, a.base, b.base, c.base, s, uint64(n)); err != nil {
				t.Errorf("%s triad: %v", name, err)
			}
			for i := range 4 * n {
				if a.get(i) != b.get(i)+0.5*c.get(i) {
					t.Fatalf("%s triad: element %d is %g", name, i, a.get(i))
				}
			}
			if vm.loads != 32*n || vm.saves != 16*n {
				t.Errorf("%s triad: %d bytes in, %d out", name, vm.loads, vm.saves)
			}
		}
		for kernel, halves := range map[string]bool{"axpy_f32": false, "axpy_f16": true} {
			if halves && name == "sm_60" {
				continue
			}
			const n = 602
			vm := &machine{}
			value := wholes(6)
			y, x := vm.draw(n, halves, value), vm.draw(n, halves, value)
			var before []float64
			for i := range n {
				before = append(before, y.get(i))
			}
			factor, count := uint64(math.Float32bits(0.5)), n
			if halves {
				factor, count = uint64(halfOf(0.5))<<16|uint64(halfOf(0.5)), n/2
			}
			if err := vm.launch(load(t, module, kernel), 3, 1, 32, y.base, x.base, factor, uint64(count)); err != nil {
				t.Errorf("%s %s: %v", name, kernel, err)
			}
			for i := range n {
				if y.get(i) != 0.5*before[i]+x.get(i) {
					t.Fatalf("%s %s: element %d is %g", name, kernel, i, y.get(i))
				}
			}
			if vm.loads+vm.saves != 12*count {
				t.Errorf("%s %s: %d bytes", name, kernel, vm.loads+vm.saves)
			}
		}
		vm := &machine{}
		if err := vm.launch(load(t, module, "empty"), 1, 1, 32); err != nil || vm.loads+vm.saves > 0 {
			t.Errorf("%s empty: %v", name, err)
		}
		if err := vm.launch(load(t, module, "spin"), 1, 1, 1, 5000); err != nil {
			t.Errorf("%s spin: %v", name, err)
		}
	}
}

// Memory that is too small by one element is noticed: the kernels use all of it and the interpreter looks.
func TestBounds(t *testing.T) {
	e := load(t, string(Tensor), "gemm_f16")
	for short := range 3 {
		vm := &machine{}
		sizes := []int{64 * 32 * 2, 64 * 32 * 2, 64 * 64 * 2}
		sizes[short] -= 4
		var p []uint64
		for _, n := range sizes {
			p = append(p, vm.allocate(n).base)
		}
		err := vm.launch(e, 1, 1, ThreadsGemmF16, p[0], p[1], p[2], 64, 64, 32)
		if err == nil || !strings.Contains(err.Error(), "out of bounds") {
			t.Errorf("operand %d: %v", short, err)
		}
	}
}

// Each mistake that is put into the kernels is found: by a wrong result, or by what the interpreter looks at.
func TestMutants(t *testing.T) {
	text := string(Tensor)
	// Within gemm_f16 only.
	from := strings.Index(text, ".entry gemm_f16(")
	for _, c := range []struct{ name, old, new string }{
		{"no first barrier", "\tbar.sync \t0;\n\tld.shared.u32", "\tld.shared.u32"},
		{"no last barrier", "\tbar.sync \t0;\n\tadd.s32", "\tadd.s32"},
		{"swapped fragments", "{%r54,%r55,%r56,%r57}", "{%r54,%r56,%r55,%r57}"},
		{"swapped halves of the result", "mov.b32 %r144, {l, h};", "mov.b32 %r144, {h, l};"},
		{"rows beyond the last one", "setp.lt.u32 \t%p5, %r13, %r34;", "setp.lt.u32 \t%p5, %r34, %r13;"},
		{"threads that leave before a barrier", "\tbar.sync \t0;\n\tld.shared.u32",
			"\tsetp.lt.u32 \t%p1, %r1, 32;\n\t@%p1 ret;\n\tbar.sync \t0;\n\tld.shared.u32"},
	} {
		rest := text[from:]
		if !strings.Contains(rest, c.old) {
			t.Errorf("%s: %q is not in the kernel", c.name, c.old)
			continue
		}
		e, err := parse(text[:from]+strings.Replace(rest, c.old, c.new, 1), "gemm_f16")
		if err != nil {
			t.Fatal(err)
		}
		if _, worst, err := product(e, true, 70, 64, 96, wholes(9)); err == nil && worst == 0 {
			t.Errorf("%s: not found", c.name)
		} else {
			t.Logf("%s: off by %.2g, %v", c.name, worst, err)
		}
	}
}

// The PTX is what the documented command makes of kernels.cu.
func TestReproducible(t *testing.T) {
	clang, err := exec.LookPath("clang-14")
	if err != nil {
		t.Skip("no clang-14 here: whether the PTX is that of kernels.cu cannot be checked")
	}
	dir := t.TempDir()
	cmd := exec.Command("bash", "compile.sh", dir)
	cmd.Env = append(os.Environ(), "CLANG="+clang)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, name := range []string{"kernels_sm60.ptx", "kernels_sm80.ptx"} {
		fresh, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(fresh, kept) {
			t.Errorf("%s is not what compile.sh makes: go generate ./calibrate/ptx", name)
		}
	}
}

// NVIDIA's assembler takes the kernels for all GPUs that it knows, without spilling registers.
func TestAssembles(t *testing.T) {
	ptxas := os.Getenv("PTXAS")
	if ptxas == "" {
		var err error
		if ptxas, err = exec.LookPath("ptxas"); err != nil {
			t.Skip("no ptxas here (CUDA has it; PTXAS names one): whether the PTX assembles cannot be checked")
		}
	}
	for file, targets := range map[string][]string{
		"kernels_sm60.ptx": {"sm_60", "sm_70", "sm_75", "sm_80", "sm_90"},
		"kernels_sm80.ptx": {"sm_80", "sm_86", "sm_89", "sm_90"},
	} {
		for _, target := range targets {
			text, err := exec.Command(ptxas, "-v", "-arch="+target, "-o", os.DevNull, file).CombinedOutput()
			if err != nil || strings.Contains(string(text), "warning") ||
				strings.Count(string(text), "0 bytes spill stores") != strings.Count(string(text), "spill stores") {
				t.Errorf("%s for %s: %v\n%s", file, target, err, text)
			}
		}
	}
}
