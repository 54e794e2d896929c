package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Benchmark is the testing.B benchmarks of one package.
type Benchmark struct {
	Package string // relative to the module, "./internal/proc"
	Names   []string
}

// benchmarks finds the benchmarks of all packages below root, by package.
func benchmarks(root string) ([]Benchmark, error) {
	byPackage := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		names, err := benchmarksOf(path)
		if len(names) > 0 {
			dir, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			pkg := "./" + filepath.ToSlash(dir)
			byPackage[pkg] = append(byPackage[pkg], names...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var list []Benchmark
	for pkg, names := range byPackage {
		slices.Sort(names)
		list = append(list, Benchmark{pkg, names})
	}
	slices.SortFunc(list, func(a, b Benchmark) int { return strings.Compare(a.Package, b.Package) })
	return list, nil
}

// benchmarksOf returns the names of one file's benchmarks.
func benchmarksOf(path string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Benchmark") {
			names = append(names, f.Name.Name)
		}
	}
	return names, nil
}
