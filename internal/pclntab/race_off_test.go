//go:build !race

package pclntab_test

// raceStride thins the pcs looked at out: 1 = none is left out.
const raceStride = 1
