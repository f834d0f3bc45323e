package experiment

// Setting is one key of a scenario with a value, both as they would stand in the file.
type Setting struct {
	Key   string `json:"key"`   // dotted path, for example functions.embed.min_containers
	Value string `json:"value"` // a YAML scalar or flow mapping
}

// Point is one combination of the values of the keys that vary, in the order of the axes.
type Point []Setting

// Builder makes the scenario of a point. It is called from several goroutines at a time and must
// give the same scenario for the same point. The error says what is wrong with the point's settings.
type Builder func(Point) (*Scenario, error)

// String writes the point as key=value pairs, separated by spaces.
func (p Point) String() string {
	text := ""
	for i, s := range p {
		if i > 0 {
			text += " "
		}
		text += s.Key + "=" + s.Value
	}
	return text
}
