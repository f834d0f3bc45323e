package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/simcap/simcap/scenarios"
)

// parseAxis turns KEY=VALUES of a flag into an axis as it stands in a file.
func parseAxis(flag, text string) (key, values string, err error) {
	o, err := scenarios.ParseOverride(text)
	if err != nil {
		return "", "", fmt.Errorf("%s: %q is not KEY=VALUES, for example "+
			"functions.embed.min_containers=0..8,step=2", flag, text)
	}
	value := strings.TrimSpace(o.Value)
	if value == "" {
		return "", "", fmt.Errorf("%s: %s has no values", flag, o.Key)
	}
	if from, rest, ok := strings.Cut(value, ".."); ok && !strings.ContainsAny(value, "[{") {
		to, step, stepped := strings.Cut(rest, ",")
		axis := fmt.Sprintf("{from: %s, to: %s", strings.TrimSpace(from), strings.TrimSpace(to))
		if stepped {
			size, found := strings.CutPrefix(strings.TrimSpace(step), "step=")
			if !found {
				return "", "", fmt.Errorf("%s: %q: after the range, `step=` is expected, as in 0..8,step=2",
					flag, text)
			}
			axis += ", step: " + size
		}
		return o.Key, axis + "}", nil
	}
	if strings.HasPrefix(value, "[") {
		return o.Key, value, nil
	}
	return o.Key, "[" + value + "]", nil
}

// axes is the override that puts the axes of a flag in the place of the file's, which stand under the
// given key; none without any.
func axes(flag, under string, texts []string) ([]scenarios.Override, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	var axes, keys []string
	for _, text := range texts {
		key, values, err := parseAxis(flag, text)
		if err != nil {
			return nil, usage(err)
		}
		if slices.Contains(keys, key) {
			return nil, usagef("%s: %s is there twice", flag, key)
		}
		keys = append(keys, key)
		axes = append(axes, strconv.Quote(key)+": "+values)
	}
	return []scenarios.Override{{Key: under, Value: "{" + strings.Join(axes, ", ") + "}", Source: flag}}, nil
}
