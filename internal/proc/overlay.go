package proc

import (
	"slices"
	"strings"
)

// maxLayers bounds the layers of one overlay (the kernel's OVL_MAX_STACK is
// 500).
const maxLayers = 1024

// overlayLayers returns the directories of an overlay mount from its options:
// every lower layer from the top down, data-only layers last, then the upper
// one. They are as whoever mounted it named them.
//
// Format: ovl_show_options and ovl_parse_param_lowerdir in fs/overlayfs/params.c.
func overlayLayers(options string) []string {
	var lower, upper []string
	for option := range strings.SplitSeq(options, ",") {
		key, value, ok := strings.Cut(option, "=")
		if !ok {
			continue
		}
		value = unescapeOctal([]byte(value))
		switch key {
		case "lowerdir":
			lower = append(lower, splitLayers(value)...)
		case "lowerdir+", "datadir+":
			lower = append(lower, value)
		case "upperdir":
			upper = append(upper, unescapeLayer(value))
		}
	}
	layers := append(lower, upper...)
	return layers[:min(len(layers), maxLayers)]
}

// splitLayers splits the value of lowerdir at its colons: "a:b" are two
// layers, "a::b" makes b a data-only one, "\:" is a colon in a name.
func splitLayers(value string) []string {
	var layers []string
	start := 0
	for i := 0; i <= len(value); i++ {
		switch {
		case i == len(value) || value[i] == ':':
			if i > start {
				layers = append(layers, unescapeLayer(value[start:i]))
			}
			start = i + 1
		case value[i] == '\\':
			i++
		}
	}
	if start < len(value) && len(layers) < maxLayers && start <= len(value) {
		// A value that ends in a lone backslash.
		layers = append(layers, unescapeLayer(value[start:]))
	}
	return layers
}

// unescapeLayer removes the backslashes that escape the character behind them.
func unescapeLayer(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// overlaysAt returns the overlay mounts below which path lies, the most
// specific and topmost first. Mounts that others hide are among them: a file
// that was mapped before is theirs.
func overlaysAt(mounts []Mount, path string) []Mount {
	var found []Mount
	for _, m := range slices.Backward(mounts) {
		if _, ok := m.inner(path); ok && m.FSType == "overlay" {
			found = append(found, m)
		}
	}
	slices.SortStableFunc(found, func(a, b Mount) int { return len(b.Point) - len(a.Point) })
	return found
}

// inner returns where in the mounted file system the file at path is.
func (m Mount) inner(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(m.Point, "/"))
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return strings.TrimSuffix(m.Root, "/") + rest, true
}
