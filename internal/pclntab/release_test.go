package pclntab_test

import (
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/symfetch/symfetch/internal/pclntab"
)

// TestReleases compares, for every release and for the position dependent and
// independent program, plain and stripped, every pc with what the program
// says of itself.
func TestReleases(t *testing.T) {
	for _, rel := range releases {
		if testing.Short() && rel.toolchain != "" {
			continue
		}
		for _, mode := range []string{"exe", "pie"} {
			for _, ld := range []string{"", "-s -w"} {
				f := fixture{release: rel, arch: runtime.GOARCH, pkg: "exe", mode: mode, ldflags: ld}
				t.Run(f.String(), func(t *testing.T) {
					t.Parallel()
					checkFixture(t, f)
				})
			}
		}
	}
}

// checkFixture checks one fixture, with its section headers and without.
func checkFixture(t *testing.T, f fixture) {
	b := build(t, f)
	tr := b.tellTruth(t)
	img := openELF(t, b.path)
	tab := open(t, img)
	compare(t, tab, tr, f.release)
	compareSymbols(t, tab, img)

	bare, err := newELF(withoutSections(t, img.data))
	if err != nil {
		t.Fatal(err)
	}
	bareTab := open(t, bare)
	compare(t, bareTab, tr, f.release)
	if tab.Version() != bareTab.Version() || tab.Len() != bareTab.Len() {
		t.Errorf("version %s, %d functions without sections; %s, %d with", bareTab.Version(), bareTab.Len(), tab.Version(), tab.Len())
	}
}

func open(t testing.TB, img pclntab.Image) *pclntab.Table {
	t.Helper()
	tab, err := pclntab.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// withoutSections returns the file with its section headers declared away.
func withoutSections(t testing.TB, data []byte) []byte {
	t.Helper()
	data = append([]byte(nil), data...)
	order := binary.ByteOrder(binary.LittleEndian)
	if data[5] == 2 {
		order = binary.BigEndian
	}
	shoff, counts := 40, 58 // e_shoff; e_shentsize, e_shnum, e_shstrndx
	if data[4] == 1 {
		shoff, counts = 32, 46
		order.PutUint32(data[shoff:], 0)
	} else {
		order.PutUint64(data[shoff:], 0)
	}
	for i := range 3 {
		order.PutUint16(data[counts+2*i:], 0)
	}
	return data
}
