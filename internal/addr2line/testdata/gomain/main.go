// Program gomain has inlined calls, closures and generics of Go.
package main

import "os"

type number interface{ ~int | ~float64 }

func sum[T number](xs []T) (t T) {
	for _, x := range xs {
		t += twice(x)
	}
	return t
}

func twice[T number](x T) T { return x + x }

//go:noinline
func apply(f func(int) int, x int) int { return f(x) }

func main() {
	n := len(os.Args)
	m := apply(func(x int) int { return twice(x) + n }, n)
	println(m, sum([]int{n, m}), sum([]float64{1, float64(n)}))
}
