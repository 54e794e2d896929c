package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// chart is a diagram with logarithmic axes: what is measured here spans decades.
type chart struct {
	Title, X string
	Lines    []line
}

// line is the points of one program, in order of X. All values are positive.
type line struct {
	Name   string
	X, Y   []float64
	Dotted bool // points without a line between them
}

// The size of a chart, and the room around its axes.
const (
	chartWidth, chartHeight = 460, 340
	left, right             = 58, 112
	top, bottom             = 34, 44
)

// colors are told apart by people who see few colors, too; the first is ours.
var colors = []string{"#d55e00", "#0072b2", "#009e73", "#7b5ea7", "#555555"}

// drawCharts returns an SVG picture of charts side by side.
func drawCharts(charts []chart) string {
	var w strings.Builder
	width := chartWidth * len(charts)
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="11">`+"\n", width, chartHeight)
	fmt.Fprintf(&w, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, chartHeight)
	for i, c := range charts {
		fmt.Fprintf(&w, `<g transform="translate(%d,0)">`+"\n", i*chartWidth)
		c.draw(&w)
		w.WriteString("</g>\n")
	}
	w.WriteString("</svg>\n")
	return w.String()
}

func (c chart) draw(w *strings.Builder) {
	var xs, ys []float64
	for _, l := range c.Lines {
		xs, ys = append(xs, l.X...), append(ys, l.Y...)
	}
	x := newAxis(xs, left, chartWidth-right)
	y := newAxis(ys, chartHeight-bottom, top)
	text(w, left, top-16, "start", "black", c.Title)
	text(w, (left+chartWidth-right)/2, chartHeight-8, "middle", "black", c.X)
	for _, v := range x.decades() {
		at := x.at(v)
		fmt.Fprintf(w, `<path d="M%.1f %d V%d" stroke="#dddddd"/>`+"\n", at, top, chartHeight-bottom)
		text(w, at, chartHeight-bottom+15, "middle", "#444444", decade(v))
	}
	for _, v := range y.decades() {
		at := y.at(v)
		fmt.Fprintf(w, `<path d="M%d %.1f H%d" stroke="#dddddd"/>`+"\n", left, at, chartWidth-right)
		text(w, left-6, at+4, "end", "#444444", decade(v))
	}
	labels := make([]float64, len(c.Lines))
	for i, l := range c.Lines {
		labels[i] = y.at(l.Y[len(l.Y)-1])
	}
	labels = apart(labels, 13)
	for i, l := range c.Lines {
		color := colors[i%len(colors)]
		var path strings.Builder
		for k := range l.X {
			px, py := x.at(l.X[k]), y.at(l.Y[k])
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(k, 1)], px, py)
			fmt.Fprintf(w, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", px, py, color)
		}
		if !l.Dotted {
			fmt.Fprintf(w, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", &path, color)
		}
		text(w, chartWidth-right+8, labels[i]+4, "start", color, l.Name)
	}
}

func text(w *strings.Builder, x, y float64, anchor, color, s string) {
	fmt.Fprintf(w, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, color, html.EscapeString(s))
}

// axis maps whole decades of values to a range of the picture.
type axis struct{ low, high, from, to float64 } // low and high are exponents

func newAxis(values []float64, from, to float64) axis {
	a := axis{math.Floor(math.Log10(slices.Min(values))), math.Ceil(math.Log10(slices.Max(values))), from, to}
	if a.low == a.high {
		a.high++
	}
	return a
}

func (a axis) at(v float64) float64 {
	return a.from + (a.to-a.from)*(math.Log10(v)-a.low)/(a.high-a.low)
}

func (a axis) decades() []float64 {
	var list []float64
	for e := a.low; e <= a.high; e++ {
		list = append(list, math.Pow(10, e))
	}
	return list
}

// decade prints a power of ten, briefly: the axis is crowded.
func decade(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.0fM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.0fk", v/1e3)
	}
	return fmt.Sprint(v)
}

// apart moves positions so that all are at least gap apart, in their order.
func apart(positions []float64, gap float64) []float64 {
	order := make([]int, len(positions))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case positions[a] < positions[b]:
			return -1
		case positions[a] > positions[b]:
			return 1
		}
		return 0
	})
	moved := slices.Clone(positions)
	for k := 1; k < len(order); k++ {
		moved[order[k]] = max(moved[order[k]], moved[order[k-1]]+gap)
	}
	return moved
}
