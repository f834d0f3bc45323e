package model_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/simcap/simcap/model"
)

// closing are the features with which a run has to look at each input, whether anybody else does or not.
var closing = []string{"single use", "rolling", "recreate", "retries", "exponential retries", "failing", "crash",
	"preemption", "first input", "noise", "random overhead", "map", "map u", "map v", "map w", "spawn u", "spawn v",
	"spawn w", "closed u", "closed v", "closed w", "patience", "client retry", "group", "concurrent", "target"}

// A run counts the same whether its inputs are looked at one by one, with the laws checked, or not.
func TestLookingChangesNothing(t *testing.T) {
	compare := func(seed uint64, cfg *model.Config) string {
		trial := model.Trial{Seed: seed, Replication: 1}
		looked := must(t, cfg, trial)
		var containers []model.ContainerRow
		tally, err := model.Run(context.Background(), cfg, trial, model.Hooks{Rows: model.Rows{
			Container: func(r *model.ContainerRow) error { containers = append(containers, *r); return nil },
		}})
		if err != nil {
			return err.Error()
		}
		for i := range min(len(containers), len(looked.containers)) {
			if a, b := looked.containers[i], containers[i]; a != b {
				return fmt.Sprintf("\nlooked at %+v\nnot       %+v", a, b)
			}
		}
		if len(containers) != len(looked.containers) {
			return fmt.Sprintf("%d and %d containers", len(looked.containers), len(containers))
		}
		for i := range tally.Workloads {
			a, b := &looked.tally.Workloads[i], &tally.Workloads[i]
			if !reflect.DeepEqual(a, b) {
				return fmt.Sprintf("workload %d: %s", i, unlike(a, b))
			}
		}
		for i := range tally.Functions {
			a, b := &looked.tally.Functions[i], &tally.Functions[i]
			if !reflect.DeepEqual(a, b) {
				return fmt.Sprintf("function %d: %s", i, unlike(a, b))
			}
		}
		if !reflect.DeepEqual(looked.tally, tally) {
			return unlike(looked.tally, tally)
		}
		bare, err := model.Run(context.Background(), cfg, trial, model.Hooks{})
		if err != nil || !reflect.DeepEqual(bare, tally) {
			return fmt.Sprint("without any hooks: ", err)
		}
		return ""
	}
	t.Run("everything", func(t *testing.T) { each(t, 500, nil, compare) })
	t.Run("plain", func(t *testing.T) { each(t, 1500, closing, compare) })
}

// unlike names the first field of two structures that differs.
func unlike(a, b any) string {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range x.NumField() {
		p, q := x.Field(i).Interface(), y.Field(i).Interface()
		if !reflect.DeepEqual(p, q) {
			return fmt.Sprintf("%s\nlooked at %+v\nnot       %+v", x.Type().Field(i).Name, p, q)
		}
	}
	return "(nothing)"
}

// Rows come in the promised order: inputs by first submission, containers by function and number.
func TestOrderOfRows(t *testing.T) {
	each(t, 200, nil, func(seed uint64, cfg *model.Config) string {
		out := must(t, cfg, model.Trial{Seed: seed, Replication: 1})
		if !slices.IsSortedFunc(out.inputs, func(a, b model.InputRow) int { return int(min(1, max(-1, a.Submitted-b.Submitted))) }) {
			return "inputs are not in order of submission"
		}
		function, number := -1, int64(0)
		for i := range out.containers {
			r := &out.containers[i]
			if function < 0 || cfg.Functions[function].Name != r.Function {
				function, number = function+1, 0
			}
			for function < len(cfg.Functions) && cfg.Functions[function].Name != r.Function {
				function++
			}
			if number++; function >= len(cfg.Functions) || r.Container != number {
				return fmt.Sprintf("row %d is of %s/%d", i, r.Function, r.Container)
			}
		}
		return ""
	})
}
