package sim

// Agenda is a heap of one-off appointments that can be moved or cancelled: retries, patience,
// updates. Each belongs to an owner, who can have one at a time.
type Agenda struct {
	First Time // date of the earliest appointment, Never without one; read only
	heap  []Appointment
	pos   [][]int32 // position in heap + 1 by owner's kind and index; 0: none
}

// Owner of an appointment: a kind of thing and its index.
type Owner struct {
	Kind  uint8
	Index int32
}

// Appointment is a date, its rank among the events of that date, and whose it is.
type Appointment struct {
	At    Time
	Rank  Rank
	Owner Owner
}

// NewAgenda serves owners of the given number of kinds.
func NewAgenda(kinds int) *Agenda { return &Agenda{First: Never, pos: make([][]int32, kinds)} }

// Head is the earliest appointment; its At is Never when there is none.
func (a *Agenda) Head() Appointment {
	if len(a.heap) == 0 {
		return Appointment{At: Never}
	}
	return a.heap[0]
}

// Len counts the appointments.
func (a *Agenda) Len() int { return len(a.heap) }

// Set makes or moves the owner's appointment.
func (a *Agenda) Set(owner Owner, at Time, rank Rank) {
	pos := a.pos[owner.Kind]
	for int(owner.Index) >= len(pos) {
		pos = append(pos, 0)
	}
	a.pos[owner.Kind] = pos
	i := int(pos[owner.Index]) - 1
	if i < 0 {
		i = len(a.heap)
		a.heap = append(a.heap, Appointment{})
	}
	a.heap[i] = Appointment{at, rank, owner}
	a.up(i)
	a.down(int(a.pos[owner.Kind][owner.Index]) - 1)
	a.First = a.heap[0].At
}

// Cancel drops the owner's appointment, if there is one.
func (a *Agenda) Cancel(owner Owner) {
	pos := a.pos[owner.Kind]
	if int(owner.Index) >= len(pos) || pos[owner.Index] == 0 {
		return
	}
	i := int(pos[owner.Index]) - 1
	pos[owner.Index] = 0
	last := len(a.heap) - 1
	moved := a.heap[last]
	a.heap = a.heap[:last]
	if i < last {
		a.put(i, moved)
		a.up(i)
		a.down(int(a.pos[moved.Owner.Kind][moved.Owner.Index]) - 1)
	}
	a.First = Never
	if last > 0 {
		a.First = a.heap[0].At
	}
}

func (a *Agenda) put(i int, x Appointment) {
	a.heap[i] = x
	a.pos[x.Owner.Kind][x.Owner.Index] = int32(i + 1)
}

func before(x, y *Appointment) bool { return x.At < y.At || x.At == y.At && x.Rank.Less(y.Rank) }

func (a *Agenda) up(i int) {
	x := a.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !before(&x, &a.heap[parent]) {
			break
		}
		a.put(i, a.heap[parent])
		i = parent
	}
	a.put(i, x)
}

func (a *Agenda) down(i int) {
	x := a.heap[i]
	for {
		child := 2*i + 1
		if child >= len(a.heap) {
			break
		}
		if child+1 < len(a.heap) && before(&a.heap[child+1], &a.heap[child]) {
			child++
		}
		if !before(&a.heap[child], &x) {
			break
		}
		a.put(i, a.heap[child])
		i = child
	}
	a.put(i, x)
}
