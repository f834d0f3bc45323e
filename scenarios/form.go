package scenarios

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// form is how values of one kind are written in YAML.
type form interface {
	// read puts what the node says into the variable. What is wrong becomes diagnostics, and the
	// variable stays as it is.
	read(r *reader, n *yaml.Node, path string, into reflect.Value)
	// schema describes the form in JSON Schema.
	schema(b *schemas) schema
}

// scalar is the form of quantities: one text, read exactly and rounded once.
type scalar struct {
	what  string // "a time"
	parse func(text string) (*big.Rat, error)
	none  bool   // the word none is allowed, and lifts a limit
	text  string // pattern of texts that are allowed beside numbers; "": none
	whole bool
}

// The forms of quantities, by the unit tag of a field.
func quantity(unit string) (scalar, bool) {
	switch unit {
	case "", "number":
		return scalar{what: "a number", parse: number}, true
	case "time":
		return scalar{what: "a time", parse: duration, text: timePattern}, true
	case "rate":
		return scalar{what: "a rate", parse: rate, text: ratePattern}, true
	case "memory":
		return scalar{what: "an amount of memory", parse: memory, text: memoryPattern}, true
	case "fraction":
		return scalar{what: "a fraction", parse: fraction, text: percentPattern}, true
	case "money":
		return scalar{what: "an amount in USD", parse: money, text: moneyPattern}, true
	case "price":
		return scalar{what: "a price", parse: price, text: pricePattern}, true
	case "ms":
		return scalar{what: "a number of milliseconds", parse: milliseconds, text: timePattern},
			true
	}
	return scalar{}, false
}

// milliseconds reads a time whose bare number is in ms.
func milliseconds(text string) (*big.Rat, error) {
	if x, err := decimal(text); err == nil {
		return x.Mul(x, whole(int64(sim.Millisecond))), nil
	}
	x, err := duration(text)
	if err != nil {
		return nil, wrong("write a number of milliseconds, or a time with a unit: 100, 250ms",
			"%s is not a time",
			shorten(text))
	}
	return x, nil
}

func (s scalar) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	text, ok := r.scalar(n, path, s.what)
	if !ok {
		return
	}
	if s.none && text == "none" {
		setNone(into)
		return
	}
	x, err := s.parse(text)
	if err == nil {
		err = s.store(x, text, into)
	}
	if err != nil {
		if q, ok := err.(quantityError); ok && s.none {
			q.help += "; or none"
			err = q
		}
		r.failed(n, path, err)
	}
}

func setNone(into reflect.Value) {
	if into.CanFloat() {
		into.SetFloat(model.None)
	} else {
		into.SetInt(model.None)
	}
}

var timeType = reflect.TypeFor[sim.Time]()

// store rounds the quantity once into the variable. No quantity of a scenario is negative.
func (s scalar) store(x *big.Rat, text string, into reflect.Value) error {
	if x.Sign() < 0 {
		return wrong("", "%s is negative, where %s of 0 or more is expected", shorten(text), s.what)
	}
	if into.Type() == timeType {
		t, ok := toTime(x)
		if !ok || t > longestTime {
			return wrong("", "%s is longer than 100 years", shorten(text))
		}
		into.SetInt(int64(t))
		return nil
	}
	if s.text == timePattern && x.Cmp(whole(int64(longestTime))) > 0 {
		return wrong("", "%s is longer than 100 years", shorten(text))
	}
	if into.CanFloat() {
		f, ok := toFloat(x)
		if !ok || f > largestNumber {
			return wrong("", "%s is too large", shorten(text))
		}
		into.SetFloat(f)
		return nil
	}
	if !x.IsInt() {
		return wrong("", "%s is not a whole number", shorten(text))
	}
	if into.CanUint() {
		if !x.Num().IsUint64() {
			return wrong("", "%s is too large", shorten(text))
		}
		into.SetUint(x.Num().Uint64())
		return nil
	}
	if !x.Num().IsInt64() || x.Num().Int64() > math.MaxInt32 && into.Kind() == reflect.Int {
		return wrong("", "%s is too large", shorten(text))
	}
	into.SetInt(x.Num().Int64())
	return nil
}

// largestNumber bounds plain numbers, so that products of several stay finite.
const largestNumber = 1e30

// flag is the form of true and false.
type flag struct{}

func (flag) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	text, ok := r.scalar(n, path, "true or false")
	if !ok {
		return
	}
	switch text {
	case "true", "True", "TRUE":
		into.SetBool(true)
	case "false", "False", "FALSE":
		into.SetBool(false)
	default:
		r.fail(n, path, "", "%s, where true or false is expected", shorten(text))
	}
}

// word is the form of texts: any, or one of a list.
type word struct {
	what   string
	choice []string // nil: any
}

func (w word) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	text, ok := r.scalar(n, path, w.expects())
	if !ok {
		return
	}
	if w.choice != nil && !contains(w.choice, text) {
		r.fail(n, path, choose(text, w.choice), "there is no %s %q", w.what, text)
		return
	}
	into.SetString(text)
}

func (w word) expects() string {
	if w.choice == nil {
		return "a text"
	}
	return "one of " + strings.Join(w.choice, ", ")
}

func contains(list []string, text string) bool {
	for _, s := range list {
		if s == text {
			return true
		}
	}
	return false
}

// choose is the help for a text that should have been one of the choices.
func choose(text string, choices []string) string {
	if near := Nearest(text, choices); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(choices) == 0 {
		return ""
	}
	return "choose one of " + strings.Join(choices, ", ")
}

// optional is the form of a pointer: read into a new value.
type optional struct{ of form }

func (o optional) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	fresh := reflect.New(into.Type().Elem())
	before := len(r.found)
	o.of.read(r, n, path, fresh.Elem())
	if len(r.found) == before || into.Type().Elem().Kind() == reflect.Struct {
		into.Set(fresh)
	}
}

// list is the form of a slice.
type list struct {
	of   form
	what string
}

func (l list) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	elements, ok := r.list(n, path, l.what)
	if !ok {
		return
	}
	slice := reflect.MakeSlice(into.Type(), len(elements), len(elements))
	for i, e := range elements {
		at := element(path, i)
		r.spots[at] = spot{e, e}
		l.of.read(r, e, at, slice.Index(i))
	}
	into.Set(slice)
}

// table is the form of a map from names to numbers; it changes entries of the map that is there.
type table struct {
	of   form
	what string
}

func (t table) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	pairs, ok := r.mapping(n, path, t.what)
	if !ok {
		return
	}
	fresh := reflect.MakeMap(into.Type())
	for _, key := range into.MapKeys() {
		fresh.SetMapIndex(key, into.MapIndex(key))
	}
	for _, p := range pairs {
		at := join(path, p.key.Value)
		r.spots[at] = spot(p)
		value := reflect.New(into.Type().Elem()).Elem()
		t.of.read(r, p.value, at, value)
		fresh.SetMapIndex(reflect.ValueOf(p.key.Value), value)
	}
	into.Set(fresh)
}

// read reads the section into the one value that owns it.
func (s *section) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	s.readInto(r, n, path, into)
}

// unsupported is a key that the contract knows and this version does not.
type unsupported struct{ what string }

func (u unsupported) read(r *reader, n *yaml.Node, path string, _ reflect.Value) {
	at := n
	if s, ok := r.spots[path]; ok {
		at = s.key
	}
	r.fail(at, path, "leave the key out", "%s is not supported by this version of simcap", u.what)
}

// given wraps a function that reads by itself.
type custom struct {
	from func(r *reader, n *yaml.Node, path string, into reflect.Value)
	like func(b *schemas) schema
}

func (c custom) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	c.from(r, n, path, into)
}

func (c custom) schema(b *schemas) schema { return c.like(b) }
