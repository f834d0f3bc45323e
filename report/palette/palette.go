// Package palette holds the colours that pages and figures share. The categorical ones are those of Okabe
// and Ito (2008), darkened or lightened a little so that they keep their contrast on the ground: people
// with any of the usual kinds of colour blindness tell them apart.
package palette

import "github.com/simcap/simcap/report/chart"

// Theme is a set of colours, all as #rrggbb.
type Theme struct {
	Ground string // behind pictures
	Page   string // behind everything
	Ink    string // text
	Soft   string // secondary text
	Grid   string // hairlines
	Axis   string // axes and borders
	Roles  map[chart.Role]string
}

// colors are the categorical colours of a theme.
type colors struct{ blue, sky, green, amber, red, pink, violet, pale, grey string }

// Light is for white ground.
func Light() Theme {
	return Theme{Ground: "#ffffff", Page: "#f6f7f9", Ink: "#1b1f24", Soft: "#59636e",
		Grid: "#e6e9ed", Axis: "#b4bcc6",
		Roles: roles(colors{"#0072b2", "#56b4e9", "#008060", "#e69f00", "#c44e00", "#cc79a7",
			"#7a5fb5", "#c3cad3",
			"#7b8592"})}
}

// Dark is for dark ground.
func Dark() Theme {
	return Theme{Ground: "#14181d", Page: "#0d1014", Ink: "#e8ebef", Soft: "#a3adb8",
		Grid: "#2a3038", Axis: "#4a535e",
		Roles: roles(colors{"#4aa3e0", "#9fd3f5", "#3cc79d", "#f0b436", "#ff8a4c", "#e6a3c8",
			"#b29ae6", "#4c5763",
			"#9aa5b1"})}
}

func roles(c colors) map[chart.Role]string {
	return map[chart.Role]string{
		chart.Busy: c.blue, chart.Idle: c.pale, chart.Starting: c.amber, chart.Draining: c.pink,
		chart.Backoff: c.pink, chart.Cold: c.amber, chart.Queue: c.violet, chart.BatchWait: c.sky,
		chart.Service: c.blue, chart.Interference: c.red, chart.Overhead: c.grey, chart.Latency: c.blue,
		chart.Arrivals: c.green, chart.Rejected: c.red, chart.Cost: c.green, chart.SLO: c.red,
		chart.Good: c.green, chart.Frontier: c.blue, chart.Dominated: c.grey, chart.Chosen: c.red,
		chart.Muted: c.grey, chart.C1: c.blue, chart.C2: c.amber, chart.C3: c.green, chart.C4: c.pink,
		chart.C5: c.red, chart.C6: c.violet, chart.C7: c.sky,
	}
}

// Heat are the anchors of the scale of heat maps, from low to high: cividis (Nuñez, Anderton, Renslow
// 2018), which is even in lightness and reads without colour.
func Heat() []string {
	return []string{"#00204d", "#31446b", "#666870", "#958f78", "#cbba69", "#ffea46"}
}
