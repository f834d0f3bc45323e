package trace

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Condition is one test of a row: a field, an operator and a value. Parse it with ParseCondition.
type Condition struct {
	Field  string // function, status, size, demand (seconds), prompt, output or failed
	Op     string // =, !=, <, <=, > or >=
	Value  string // a number, or for function a name or a pattern with * and ?
	number float64
}

var conditionFields = []string{"function", "status", "size", "demand", "prompt", "output", "failed"}

// ParseCondition reads a condition such as `function=/v1/*`, `function!=/healthz` or `status<500`.
func ParseCondition(s string) (Condition, error) {
	at := strings.IndexAny(s, "=!<>")
	if at <= 0 {
		return Condition{}, fmt.Errorf("condition %q: expected field, operator and value, for example "+
			"status<500", s)
	}
	c := Condition{Field: strings.TrimSpace(s[:at]), Op: s[at : at+1]}
	rest := s[at+1:]
	if strings.HasPrefix(rest, "=") && c.Op != "=" {
		c.Op, rest = c.Op+"=", rest[1:]
	}
	c.Value = strings.TrimSpace(rest)
	return c, c.check()
}

func (c *Condition) check() error {
	known := false
	for _, f := range conditionFields {
		known = known || f == c.Field
	}
	if !known {
		return fmt.Errorf("condition on unknown field %q%s; the fields are %s", c.Field,
			suggestion(c.Field, conditionFields), strings.Join(conditionFields, ", "))
	}
	switch c.Op {
	case "=", "!=":
	case "<", "<=", ">", ">=":
		if c.Field == "function" || c.Field == "failed" {
			return fmt.Errorf("condition on %s: expected = or !=, not %s", c.Field, c.Op)
		}
	default:
		return fmt.Errorf("unknown operator %q: expected =, !=, <, <=, > or >=", c.Op)
	}
	switch c.Field {
	case "function":
		return nil
	case "failed":
		if c.Value != "true" && c.Value != "false" {
			return fmt.Errorf("condition on failed: expected true or false, not %q", c.Value)
		}
		return nil
	}
	v, err := strconv.ParseFloat(c.Value, 64)
	if err != nil || math.IsNaN(v) {
		return fmt.Errorf("condition on %s: %q is not a number", c.Field, c.Value)
	}
	c.number = v
	return nil
}

// meets says whether a record meets all conditions. What a row does not give meets none but !=.
func meets(conditions []Condition, rec *record) bool {
	for i := range conditions {
		if !conditions[i].meets(rec) {
			return false
		}
	}
	return true
}

func (c *Condition) meets(rec *record) bool {
	var v float64
	switch c.Field {
	case "function":
		return (c.Op == "=") == like(c.Value, rec.function)
	case "failed":
		return (c.Op == "=") == (rec.failed == (c.Value == "true"))
	case "status":
		v = float64(rec.status)
		if v == 0 {
			v = math.NaN()
		}
	case "size":
		v = rec.size
	case "demand":
		v = rec.demand / float64(nsPerSecond)
	case "prompt":
		v = rec.prompt
	case "output":
		v = rec.output
	}
	switch c.Op {
	case "=":
		return v == c.number
	case "!=":
		return v != c.number
	case "<":
		return v < c.number
	case "<=":
		return v <= c.number
	case ">":
		return v > c.number
	}
	return v >= c.number
}

// like matches a name with a pattern in which * stands for any letters, slashes included, and ? for one.
func like(pattern, name string) bool {
	star, mark := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// Fold superposes the parts of a long file on its first part, which makes a typical day or week of it.
type Fold string

// The ways to fold.
const (
	FoldNone Fold = ""
	FoldDay  Fold = "day"  // all days on one of 24 h
	FoldWeek Fold = "week" // all weeks on one of 7 days
)

func (f Fold) check() error {
	switch f {
	case FoldNone, FoldDay, FoldWeek:
		return nil
	}
	return fmt.Errorf("unknown fold %q: expected day or week", string(f))
}
