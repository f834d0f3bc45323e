package scenarios

import (
	"encoding/json"
	"strings"
)

// schema is a JSON Schema, or a part of one.
type schema map[string]any

// The texts that quantities can be, beside plain numbers.
const (
	numberPattern  = `[0-9]*\.?[0-9]*([eE][+-]?[0-9]+)?`
	timePattern    = `^ *([0-9.]+ *(ns|us|µs|μs|ms|s|min|m|h|d) *)+$|^` + numberPattern + `$`
	ratePattern    = `^` + numberPattern + ` *(/ *(ns|us|µs|μs|ms|s|min|m|h|d))?$`
	memoryPattern  = `^` + numberPattern + ` *([KMGT]i?B|B)?$`
	percentPattern = `^` + numberPattern + ` *%?$`
	moneyPattern   = `^\$? *` + numberPattern + `$`
	pricePattern   = `^\$? *` + numberPattern + ` *(/ *(s|min|m|h|d))?$`
)

// Schema is the JSON Schema (2020-12) of scenario files, from the same structs and words as the
// loader, so that editors complete and check what they hold.
func Schema() []byte {
	b := &schemas{lang: theLanguage(), defs: schema{}}
	top := b.object(b.lang.scenario)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "simcap scenario"
	top["$defs"] = b.defs
	text, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic("scenarios: schema: " + err.Error())
	}
	return append(text, '\n')
}

// schemas collects the definitions that a schema refers to.
type schemas struct {
	lang *language
	defs schema
}

// define adds a definition once and refers to it.
func (b *schemas) define(name string, make func() schema) schema {
	name = strings.ReplaceAll(name, " ", "_")
	if b.defs[name] == nil {
		b.defs[name] = schema{} // keeps a definition that refers to itself from being made for ever
		b.defs[name] = make()
	}
	return schema{"$ref": "#/$defs/" + name}
}

// ref refers to a section.
func (b *schemas) ref(s *section) schema {
	return b.define(s.name, func() schema { return b.object(s) })
}

// object describes a section.
func (b *schemas) object(s *section) schema {
	properties, required := schema{}, []string{}
	o := schema{"type": "object", "additionalProperties": false}
	for i := range s.fields {
		f := &s.fields[i]
		if _, hidden := f.form.(unsupported); hidden {
			continue
		}
		w := b.lang.words[wordKey{s.name, f.name}]
		property := f.form.schema(b)
		if f.owner == ignored {
			property = schema{"const": s.kind()}
			w.Required = true
		}
		w.describe(property)
		if f.name == anyQuantile {
			o["patternProperties"] = schema{quantilePattern: property}
			continue
		}
		properties[f.name] = property
		if w.Required {
			required = append(required, f.name)
		}
	}
	o["properties"] = properties
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// kind is the alternative of a union that the section is: the last word of its name.
func (s *section) kind() string { return s.name[strings.LastIndexByte(s.name, ' ')+1:] }

// union describes a mapping whose keys depend on what one of them says.
func (b *schemas) union(name string, sections []*section, key string) schema {
	return b.define(name, func() schema {
		var refs []schema
		for _, s := range sections {
			refs = append(refs, b.ref(s))
		}
		return schema{"type": "object", "required": []string{key}, "oneOf": refs}
	})
}

func (s *section) schema(b *schemas) schema { return b.ref(s) }

func (s scalar) schema(*schemas) schema {
	number := "number"
	if s.whole {
		number = "integer"
	}
	out := schema{"type": number, "minimum": 0}
	pattern := s.text
	if s.none {
		if pattern == "" {
			pattern = `^none$`
		} else {
			pattern += `|^none$`
		}
	}
	if pattern != "" {
		out["type"], out["pattern"] = []string{number, "string"}, pattern
	}
	return out
}

func (flag) schema(*schemas) schema { return schema{"type": "boolean"} }

func (w word) schema(*schemas) schema {
	if w.choice == nil {
		return schema{"type": []string{"string", "number"}}
	}
	return choice(w.choice)
}

func choice(names []string) schema { return schema{"enum": names} }

func anyOf(of ...schema) schema { return schema{"anyOf": of} }

func (o optional) schema(b *schemas) schema { return o.of.schema(b) }

func (l list) schema(b *schemas) schema { return schema{"type": "array", "items": l.of.schema(b)} }

func (t table) schema(b *schemas) schema {
	return schema{"type": "object", "additionalProperties": t.of.schema(b)}
}

func (unsupported) schema(*schemas) schema { return schema{} }

func (c curve) schema(*schemas) schema {
	time, _ := quantity("time")
	return schema{"type": "object", "minProperties": 1, "additionalProperties": time.schema(nil),
		"propertyNames": schema{"pattern": `^[0-9]+$`}}
}
