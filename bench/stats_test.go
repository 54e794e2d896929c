package main

import (
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	for _, test := range []struct {
		want time.Duration
		v    []time.Duration
		q    float64
	}{
		{0, nil, 0.5},
		{7, []time.Duration{7}, 0.5},
		{7, []time.Duration{7}, 1},
		{20, []time.Duration{30, 10, 20}, 0.5},
		{25, []time.Duration{40, 10, 30, 20}, 0.5},
		{10, []time.Duration{40, 10, 30, 20}, 0},
		{40, []time.Duration{40, 10, 30, 20}, 1},
		{20, []time.Duration{10, 20, 30, 40, 50}, 0.25},
	} {
		if got := quantile(test.v, test.q); got != test.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", test.v, test.q, got, test.want)
		}
	}
}

func TestMedianLeavesOrder(t *testing.T) {
	v := []int64{3, 1, 2}
	if got := median(v); got != 2 {
		t.Errorf("median = %d, want 2", got)
	}
	if v[0] != 3 || v[1] != 1 || v[2] != 2 {
		t.Errorf("median changed its argument to %v", v)
	}
}

// TestTakesPart counts the turns: as many as promised, spread over the rounds.
func TestTakesPart(t *testing.T) {
	const rounds = 61
	for _, turns := range []int{0, 1, 3, 30, 60, 61} {
		got, last, widest := 0, -1, 0
		for round := range rounds {
			if takesPart(round, turns, rounds) {
				got++
				widest = max(widest, round-last)
				last = round
			}
		}
		if got != turns {
			t.Errorf("%d turns in %d rounds, want %d", got, rounds, turns)
		}
		if turns > 0 && widest > rounds/turns+1 {
			t.Errorf("%d turns: %d rounds between two of them", turns, widest)
		}
	}
}

func TestTurns(t *testing.T) {
	b := &Bench{Rounds: 61, Budget: 10 * time.Second}
	for _, test := range []struct {
		want         int
		wall, budget time.Duration
	}{
		{61, time.Millisecond, 0},
		{61, 0, 0},
		{20, 500 * time.Millisecond, 0},
		{minTurns, time.Minute, 0},
		{4, 500 * time.Millisecond, 2 * time.Second},
		{minTurns, 1500 * time.Millisecond, 2 * time.Second},
	} {
		if got := b.turns(Contender{Budget: test.budget}, test.wall); got != test.want {
			t.Errorf("turns(%v) of %v = %d, want %d", test.wall, test.budget, got, test.want)
		}
	}
}
