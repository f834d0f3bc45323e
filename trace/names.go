package trace

import (
	"fmt"
	"strings"
)

// normalName is a column's name in lower case with its words joined by underscores: "Request tokens",
// "requestTokens" and "request_tokens" are one name.
func normalName(name string) string {
	var b strings.Builder
	lower, gap := false, false
	for _, c := range strings.TrimSpace(name) {
		switch {
		case c >= 'A' && c <= 'Z':
			if (lower || gap) && b.Len() > 0 {
				b.WriteByte('_')
			}
			b.WriteRune(c - 'A' + 'a')
			lower, gap = false, false
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c > 127:
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			b.WriteRune(c)
			lower, gap = true, false
		default:
			gap = true
		}
	}
	return b.String()
}

// splitHeader is the names of a header line.
func splitHeader(line []byte, sep byte) []string {
	names := strings.Split(string(line), string(sep))
	for i := range names {
		names[i] = strings.Trim(strings.TrimSpace(names[i]), `"`)
	}
	return names
}

// mapColumns gives columns the roles that Columns asks for.
func (o *Options) mapColumns(columns []column) error {
	for r := roleTime; r < numRoles; r++ {
		want, ok := o.Columns[roleNames[r]]
		if !ok {
			continue
		}
		found := false
		names := make([]string, len(columns))
		for i := range columns {
			names[i] = columns[i].name
			if columns[i].role == r {
				columns[i].role = roleNone
			}
		}
		for i := range columns {
			if !found && (columns[i].name == want || normalName(columns[i].name) == normalName(want)) {
				_, unit := stem(normalName(want))
				columns[i].role, columns[i].unit, found = r, unit, true
			}
		}
		if !found {
			return fmt.Errorf("no column %q for role %s%s; the file has %s", want, roleNames[r],
				suggestion(want, names), strings.Join(names, ", "))
		}
	}
	return nil
}

// checkColumns refuses roles that do not exist.
func (o *Options) checkColumns() error {
	roles := roleNames[1:]
	for name := range o.Columns {
		known := false
		for _, r := range roles {
			known = known || r == name
		}
		if !known {
			return fmt.Errorf("unknown role %q of a column%s; the roles are %s", name,
				suggestion(name, roles), strings.Join(roles, ", "))
		}
	}
	return nil
}

// stem takes the unit of time off a normal name: server_elapsed_ms is server_elapsed in ms.
func stem(name string) (base string, unit int) {
	cut := strings.LastIndexByte(name, '_')
	if cut < 0 {
		return name, unitUnknown
	}
	switch name[cut+1:] {
	case "s", "sec", "secs", "second", "seconds":
		return name[:cut], unitS
	case "ms", "msec", "millis", "millisecond", "milliseconds":
		return name[:cut], unitMS
	case "us", "usec", "micros", "microsecond", "microseconds":
		return name[:cut], unitUS
	case "ns", "nsec", "nanos", "nanosecond", "nanoseconds":
		return name[:cut], unitNS
	}
	return name, unitUnknown
}
