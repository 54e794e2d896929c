package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// addr2lineSource has inlined calls, a static function in a namespace, a
// lambda and an overloaded operator.
const addr2lineSource = `
namespace shop {
struct Order { int id; int operator+(int n) const { return id + n; } };
static inline int price(int n) { return n * 7; }
__attribute__((noinline)) static int sum(int n) { return price(n) + price(n + 1); }
template <class T> __attribute__((noinline)) T twice(T v) { return v + v; }
template <class T> __attribute__((noinline)) static T thrice(const T &v) { return v + v + v; }
}
int main(int argc, char **) {
	auto more = [argc](int n) __attribute__((noinline)) { return n + argc; };
	return shop::sum(argc) + shop::twice(argc) + shop::thrice<int>(argc) + more(shop::Order{argc} + 1);
}
`

// buildAddr2line compiles the program and returns it with the addresses of all
// bytes of its own functions.
func buildAddr2line(t *testing.T, flags ...string) (file string, addrs []string) {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "shop.cc")
	if err := os.WriteFile(src, []byte(addr2lineSource), 0o644); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "shop")
	if out, err := exec.Command("g++", append(flags, "-g", "-o", file, src)...).CombinedOutput(); err != nil {
		t.Fatalf("g++: %v\n%s", err, out)
	}
	out, err := exec.Command("nm", "-S", "--defined-only", file).Output()
	if err != nil {
		t.Fatalf("nm: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) == 4 && (f[3] == "main" || strings.Contains(f[3], "shop")) {
			start, size := parseQuery(f[0]).addr, parseQuery(f[1]).addr
			for v := start; v < start+size; v++ {
				addrs = append(addrs, string(appendHex16(nil, v)))
			}
		}
	}
	if len(addrs) < 50 {
		t.Fatalf("only %d addresses in\n%s", len(addrs), out)
	}
	return file, append(addrs, "0")
}

// filter runs a command with lines on its standard input.
func filter(t *testing.T, cmd *exec.Cmd, lines []string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Join(lines, "\n")+"\n"), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &stderr)
	}
	return string(out)
}

// compareOutputs fails with the first lines that differ.
func compareOutputs(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("line %d is %q, want %q", i+1, g[i], w[i])
		}
	}
	t.Fatalf("%d lines, want %d", len(g), len(w))
}

// discriminator is what GNU addr2line adds to lines of several blocks.
var discriminator = regexp.MustCompile(` \(discriminator \d+\)`)

// TestAddr2lineGNU compares the output with GNU addr2line's. Without -O it
// knows whole chains; of optimized code it calls inlined functions by the
// symbol around them, so that only lines are compared there.
func TestAddr2lineGNU(t *testing.T) {
	plain, plainAddrs := buildAddr2line(t, "-O0")
	inlined, inlinedAddrs := buildAddr2line(t, "-O2")
	for _, test := range []struct {
		file  string
		addrs []string
		flags []string
	}{
		{plain, plainAddrs, nil},
		{plain, plainAddrs, []string{"-f"}},
		{plain, plainAddrs, []string{"-a", "-f", "-i", "-p"}},
		{plain, plainAddrs, []string{"-Cfs"}},
		{plain, plainAddrs, []string{"-aip"}},
		{inlined, inlinedAddrs, []string{"-i"}},
		{inlined, inlinedAddrs, []string{"-a", "-i"}},
		{inlined, inlinedAddrs, []string{"-aips"}},
	} {
		t.Run(filepath.Base(test.file)+strings.Join(test.flags, ""), func(t *testing.T) {
			args := append(test.flags, "-e", test.file)
			want := filter(t, exec.Command("addr2line", args...), test.addrs)
			got := filter(t, symfetch(t, append([]string{"addr2line"}, args...)...), test.addrs)
			compareOutputs(t, got, discriminator.ReplaceAllString(want, ""))
		})
	}
}

// startFile is what only llvm-symbolizer tells: also what a compiler appended to
// the name of a clone.
var startFile = regexp.MustCompile(`"StartFileName":"[^"]*"|"Discriminator":\d+|"StartAddress":"[^"]*"| \(\.[a-z]+\.\d+\)`)

// TestAddr2lineLLVM compares the output with llvm-symbolizer's, names, columns
// and inlined calls included.
func TestAddr2lineLLVM(t *testing.T) {
	for _, opt := range []string{"-O0", "-O2"} {
		file, addrs := buildAddr2line(t, opt)
		addrs = append(addrs, "zebra")
		for _, flags := range [][]string{
			{"--output-style=LLVM"},
			{"--output-style=LLVM", "-a", "-s"},
			{"--output-style=LLVM", "-p", "-a"},
			{"--output-style=JSON"},
		} {
			t.Run(opt+strings.Join(flags, ""), func(t *testing.T) {
				args := append(flags, "-e", file)
				want := filter(t, exec.Command("llvm-symbolizer", args...), withPrefix(addrs))
				got := filter(t, symfetch(t, append([]string{"addr2line"}, args...)...), withPrefix(addrs))
				compareOutputs(t, startFile.ReplaceAllString(got, ""), startFile.ReplaceAllString(want, ""))
			})
		}
	}
}

// withPrefix writes addresses as llvm-symbolizer wants them.
func withPrefix(addrs []string) []string {
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = a
		if !strings.HasPrefix(a, "0x") && a != "zebra" {
			out[i] = "0x" + strings.TrimLeft(a, "0")
		}
		if out[i] == "0x" {
			out[i] = "0x0"
		}
	}
	return out
}
