package ptx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// This file is an interpreter of the part of PTX that the kernels use (PTX ISA 7.0). It runs each thread of
// a block to its next barrier or product of matrices, and finds: addresses outside of what was allocated or
// not aligned, barriers and products that not all threads reach, and words of shared memory that one thread
// writes while another one uses them.

// operand is a register, a number, an address in memory, or a list of registers.
type operand struct {
	register int // -1: none
	value    uint64
	list     []int
}

// statement is one instruction.
type statement struct {
	text     string
	op       []string // at dots
	guard    int      // register of a predicate; -1: always
	negated  bool
	operands []operand
	target   int // of a branch
}

// entry is one kernel.
type entry struct {
	code      []statement
	registers int
	params    map[string]int
	wide      []bool // 8 bytes, of each parameter
	shared    []region
	sharedTop uint64
}

// region is memory that may be used.
type region struct {
	base uint64
	data []byte
}

const redZone = 256 // bytes of shared memory around each variable that nobody may use

// parse reads one kernel of a module.
func parse(module, kernel string) (*entry, error) {
	_, rest, ok := strings.Cut(module, ".entry "+kernel+"(")
	if !ok {
		return nil, fmt.Errorf("no kernel %s", kernel)
	}
	head, body, _ := strings.Cut(rest, "\n{\n")
	body, _, _ = strings.Cut(body, "\n}\n")
	e := &entry{params: map[string]int{}}
	for _, line := range strings.Split(head, "\n") {
		if f := strings.Fields(line); len(f) == 3 && f[0] == ".param" {
			e.params[strings.TrimSuffix(f[2], ",")] = len(e.wide)
			e.wide = append(e.wide, strings.HasSuffix(f[1], "64"))
		}
	}
	p := parser{entry: e, names: map[string]int{}, labels: map[string]int{}, symbols: map[string]uint64{}}
	for _, line := range strings.Split(body, "\n") {
		line, _, _ = strings.Cut(line, "//")
		for _, part := range strings.Split(strings.TrimPrefix(strings.TrimSpace(line), "{."), ";") {
			if err := p.line(strings.TrimSpace(part)); err != nil {
				return nil, fmt.Errorf("%s: %w", line, err)
			}
		}
	}
	for i := range e.code {
		if s := &e.code[i]; s.op[0] == "bra" {
			at, ok := p.labels[s.text[strings.LastIndexAny(s.text, " \t")+1:]]
			if !ok {
				return nil, fmt.Errorf("%s: no such label", s.text)
			}
			s.target = at
		}
	}
	e.registers = len(p.names)
	return e, nil
}

type parser struct {
	*entry
	names   map[string]int
	labels  map[string]int
	symbols map[string]uint64
}

func (p *parser) register(name string) int {
	if i, ok := p.names[name]; ok {
		return i
	}
	p.names[name] = len(p.names)
	return len(p.names) - 1
}

// line reads one declaration, label or instruction.
func (p *parser) line(text string) error {
	switch {
	case text == "" || text == "}" || strings.HasPrefix(text, ".reg") || strings.HasPrefix(text, "reg "):
		return nil
	case strings.HasPrefix(text, ".shared"): // .shared .align 4 .b8 name[4352]
		f := strings.Fields(text)
		name, size, _ := strings.Cut(f[len(f)-1], "[")
		bytes, err := strconv.Atoi(strings.TrimSuffix(size, "]"))
		if err != nil {
			return err
		}
		p.symbols[name] = p.sharedTop + redZone
		p.entry.shared = append(p.entry.shared, region{p.sharedTop + redZone, make([]byte, bytes)})
		p.sharedTop += uint64(bytes+15)/16*16 + redZone
		return nil
	case strings.HasSuffix(text, ":"):
		p.labels[strings.TrimSuffix(text, ":")] = len(p.code)
		return nil
	}
	s := statement{text: text, guard: -1}
	if strings.HasPrefix(text, "@") {
		guard, rest, _ := strings.Cut(text[1:], " ")
		guard, s.negated = strings.CutPrefix(guard, "!")
		s.guard, text = p.register(guard), strings.TrimSpace(rest)
	}
	name, rest, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	s.op = strings.Split(name, ".")
	if s.op[0] != "bra" {
		var err error
		if s.operands, err = p.operands(strings.TrimSpace(rest)); err != nil {
			return err
		}
	}
	p.code = append(p.code, s)
	return nil
}

// operands reads a list with commas, in which braces and brackets hold together.
func (p *parser) operands(text string) ([]operand, error) {
	var out []operand
	for text != "" {
		end := strings.IndexByte(text, ',')
		if text[0] == '{' {
			end = strings.IndexByte(text, '}') + 1
		}
		if end < 0 || end > len(text) {
			end = len(text)
		}
		o, err := p.operand(text[:end])
		if err != nil {
			return nil, err
		}
		out = append(out, o)
		text = strings.TrimLeft(text[end:], ", ")
	}
	return out, nil
}

func (p *parser) operand(text string) (operand, error) {
	o := operand{register: -1}
	switch {
	case text[0] == '{':
		for _, name := range strings.Split(strings.Trim(text, "{}"), ",") {
			o.list = append(o.list, p.register(strings.TrimSpace(name)))
		}
		return o, nil
	case text[0] == '[':
		base, offset, _ := strings.Cut(strings.Trim(text, "[]"), "+")
		if i, ok := p.params[base]; ok {
			o.value = uint64(i)
			return o, nil
		}
		o.register = p.register(base)
		if offset != "" {
			n, err := strconv.ParseInt(offset, 10, 64)
			o.value = uint64(n)
			return o, err
		}
		return o, nil
	case strings.HasPrefix(text, "0f"):
		bits, err := strconv.ParseUint(text[2:], 16, 32)
		o.value = bits
		return o, err
	case text[0] == '-' || text[0] >= '0' && text[0] <= '9':
		n, err := strconv.ParseInt(text, 10, 64)
		o.value = uint64(n)
		return o, err
	}
	if at, ok := p.symbols[text]; ok {
		o.value = at
		return o, nil
	}
	o.register = p.register(text)
	return o, nil
}

// machine is global memory, with what was counted.
type machine struct {
	global       []region
	loads, saves int // bytes of global memory
	products     int // of matrices, by warp
}

// allocate makes memory of so many bytes; each has a stretch of addresses of its own.
func (m *machine) allocate(bytes int) region {
	r := region{uint64(len(m.global)+1) << 32, make([]byte, bytes)}
	m.global = append(m.global, r)
	return r
}

// thread is one thread of a block.
type thread struct {
	id   int
	r    []uint64
	pc   int
	wait string // "", or what it waits at: bar, mma, end
}

// word is who used a word of shared memory since the last barrier.
type word struct{ writePhase, writer, readPhase, reader int }

// block is a block that runs.
type block struct {
	*machine
	*entry
	params        []uint64
	x, y, size    int
	gridX         int
	phase, clock  int
	threads       []thread
	sharedMemory  []region
	usedInPhase   map[uint64]*word
	statementsRun int
}

// launch runs a kernel over a grid, block after block.
func (m *machine) launch(e *entry, gridX, gridY, size int, params ...uint64) error {
	for y := range gridY {
		for x := range gridX {
			b := &block{machine: m, entry: e, params: params, x: x, y: y, size: size, gridX: gridX, phase: 1,
				usedInPhase: map[uint64]*word{}}
			for _, r := range e.shared {
				b.sharedMemory = append(b.sharedMemory, region{r.base, make([]byte, len(r.data))})
			}
			for i := range size {
				b.threads = append(b.threads, thread{id: i, r: make([]uint64, e.registers)})
			}
			if err := b.run(); err != nil {
				return fmt.Errorf("block (%d, %d): %w", x, y, err)
			}
		}
	}
	return nil
}

// run runs all threads from barrier to barrier.
func (b *block) run() error {
	for {
		ended, bars := 0, 0
		for first := 0; first < b.size; first += 32 {
			warp := b.threads[first:min(first+32, b.size)]
			if err := b.warp(warp); err != nil {
				return err
			}
			for i := range warp {
				switch warp[i].wait {
				case "end":
					ended++
				case "bar":
					bars++
				}
			}
		}
		switch {
		case ended == b.size:
			return nil
		case bars != b.size:
			return fmt.Errorf("a barrier that %d of %d threads reach", bars, b.size)
		}
		for i := range b.threads {
			if b.threads[i].pc != b.threads[0].pc {
				return fmt.Errorf("threads wait at different barriers")
			}
		}
		for i := range b.threads {
			b.threads[i].wait = ""
			b.threads[i].pc++
		}
		b.phase++
	}
}

// warp runs a warp until all of its threads wait at a barrier or have ended.
func (b *block) warp(warp []thread) error {
	for {
		products := 0
		for i := range warp {
			t := &warp[i]
			for t.wait == "" {
				if b.statementsRun++; b.statementsRun > 50_000_000 {
					return fmt.Errorf("it does not end")
				}
				s := &b.code[t.pc]
				if err := b.step(t, s); err != nil {
					return fmt.Errorf("thread %d: %s: %w", t.id, s.text, err)
				}
			}
			if t.wait == "mma" {
				products++
			}
		}
		if products == 0 {
			return nil
		}
		for i := range warp {
			if products != 32 || warp[i].pc != warp[0].pc {
				return fmt.Errorf("%s: not by all threads of the warp", b.code[warp[0].pc].text)
			}
		}
		b.multiply(warp, &b.code[warp[0].pc])
		for i := range warp {
			warp[i].wait = ""
			warp[i].pc++
		}
	}
}

// multiply is mma.sync.m16n8k16 with halves and sums in fp32; fragments as PTX ISA 9.7.13 lays them out.
func (b *block) multiply(warp []thread, s *statement) {
	var x [16][16]float64
	var y [16][8]float64
	b.products++
	for lane := range warp {
		group, quad := lane/4, lane%4
		for i := range 8 {
			pair := warp[lane].r[s.operands[1].list[i/2]]
			x[group+8*(i/2%2)][quad*2+i%2+8*(i/4)] = half(uint16(pair >> (16 * (i % 2))))
		}
		for i := range 4 {
			pair := warp[lane].r[s.operands[2].list[i/2]]
			y[quad*2+i%2+8*(i/2)][group] = half(uint16(pair >> (16 * (i % 2))))
		}
	}
	for lane := range warp {
		group, quad := lane/4, lane%4
		var sums [4]float64
		for i := range 4 {
			row, column := group+8*(i/2), quad*2+i%2
			sums[i] = float64(float(warp[lane].r[s.operands[3].list[i]]))
			for k := range 16 {
				sums[i] += x[row][k] * y[k][column]
			}
		}
		for i, v := range sums {
			warp[lane].r[s.operands[0].list[i]] = uint64(math.Float32bits(float32(v)))
		}
	}
}

func float(bits uint64) float32 { return math.Float32frombits(uint32(bits)) }

// half is the value of a half that is no infinity.
func half(h uint16) float64 {
	e, m := int(h>>10&31), float64(h&1023)
	v := math.Ldexp(m, -24)
	if e > 0 {
		v = math.Ldexp(1024+m, e-25)
	}
	if h>>15 == 1 {
		v = -v
	}
	return v
}

// halfOf is the nearest half, by search: no code is shared with what it tests.
func halfOf(v float64) uint16 {
	sign := uint16(0)
	if math.Signbit(v) {
		sign, v = 0x8000, -v
	}
	low, high := uint16(0), uint16(0x7bff)
	for low < high { // the largest that is not above v
		middle := low + (high-low+1)/2
		if half(middle) <= v {
			low = middle
		} else {
			high = middle - 1
		}
	}
	if low < 0x7bff {
		below, above := v-half(low), half(low+1)-v
		if above < below || above == below && low&1 == 1 {
			low++
		}
	}
	return sign | low
}

// at is where an address lies.
func at(all []region, address uint64, bytes int) ([]byte, error) {
	if address%uint64(bytes) != 0 {
		return nil, fmt.Errorf("address %#x is not aligned to %d bytes", address, bytes)
	}
	for _, r := range all {
		if address >= r.base && address+uint64(bytes) <= r.base+uint64(len(r.data)) {
			return r.data[address-r.base:][:bytes], nil
		}
	}
	return nil, fmt.Errorf("address %#x is out of bounds", address)
}

// use notes who uses a word of shared memory.
func (b *block) use(t *thread, address uint64, write bool) error {
	w := b.usedInPhase[address/4]
	if w == nil {
		w = &word{}
		b.usedInPhase[address/4] = w
	}
	if w.writePhase == b.phase && w.writer != t.id || write && w.readPhase == b.phase && w.reader != t.id {
		return fmt.Errorf("threads %d and %d use a word of shared memory without a barrier between them", t.id, w.writer)
	}
	switch {
	case write:
		w.writePhase, w.writer = b.phase, t.id
	case w.readPhase == b.phase && w.reader != t.id:
		w.reader = -1 // several
	default:
		w.readPhase, w.reader = b.phase, t.id
	}
	return nil
}

// access loads or stores.
func (b *block) access(t *thread, s *statement) error {
	load, space := s.op[0] == "ld", s.op[1]
	value, place := s.operands[0], s.operands[1]
	if !load {
		value, place = place, value
	}
	width := 4
	if strings.HasSuffix(s.op[len(s.op)-1], "64") {
		width = 8
	}
	registers := value.list
	if registers == nil {
		registers = []int{value.register}
	}
	if space == "param" {
		if want := b.wide[place.value]; want != (width == 8) {
			return fmt.Errorf("a parameter of another width")
		}
		t.r[registers[0]] = b.params[place.value]
		return nil
	}
	address, all := t.r[place.register]+place.value, b.global
	if space == "shared" {
		all = b.sharedMemory
	}
	data, err := at(all, address, width*len(registers))
	if err != nil {
		return err
	}
	for i, r := range registers {
		if space == "shared" {
			if err := b.use(t, address+uint64(4*i), !load); err != nil {
				return err
			}
		}
		switch {
		case load && width == 8:
			t.r[r] = binary.LittleEndian.Uint64(data[8*i:])
		case load:
			t.r[r] = uint64(binary.LittleEndian.Uint32(data[4*i:]))
		case width == 8:
			binary.LittleEndian.PutUint64(data[8*i:], t.r[r])
		default:
			binary.LittleEndian.PutUint32(data[4*i:], uint32(t.r[r]))
		}
	}
	if space == "global" && load {
		b.loads += len(data)
	} else if space == "global" {
		b.saves += len(data)
	}
	return nil
}

// step runs one instruction of one thread.
func (b *block) step(t *thread, s *statement) error {
	if s.guard >= 0 && (t.r[s.guard] != 0) == s.negated {
		t.pc++
		return nil
	}
	switch s.op[0] {
	case "bra":
		t.pc = s.target
		return nil
	case "ret":
		t.wait = "end"
		return nil
	case "bar", "mma":
		t.wait = s.op[0]
		return nil
	}
	t.pc++
	if s.op[0] == "ld" || s.op[0] == "st" {
		return b.access(t, s)
	}
	value := func(i int) uint64 {
		if o := s.operands[i]; o.register >= 0 {
			return t.r[o.register]
		}
		return s.operands[i].value
	}
	if s.op[0] == "mov" {
		return b.move(t, s, value)
	}
	result, err := arithmetic(s, value)
	t.r[s.operands[0].register] = result
	return err
}

// move also reads special registers, and packs two halves.
func (b *block) move(t *thread, s *statement, value func(int) uint64) error {
	to, text := s.operands[0].register, s.text
	if list := s.operands[1].list; list != nil {
		t.r[to] = t.r[list[0]]&0xffff | t.r[list[1]]<<16
		return nil
	}
	special := map[string]int{"%tid.x": t.id, "%ntid.x": b.size, "%ctaid.x": b.x, "%ctaid.y": b.y, "%nctaid.x": b.gridX}
	name := text[strings.LastIndexAny(text, " \t")+1:]
	if v, ok := special[name]; ok {
		t.r[to] = uint64(v)
		return nil
	}
	if name == "%globaltimer" {
		b.clock += 100
		t.r[to] = uint64(b.clock)
		return nil
	}
	t.r[to] = value(1)
	return nil
}

// arithmetic is everything that only computes.
func arithmetic(s *statement, value func(int) uint64) (uint64, error) {
	name := strings.Join(s.op, ".")
	a, c := value(1), uint64(0)
	if len(s.operands) > 2 {
		c = value(2)
	}
	truth := func(yes bool) (uint64, error) {
		if yes {
			return 1, nil
		}
		return 0, nil
	}
	switch name {
	case "add.s32":
		return uint64(uint32(a + c)), nil
	case "add.s64":
		return a + c, nil
	case "sub.s64":
		return a - c, nil
	case "and.b32", "and.b64":
		return a & c, nil
	case "or.b32", "or.b64":
		return a | c, nil
	case "shl.b32":
		return uint64(uint32(a) << c), nil
	case "shl.b64":
		return a << c, nil
	case "shr.u32":
		return uint64(uint32(a) >> c), nil
	case "bfe.u32":
		return uint64(uint32(a)>>c) & (1<<value(3) - 1), nil
	case "mul.lo.s32":
		return uint64(uint32(a * c)), nil
	case "mul.lo.s64":
		return a * c, nil
	case "mul.wide.u32":
		return uint64(uint32(a)) * uint64(uint32(c)), nil
	case "mad.lo.s32":
		return uint64(uint32(a*c + value(3))), nil
	case "cvt.u32.u64", "cvt.u64.u32":
		return uint64(uint32(a)), nil
	case "cvta.to.global.u64":
		return a, nil
	case "cvt.rn.f16.f32":
		return uint64(halfOf(float64(float(a)))), nil
	case "setp.ge.u32":
		return truth(uint32(a) >= uint32(c))
	case "setp.lt.u32":
		return truth(uint32(a) < uint32(c))
	case "setp.lt.u64":
		return truth(a < c)
	case "setp.ne.s32":
		return truth(uint32(a) != uint32(c))
	case "fma.rn.f32":
		return uint64(math.Float32bits(float32(math.FMA(float64(float(a)), float64(float(c)), float64(float(value(3))))))), nil
	case "fma.rn.f16x2":
		d, out := value(3), uint64(0)
		for i := range 2 {
			pick := func(v uint64) float64 { return half(uint16(v >> (16 * i))) }
			out |= uint64(halfOf(math.FMA(pick(a), pick(c), pick(d)))) << (16 * i)
		}
		return out, nil
	}
	return 0, fmt.Errorf("the interpreter does not know %s", name)
}
