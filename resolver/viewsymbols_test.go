package resolver

import "testing"

// TestIsLinkageName: a symbol's own name must be the short one, not a part of
// its scope or of its arguments.
func TestIsLinkageName(t *testing.T) {
	for _, test := range []struct {
		symbol, short string
		want          bool
	}{
		{"_ZN8geometryL4pickEi", "pick", true},
		{"_ZN4pickL5otherEi", "pick", false},
		{"_ZL5otherI4pickEvT_", "pick", false},
		{"_ZN4shopL6thriceIiEET_RKS1_", "thrice<int>", true},
		{"_ZN5ShapeC2Ei", "Shape", true},
		{"_ZN5ShapeD2Ev", "~Shape", true},
		{"_ZN5ShapeD2Ev", "Shape", false},
		{"_ZZ4mainENKUliE_clEi", "operator()", true},
		{"_ZN5ShapeplEi", "operator+", true},
		{"_ZN5ShapeplEi", "operator-", false},
		{"main", "main", true},
		{"domain", "main", false},
	} {
		if got := isLinkageName(test.symbol, test.short); got != test.want {
			t.Errorf("%s of %s: %v", test.short, test.symbol, got)
		}
	}
}
