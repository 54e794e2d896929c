package frame

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// legacyHash is what c++filt shows of a name and Demangle does not.
var legacyHash = regexp.MustCompile(`::h[0-9a-f]{16}`)

// TestLegacyRustOfStd compares all legacy names of a Rust program, its standard
// library included, with c++filt.
func TestLegacyRustOfStd(t *testing.T) {
	dir := t.TempDir()
	prog := filepath.Join(dir, "prog")
	cmd := exec.Command("rustc", "-C", "opt-level=1", "-o", prog, "-") // legacy names are the default
	cmd.Stdin = strings.NewReader(`
struct Shape;
trait Area { fn _area(&self) -> f64; }
impl Area for Shape { #[inline(never)] fn _area(&self) -> f64 { 1.5 } }
impl Shape { #[inline(never)] fn _private(&self, f: impl Fn(f64) -> f64) -> f64 { f(self._area()) } }
fn main() { println!("{:?}", Shape._private(|x| x + std::env::args().count() as f64)); }`)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("rustc: %v\n%s", err, out)
	}
	out, err := exec.Command("sh", "-c", `nm "$1" | awk '{ print $NF }' | grep '17h[0-9a-f]\{16\}E$' | sort -u`, "sh", prog).Output()
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(out))
	filt := exec.Command("c++filt")
	filt.Stdin = strings.NewReader(strings.Join(names, "\n"))
	shown, err := filt.Output()
	if err != nil {
		t.Fatal(err)
	}
	underscores := 0
	for i, want := range strings.Split(strings.TrimSpace(string(shown)), "\n") {
		want = legacyHash.ReplaceAllString(want, "")
		if got := Demangle(names[i]); got != want {
			t.Errorf("%s: %q, want %q", names[i], got, want)
		}
		if strings.Contains(want, "::_") {
			underscores++
		}
	}
	if len(names) < 5 || underscores == 0 {
		t.Errorf("%d names, %d with an underscore", len(names), underscores)
	}
}
