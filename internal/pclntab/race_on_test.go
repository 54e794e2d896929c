//go:build race

package pclntab_test

// raceStride thins the pcs looked at out: the race detector costs a factor.
const raceStride = 13
