//go:build race

package addr2line

// slowdown is about how much longer things take under the race detector.
// Tests that are about amounts thin out by it: what races, races with fewer
// addresses too.
const slowdown = 20
