package trace

import (
	"bytes"
	"math"

	"github.com/simcap/simcap/sim"
)

const (
	nsPerSecond = int64(sim.Second)
	nsPerDay    = int64(sim.Day)
)

// daysBefore is the number of days from 1970-01-01 to the given date of the Gregorian calendar
// (Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
func daysBefore(year, month, day int) int64 {
	if month <= 2 {
		year--
	}
	era := year / 400
	ofEra := year - era*400
	shifted := (month + 9) % 12
	ofYear := (153*shifted+2)/5 + day - 1
	return int64(era)*146097 + int64(ofEra*365+ofEra/4-ofEra/100+ofYear) - 719468
}

// daysIn is the number of days of a month.
func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// two reads two digits at b[i:].
func two(b []byte, i int) (int, bool) {
	if i+2 > len(b) {
		return 0, false
	}
	x, y := b[i]-'0', b[i+1]-'0'
	return int(x)*10 + int(y), x <= 9 && y <= 9
}

// instant reads a date with a time of day as nanoseconds since 1970-01-01 UTC: ISO 8601 and RFC 3339
// in their common spellings (2023-11-16 18:15:46.6805900, 2025-05-17T10:00:00Z, 2025-05-17T12:00+02:00)
// and the one of web server logs (17/May/2015:10:05:03 +0000). Without a zone it is UTC; zoned says
// whether one was given.
func instant(b []byte) (ns int64, zoned, ok bool) {
	if len(b) > 2 && b[2] == '/' {
		return logInstant(b)
	}
	if len(b) < 10 || b[4] != b[7] || b[4] != '-' && b[4] != '/' {
		return 0, false, false
	}
	century, ok1 := two(b, 0)
	years, ok2 := two(b, 2)
	month, ok3 := two(b, 5)
	day, ok4 := two(b, 8)
	if !(ok1 && ok2 && ok3 && ok4) {
		return 0, false, false
	}
	days, ok := date(century*100+years, month, day)
	if !ok || len(b) == 10 {
		return days * nsPerDay, false, ok
	}
	if b[10] != 'T' && b[10] != ' ' && b[10] != 't' {
		return 0, false, false
	}
	return timeOfDay(days, b[11:])
}

// date is the number of days since 1970 of a date that exists and whose nanoseconds fit an int64.
func date(year, month, day int) (int64, bool) {
	if year < 1680 || year > 2260 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return daysBefore(year, month, day), true
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// logInstant reads 17/May/2015:10:05:03 +0000.
func logInstant(b []byte) (ns int64, zoned, ok bool) {
	if len(b) < 20 || b[6] != '/' || b[11] != ':' {
		return 0, false, false
	}
	day, ok1 := two(b, 0)
	century, ok2 := two(b, 7)
	years, ok3 := two(b, 9)
	at := bytes.Index([]byte(months), b[3:6])
	if !(ok1 && ok2 && ok3) || at < 0 || at%3 != 0 {
		return 0, false, false
	}
	days, ok := date(century*100+years, at/3+1, day)
	if !ok {
		return 0, false, false
	}
	return timeOfDay(days, b[12:])
}

// timeOfDay reads HH:MM[:SS[.fraction]][zone], with a point or a comma before the fraction, of the given day.
func timeOfDay(days int64, b []byte) (ns int64, zoned, ok bool) {
	hour, ok1 := two(b, 0)
	minute, ok2 := two(b, 3)
	if !(ok1 && ok2) || b[2] != ':' || hour > 23 || minute > 59 {
		return 0, false, false
	}
	ns = days*nsPerDay + int64(hour)*int64(sim.Hour) + int64(minute)*int64(sim.Minute)
	b = b[5:]
	if len(b) > 0 && b[0] == ':' {
		end := 1
		for end < len(b) && (b[end] >= '0' && b[end] <= '9' || b[end] == '.' || b[end] == ',') {
			end++
		}
		digits := b[1:end]
		if len(digits) > 2 && digits[2] == ',' { // as ISO 8601 allows and Python's logging writes
			digits = withPoint(digits)
		}
		seconds, ok := scaled(digits, 9)
		if !ok || end < 3 || b[2] == '.' || seconds >= 61*nsPerSecond {
			return 0, false, false
		}
		ns += seconds
		b = b[end:]
	}
	offset, zoned, ok := zone(b)
	return ns - offset, zoned, ok
}

// zone reads what follows a time of day: nothing, Z, UTC, or an offset such as +0200, -07:00 or +00.
func zone(b []byte) (offset int64, zoned, ok bool) {
	b = bytes.TrimLeft(b, " ")
	switch {
	case len(b) == 0:
		return 0, false, true
	case string(b) == "Z", string(b) == "z", string(b) == "UTC", string(b) == "GMT":
		return 0, true, true
	case b[0] != '+' && b[0] != '-':
		return 0, false, false
	}
	hours, ok1 := two(b, 1)
	minutes, ok2 := 0, len(b) == 3
	switch {
	case len(b) == 5:
		minutes, ok2 = two(b, 3)
	case len(b) == 6 && b[3] == ':':
		minutes, ok2 = two(b, 4)
	}
	if !(ok1 && ok2) || hours > 14 || minutes > 59 {
		return 0, false, false
	}
	offset = int64(hours)*int64(sim.Hour) + int64(minutes)*int64(sim.Minute)
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true, true
}

// Units of numbers that are times: the power of ten that makes nanoseconds of them.
const (
	unitUnknown = -1
	unitNS      = 0
	unitUS      = 3
	unitMS      = 6
	unitS       = 9
)

// unitName is a unit as messages name it.
func unitName(unit int) string {
	switch unit {
	case unitNS:
		return "nanoseconds"
	case unitUS:
		return "microseconds"
	case unitMS:
		return "milliseconds"
	}
	return "seconds"
}

// earliest is the first instant in ns that a number can only mean since 1970: in 1973. Smaller numbers
// count from the beginning of a file.
const earliest = int64(1e8) * nsPerSecond

// epochUnit guesses the unit of a number that is an instant since 1970, by its size: in seconds the
// years 1973 to 5138 lie between 1e8 and 1e11, and each finer unit is a thousand times larger. Smaller
// numbers are no such instant.
func epochUnit(v float64) int {
	switch v = math.Abs(v); {
	case v >= 1e17:
		return unitNS
	case v >= 1e14:
		return unitUS
	case v >= 1e11:
		return unitMS
	case v >= 1e8:
		return unitS
	}
	return unitUnknown
}
