package main

import (
	"slices"
	"time"
)

// median returns the middle of v, the mean of both middles for an even number
// of values, 0 for none. It does not change v.
func median[T int64 | float64 | time.Duration](v []T) T { return quantile(v, 0.5) }

// quantile returns the value below which the part q of v lies, interpolated.
func quantile[T int64 | float64 | time.Duration](v []T, q float64) T {
	if len(v) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(v))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + T((at-float64(low))*float64(sorted[high]-sorted[low]))
}

// Summary is the middle of many samples.
type Summary struct {
	Runs      int
	Wall, CPU time.Duration
	// Low and High are the quartiles of the wall time.
	Low, High time.Duration
	Peak      int64
}

// summarize takes the median of each column for itself.
func summarize(samples []Sample) Summary {
	var wall, cpu []time.Duration
	var peak []int64
	for _, s := range samples {
		wall, cpu, peak = append(wall, s.Wall), append(cpu, s.CPU), append(peak, s.Peak)
	}
	return Summary{
		Runs: len(samples),
		Wall: median(wall), CPU: median(cpu), Peak: median(peak),
		Low: quantile(wall, 0.25), High: quantile(wall, 0.75),
	}
}
