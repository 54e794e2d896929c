package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestDrawCharts: the picture is XML and has all that was given.
func TestDrawCharts(t *testing.T) {
	picture := drawCharts([]chart{
		{Title: "time, ms", X: "addresses", Lines: []line{{Name: "a<b", X: []float64{1, 1000}, Y: []float64{2, 30}}}},
		{Title: "memory", X: "size", Lines: []line{{Name: "one", X: []float64{5}, Y: []float64{1}, Dotted: true}}},
	})
	d := xml.NewDecoder(strings.NewReader(picture))
	circles := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, picture)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			circles++
		}
	}
	if circles != 3 || !strings.Contains(picture, "a&lt;b") || !strings.Contains(picture, ">1k<") {
		t.Errorf("%d circles in\n%s", circles, picture)
	}
}

func TestAxis(t *testing.T) {
	a := newAxis([]float64{3, 400}, 100, 200)
	if a.at(1) != 100 || a.at(1000) != 200 || math.Abs(a.at(math.Sqrt(1000))-150) > 1e-9 {
		t.Errorf("axis %+v", a)
	}
	if got := a.decades(); !slices.Equal(got, []float64{1, 10, 100, 1000}) {
		t.Errorf("decades %v", got)
	}
	if one := newAxis([]float64{10}, 0, 1); one.low == one.high {
		t.Errorf("an axis of one value is empty: %+v", one)
	}
}

func TestApart(t *testing.T) {
	if got := apart([]float64{20, 12, 10}, 5); !slices.Equal(got, []float64{20, 15, 10}) {
		t.Errorf("got %v", got)
	}
}
