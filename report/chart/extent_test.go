package chart

import (
	"math"
	"testing"
)

func TestExtent(t *testing.T) {
	areas := XY{X: Axis{Scale: Time}, Series: []Series{
		{Mark: Area, Width: 10, Y: Values{1, 2, math.NaN()}}, {Mark: Area, Width: 10, Y: Values{4, 5, 1}}}}
	e := areas.Extent()
	if e.XLow != 0 || e.XHigh != 30 || e.YLow != 0 || e.YHigh < 7 || e.YHigh > 8 {
		t.Errorf("areas: %+v", e)
	}
	ruled := XY{Series: []Series{{Mark: Line, X: Values{1, 2}, Y: Values{3, 4}}},
		Rules: []Rule{{At: 7}, {At: 100}, {At: 3, Vertical: true}}}
	if e := ruled.Extent(); e.YHigh < 7 || e.YHigh > 10 || e.XHigh < 3 {
		t.Errorf("near limits are shown and far ones are not: %+v", e)
	}
	logs := XY{X: Axis{Scale: Log}, Y: Axis{Min: At(0), Max: At(1)},
		Series: []Series{{Mark: Line, X: Values{0, 10}, Y: Values{0, 5}}}}
	if e := logs.Extent(); e.XLow <= 0 || e.YHigh != 1 {
		t.Errorf("a log axis begins above 0, bounds that are asked for hold: %+v", e)
	}
	for _, p := range []XY{{}, {X: Axis{Scale: Log}, Y: Axis{Scale: Log}},
		{Series: []Series{{Mark: Line, X: Values{5}, Y: Values{math.NaN()}}}},
		{Points: []Point{{X: 3, Y: 3}}}, {Points: []Point{{X: -3, Y: 0}}}} {
		if e := p.Extent(); !(e.XHigh > e.XLow) || !(e.YHigh > e.YLow) || math.IsInf(e.YHigh-e.XLow, 0) {
			t.Errorf("%+v has no room: %+v", p, e)
		}
	}
}
