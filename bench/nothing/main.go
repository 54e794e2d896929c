// Nothing is the least that a Go program can cost; see package bench.
package main

func main() {}
