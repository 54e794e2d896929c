package frame

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestDemangle compares with what c++filt (binutils 2.40) prints, but for
// Rust without hashes, as llvm-cxxfilt 14 and rustfilt 0.2 do.
func TestDemangle(t *testing.T) {
	tests := []struct{ linkage, want, noParams string }{
		// Not mangled.
		{"main", "main", "main"},
		{"", "", ""},
		{"_Z", "_Z", "_Z"},
		{"_R", "_R", "_R"},
		{"_ReadULEB", "_ReadULEB", "_ReadULEB"},
		{"foo.constprop.0", "foo.constprop.0", "foo.constprop.0"},
		{"main.(*T).Method", "main.(*T).Method", "main.(*T).Method"},
		{"type:.eq._Z1fv", "type:.eq._Z1fv", "type:.eq._Z1fv"},
		{"_Z1fv\x00", "_Z1fv\x00", "f"},
		// C++.
		{"_Z3fooi", "foo(int)", "foo"},
		{"_ZN2ns5Class6methodEi", "ns::Class::method(int)", "ns::Class::method"},
		{"_ZNK2ns5Class6methodEv", "ns::Class::method() const", "ns::Class::method"},
		{"_ZN2ns5ClassC1ERKS0_", "ns::Class::Class(ns::Class const&)", "ns::Class::Class"},
		{"_ZN2ns5ClassD0Ev", "ns::Class::~Class()", "ns::Class::~Class"},
		{"_ZplRK1AS1_", "operator+(A const&, A const&)", "operator+"},
		{"_Z3maxIiET_S0_S0_", "int max<int>(int, int)", "max<int>"},
		{"_ZZ4mainENKUliE_clEi", "main::{lambda(int)#1}::operator()(int) const", "main::{lambda(int)#1}::operator()"},
		{"_ZN12_GLOBAL__N_11fEv", "(anonymous namespace)::f()", "(anonymous namespace)::f"},
		{"_ZTV1A", "vtable for A", "vtable for A"},
		{"_ZThn8_N1A1fEv", "non-virtual thunk to A::f()", "non-virtual thunk to A::f()"},
		{"_Z1fB5cxx11v", "f[abi:cxx11]()", "f[abi:cxx11]"},
		// Parts and clones.
		{"_Z3fooi.cold", "foo(int) [clone .cold]", "foo"},
		{"_Z3fooi.constprop.0.isra.1", "foo(int) [clone .constprop.0] [clone .isra.1]", "foo"},
		{"_Z3fooi.part.2", "foo(int) [clone .part.2]", "foo"},
		{"_Z3fooi.lto_priv.0", "foo(int) [clone .lto_priv.0]", "foo"},
		{"_Z3fooi.llvm.1234567890", "foo(int) [clone .llvm.1234567890]", "foo"},
		// clang 11's scope: what follows would name the wrong types.
		{"_ZN4llvm7hashing6detail23hash_combine_range_implIPNS_10BasicBlockEEENSt9enable_ifIXsr16is_hashable_dataIT_EE5valueENS_9hash_codeEE4typeEPS6_SA_",
			"llvm::hashing::detail::hash_combine_range_impl<llvm::BasicBlock*>", "llvm::hashing::detail::hash_combine_range_impl<llvm::BasicBlock*>"},
		{"_Z14handle_sigusr1v", "handle_sigusr1()", "handle_sigusr1"},
		// Rust, legacy: the hash is dropped.
		{"_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place", "core::ptr::drop_in_place"},
		{"_ZN68_$LT$core..option..Option$LT$T$GT$$u20$as$u20$core..clone..Clone$GT$5clone17h0123456789abcdefE",
			"<core::option::Option<T> as core::clone::Clone>::clone", "<core::option::Option<T> as core::clone::Clone>::clone"},
		{"_ZN4clap7Command11_build_self17h0123456789abcdefE", "clap::Command::_build_self", "clap::Command::_build_self"},
		{"_ZN4clap7Command11_build_self28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
			"clap::Command::_build_self::{{closure}}", "clap::Command::_build_self::{{closure}}"},
		{"_ZN3foo3bar17h0123456789abcdefE.llvm.11223344", "foo::bar", "foo::bar"},
		{"_ZN3foo3bar17h0123456789abcdefE.cold", "foo::bar [clone .cold]", "foo::bar [clone .cold]"},
		// Rust, v0.
		{"_RNvCs1234_7mycrate3foo", "mycrate::foo", "mycrate::foo"},
		{"_RNvNtCs1234_7mycrate3foo3bar.llvm.9AF2@3", "mycrate::foo::bar", "mycrate::foo::bar"},
		{"_RNvNtCs1234_7mycrate3foo3bar.llvm.99.cold", "mycrate::foo::bar [clone .cold]", "mycrate::foo::bar [clone .cold]"},
		// Closures in a closure: lengths of zero, each one digit.
		{"_RNCNCNCNvNtCsi4IsKQVxMg0_3std2rt19lang_start_internal00s_0B9_",
			"std::rt::lang_start_internal::{closure#0}::{closure#0}::{closure#1}", "std::rt::lang_start_internal::{closure#0}::{closure#0}::{closure#1}"},
		{"_RNvNCNvNtCsi4IsKQVxMg0_3std9panicking12default_hook011FIRST_PANIC",
			"std::panicking::default_hook::{closure#0}::FIRST_PANIC", "std::panicking::default_hook::{closure#0}::FIRST_PANIC"},
		{"_RINvNtCs1_4core3ptr13drop_in_placeINtNtB4_5alloc3VecReEECs2_1a",
			"core::ptr::drop_in_place::<core::alloc::Vec<&str>>", "core::ptr::drop_in_place::<core::alloc::Vec<&str>>"},
		{"_RINvC1a1fAhj10_Kb1_Kc41_Kin5_KpE", "a::f::<[u8; 16], true, 'A', -5, _>", "a::f::<[u8; 16], true, 'A', -5, _>"},
		{"_RINvC1a1fDNtC1a1TNtC1a1SEL_FG_UKCRL0_hEuE", "a::f::<dyn a::T + a::S, for<'a> unsafe extern \"C\" fn(&'a u8)>",
			"a::f::<dyn a::T + a::S, for<'a> unsafe extern \"C\" fn(&'a u8)>"},
		{"_RINvC1a1fDINtC1a1TmEp4ItemTmEEL_E", "a::f::<dyn a::T<u32, Item = (u32,)>>", "a::f::<dyn a::T<u32, Item = (u32,)>>"},
		{"_RNvXs_C1aNtC1a1SNtC1a1T1f", "<a::S as a::T>::f", "<a::S as a::T>::f"},
		{"_RNSNvC1a1f6vtableB3_", "a::f::{shim:vtable#0}", "a::f::{shim:vtable#0}"},
		{"_RNvC1au8gdel_5qa", "a::gödel", "a::gödel"},
		// Malformed.
		{"_RNvC1a9short", "_RNvC1a9short", "_RNvC1a9short"},
		{"_RNvC1a1f ", "_RNvC1a1f ", "_RNvC1a1f "},
		{"_RNvB_1f", "_RNvB_1f", "_RNvB_1f"},
		{"_R1NvC1a1f", "_R1NvC1a1f", "_R1NvC1a1f"},
		{"_RNvC1a1f.sp ace", "_RNvC1a1f.sp ace", "_RNvC1a1f.sp ace"},
		{"_RINvC1a1fRL0_hE", "_RINvC1a1fRL0_hE", "_RINvC1a1fRL0_hE"},
	}
	for _, tt := range tests {
		if got := Demangle(tt.linkage); got != tt.want {
			t.Errorf("Demangle(%q)\n got %q\nwant %q", tt.linkage, got, tt.want)
		}
		if got := DemangleNoParams(tt.linkage); got != tt.noParams {
			t.Errorf("DemangleNoParams(%q)\n got %q\nwant %q", tt.linkage, got, tt.noParams)
		}
	}
}

// hostileNames cost exponential or cubic time, or give gigantic names, where
// nothing bounds the demangler.
func hostileNames() map[string]string {
	return map[string]string{
		"huge":           "_Z" + strings.Repeat("1f", maxMangled),
		"pointers":       "_Z1f" + strings.Repeat("P", maxMangled-10) + "i",
		"locals":         "_Z" + strings.Repeat("Z", 1000) + "1fv" + strings.Repeat("E1g", 1000),
		"casts":          "_Z" + strings.Repeat("N1AcvT_I", 60) + "i" + strings.Repeat("EE", 60) + "v",
		"packs":          "_Z1fIJ" + strings.Repeat("i", 1000) + "EEv" + strings.Repeat("DpT_", 250),
		"nested packs":   "_Z1fIJ" + strings.Repeat("i", 400) + "EEv" + strings.Repeat("Dp1BIT_", 20) + "T_" + strings.Repeat("E", 20),
		"doubling types": "_Z1f1A" + doubling(200),
		"clones":         "_Z1fv" + strings.Repeat(".a", 2000),
		"rust doubling":  "_RINvC1a1f" + rustDoubling(300) + "E",
		"rust silent":    "_RINvMC1a" + rustDoubling(300) + "1fE",
		"rust nesting":   "_RINvC1a1f" + strings.Repeat("S", 2000) + "uE",
		"rust paths":     "_R" + strings.Repeat("Nv", 1000) + "C1a" + strings.Repeat("1b", 1000),
		"rust self":      "_RNvB_1f",
		"rust binder":    "_RINvC1a1fFGzzzzzzzzz_EuE",
		"rust lifetimes": "_RINvC1a1f" + strings.Repeat("FGzz_", 100) + strings.Repeat("Eu", 100) + "E",
		"legacy rust":    "_ZN" + strings.Repeat("1a", 2000) + "17h0123456789abcdefE",
		"legacy escapes": "_ZN2000" + strings.Repeat("$LT$", 500) + "17h0123456789abcdefE",
		"punycode":       "_RNvC1au1000" + strings.Repeat("z", 1000),
	}
}

// doubling gives types each of which names the one before it twice.
func doubling(n int) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var b strings.Builder
	for i := range n {
		id := "S_" // each round adds two candidates, its template and its type
		if n := 2*i - 1; n > 0 {
			id = "S" + strings.TrimPrefix(string(digits[n/36%36]), "0") + string(digits[n%36]) + "_"
		}
		b.WriteString("1BI" + id + id + "E")
	}
	return b.String()
}

// rustDoubling gives tuples that name the one before them twice; position is
// that of the first in "INvC1a1f".
func rustDoubling(n int) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var b strings.Builder
	prev := 8
	b.WriteString("TuuE")
	at := prev + 4
	for range n {
		v := prev - 1
		id := "B" + string(digits[v/62%62]) + string(digits[v%62]) + "_"
		b.WriteString("T" + id + id + "E")
		prev, at = at, at+2+2*len(id)
	}
	return b.String()
}

// hostileBudget is far above what any name may cost, so that a busy machine
// does not fail the test, and far below what the constructs cost unbounded.
const hostileBudget = 2 * time.Second

func TestDemangleHostile(t *testing.T) {
	// The generators must give what they promise, or the names are harmless.
	if got, want := Demangle("_Z1f1A"+doubling(2)), "f(A, B<A, A>, B<B<A, A>, B<A, A> >)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Demangle("_RINvC1a1f"+rustDoubling(1)+"E"), "a::f::<((), ()), (((), ()), ((), ()))>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for what, name := range hostileNames() {
		for _, f := range []func(string) string{Demangle, DemangleNoParams} {
			start := time.Now()
			got := f(name)
			if d := time.Since(start); d > hostileBudget {
				t.Errorf("%s: %d bytes took %v", what, len(name), d)
			}
			if got != name && len(got) >= 1<<maxDisplayShift {
				t.Errorf("%s: display name of %d bytes", what, len(got))
			}
		}
	}
}

// TestDemangleAsTools demangles every name of real libraries and compares
// with c++filt, which reads its names from a pipe.
func TestDemangleAsTools(t *testing.T) {
	for _, tool := range []string{"c++filt", "nm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("binutils is needed: %v", err)
		}
	}
	names := mangledNames(t)
	if len(names) < 4000 {
		t.Fatalf("only %d names to compare", len(names))
	}
	cmd := exec.Command("c++filt")
	cmd.Stdin = strings.NewReader(strings.Join(names, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(want) != len(names) {
		t.Fatalf("c++filt answered %d of %d names", len(want), len(names))
	}
	left, differ := 0, 0
	for i, name := range names {
		got := Demangle(name)
		switch {
		case got == name && want[i] != name:
			left++
		case toolForm(got, name) != toolForm(want[i], name):
			if differ++; differ <= 10 {
				t.Errorf("%s\n    got %s\nc++filt %s", name, got, want[i])
			}
		}
	}
	if left*1000 > len(names) {
		t.Errorf("%d of %d names were left mangled", left, len(names))
	}
	t.Logf("%d names, %d differ, %d left mangled", len(names), differ, left)
}

var (
	crateHash = regexp.MustCompile(`\[[0-9a-f]+\]`)
	constType = regexp.MustCompile(`: (usize|bool|char|[iu](8|16|32|64|128|size))([\],>])`)
	clone     = regexp.MustCompile(` \[clone [^]]*\]$`)
)

// toolForm removes what c++filt is known to print differently: blanks between
// angle brackets, the long names of std's streams, and of Rust the hashes,
// the types of constants, the suffixes (it drops them) and integers of more
// than 64 bits, whose digits it loses.
func toolForm(display, name string) string {
	for _, s := range []string{"istream", "ostream", "iostream"} {
		display = strings.ReplaceAll(display, "std::basic_"+s+"<char, std::char_traits<char> >", "std::"+s)
	}
	display = strings.ReplaceAll(display, "std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string")
	if strings.HasPrefix(name, "_R") {
		display = constType.ReplaceAllString(crateHash.ReplaceAllString(display, ""), "$3")
		display = clone.ReplaceAllString(display, "")
	}
	return strings.ReplaceAll(display, " ", "")
}

// mangledNames lists the names of the machine's libstdc++ and, where a Rust
// toolchain is installed, of its standard library.
func mangledNames(t *testing.T) []string {
	var files []string
	for _, pattern := range []string{"/usr/lib/*/libstdc++.so.6", "/usr/lib64/libstdc++.so.6"} {
		found, _ := filepath.Glob(pattern)
		files = append(files, found...)
	}
	if out, err := exec.Command("rustc", "--print", "sysroot").Output(); err == nil {
		found, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "lib", "libstd-*.so"))
		files = append(files, found...)
	}
	seen := map[string]bool{}
	var names []string
	for _, file := range files {
		for _, flag := range []string{"-D", "-a"} {
			out, err := exec.Command("nm", "--defined-only", flag, file).Output()
			if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			s := bufio.NewScanner(strings.NewReader(string(out)))
			for s.Scan() {
				fields := strings.Fields(s.Text())
				name, _, _ := strings.Cut(fields[len(fields)-1], "@")
				if (strings.HasPrefix(name, "_Z") || strings.HasPrefix(name, "_R")) && !seen[name] {
					seen[name] = true
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// TestDemangleOfCompilers demangles what the machine's C++ compilers make of
// functions whose display names are known, clones and cold parts included.
func TestDemangleOfCompilers(t *testing.T) {
	source := filepath.Join(t.TempDir(), "a.cc")
	const text = `#include <stdexcept>
namespace ns { struct Class { int method(int) const; template<class T> T get(T t) { return t; } }; }
int ns::Class::method(int x) const { if (__builtin_expect(x == 7, 0)) throw std::runtime_error("seven"); return x; }
template int ns::Class::get<int>(int);
static __attribute__((noinline)) int clone_me(int a, int b) { return a * b + a; }
int user(int a) { return clone_me(a, 12) + clone_me(a + 1, 12); }
`
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, compiler := range []string{"g++", "clang++"} {
		t.Run(compiler, func(t *testing.T) {
			object := filepath.Join(t.TempDir(), "a.o")
			if out, err := exec.Command(compiler, "-O2", "-c", "-o", object, source).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			out, err := exec.Command("nm", "--defined-only", object).Output()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for line := range strings.Lines(string(out)) {
				fields := strings.Fields(line)
				got[Demangle(fields[2])] = true
			}
			for _, want := range []string{"ns::Class::method(int) const", "int ns::Class::get<int>(int)", "user(int)"} {
				if !got[want] {
					t.Errorf("no %q in %v", want, got)
				}
			}
			if compiler == "g++" && !got["ns::Class::method(int) const [clone .cold]"] {
				t.Errorf("no cold part in %v", got)
			}
		})
	}
}

func FuzzDemangle(f *testing.F) {
	for _, name := range hostileNames() {
		f.Add(name)
	}
	for _, name := range []string{"_Z3fooi.cold", "_ZN2ns5ClassC1ERKS0_", "_ZZ4mainENKUliE_clEi", "_ZN1AcvT_IiEEv",
		"_Z1fIJiiEEvDpT_", "_Z1fIiEDTcl1gfp_EET_", "_ZNK1AIXsrN1BIT_EE5valueEE1fEv", "_RNCNCNvC1a1f00B3_",
		"_RINvC1a1fDINtC1a1TmEp4ItemTmEEL_E", "_RNvC1au8gdel_5qa", "_ZN3foo3bar17h0123456789abcdefE.cold",
		"_GLOBAL__I_a", "___Z3foov_block_invoke_2"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		start := time.Now()
		got := Demangle(name)
		DemangleNoParams(name)
		if d := time.Since(start); d > hostileBudget {
			t.Fatalf("%q took %v", name, d)
		}
		if got != name && (got == "" || len(got) >= 1<<maxDisplayShift+len(name)) {
			t.Fatalf("%q: display name of %d bytes", name, len(got))
		}
		if len(name) > 1 && name[0] != '_' && got != name {
			t.Fatalf("%q became %q", name, got)
		}
	})
}
