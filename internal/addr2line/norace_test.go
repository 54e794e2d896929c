//go:build !race

package addr2line

const slowdown = 1
