//go:build ignore

// A Go program without a GNU build ID.
package main

func main() { select {} }
