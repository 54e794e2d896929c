//go:build ignore

// A Go program: its linker writes .symtab itself.
package main

import "fmt"

//go:noinline
func plain(x int) int { return x * 3 }

type generic[T any] struct{ v T }

//go:noinline
func (g *generic[T]) method() T { return g.v }

func main() {
	g := &generic[struct {
		A int `json:"a@b"`
	}]{}
	fmt.Println(plain(g.method().A))
}
