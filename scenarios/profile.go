package scenarios

import (
	"io"
	"reflect"

	"go.yaml.in/yaml/v4"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/service"
)

// profileForm reads a profile file: YAML with `simcap_profile: 1`, a section `service` with the
// keys of a function's service, perhaps a section `cold_start`, and what else tells where it comes
// from. Its owner is the service; what the scenario says beside `profile` replaces what the profile
// says.
type profileForm struct{ lang *language }

func (p profileForm) schema(*schemas) schema { return schema{"type": "string", "minLength": 1} }

func (p profileForm) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	name, ok := r.scalar(n, path, "the path of a profile file")
	if !ok {
		return
	}
	data, err := r.profile(name)
	if err != nil {
		r.fail(n, path, "a path is relative to the scenario's file", "%s: %s", name, readable(err))
		return
	}
	text := &source{name: name}
	root, ds := text.parse(data, "a profile")
	if ds.Failed() {
		r.found = append(r.found, ds...)
		return
	}
	r.adopt(root, text, map[*yaml.Node]bool{})
	if version := entry(root, "simcap_profile"); version == nil || version.Value != "1" {
		r.fail(root, path, "its first key is simcap_profile: 1", "%s is not a profile", name)
		return
	}
	body := entry(root, "service")
	if body == nil || entry(body, "profile") != nil {
		r.fail(root, path, "", "the profile %s has no service section of its own", name)
		return
	}
	if s := entry(root, "synthetic"); s != nil && s.Value == "true" {
		r.synthetic = true
	}
	config := into.Addr().Interface().(*service.Config)
	inner := *r
	inner.spots, inner.seen = map[string]spot{}, nil
	p.lang.service().read(&inner, body, path, into)
	r.found, r.aliases, r.untold = inner.found, inner.aliases, inner.untold
	config.Profile = name
	r.profileCold(entry(root, "cold_start"), path)
}

// profileCold keeps the cold start of a profile for the function that uses it.
func (r *reader) profileCold(n *yaml.Node, path string) {
	if n == nil {
		return
	}
	inner := *r
	inner.spots, inner.seen = map[string]spot{}, nil
	var cold model.ColdStart
	r.lang.coldStart().read(&inner, n, path, reflect.ValueOf(&cold).Elem())
	r.found, r.aliases, r.untold = inner.found, inner.aliases, inner.untold
	r.cold = &cold
}

// profile is the bytes of a profile file.
func (r *reader) profile(name string) ([]byte, error) {
	if r.opts.Profile != nil {
		return r.opts.Profile(name)
	}
	f, err := r.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, LargestFile+1))
}

// adopt notes that the node and all below it stand in another text than the scenario's.
func (r *reader) adopt(n *yaml.Node, text *source, seen map[*yaml.Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	r.sources[n] = text
	for _, c := range n.Content {
		r.adopt(c, text, seen)
	}
	if n.Alias != nil {
		r.adopt(n.Alias, text, seen)
	}
}
