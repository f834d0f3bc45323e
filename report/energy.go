package report

import (
	"fmt"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/quantity"
)

// energyWords say what the GPUs drew, and the CO2 of it where that is known; nil where the profiles
// know of no energy.
func energyWords(e *experiment.EnergyUse) []string {
	if e == nil || !has(e.Joules) || !has(e.JoulesPerInput) {
		return nil
	}
	words := []string{joules(*e.JoulesPerInput.Value) + " per input"}
	if total := *e.Joules.Value; total > 0 {
		words = append(words, fmt.Sprintf("%s in the window, %.0f%% of it idle", joules(total),
			100**e.IdleJoules.Value/total))
	}
	if e.CO2Grams != nil && has(*e.CO2Grams) {
		grams := *e.CO2Grams.Value
		text := quantity.Format(quantity.Number, grams) + " g CO2"
		if grams >= 1000 {
			text = quantity.Format(quantity.Number, grams/1000) + " kg CO2"
		}
		words = append(words, text)
	}
	return words
}

// joules writes an energy in J, or in kWh where that is easier to read.
func joules(j float64) string {
	if j >= 3.6e5 {
		return quantity.Format(quantity.Number, j/3.6e6) + " kWh"
	}
	return quantity.Format(quantity.Number, j) + " J"
}
