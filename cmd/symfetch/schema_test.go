package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

// The lines of schema 1 as the contract has them. A pointer is a field that
// must be there; a field with omitempty may be.
type (
	objectLine struct {
		Schema    *int       `json:"schema"`
		Type      *string    `json:"type"`
		PID       *int       `json:"pid"`
		Path      *string    `json:"path"`
		PathB64   string     `json:"path_b64,omitempty"`
		State     *string    `json:"state" words:"unreadable modified replaced memfd vdso archive deleted ok"`
		Deleted   *bool      `json:"deleted"`
		Container *bool      `json:"container"`
		BuildID   *string    `json:"build_id" form:"id"`
		GoBuildID *string    `json:"go_build_id"`
		Source    *string    `json:"source" words:"- map_files lower exe root path store debuginfod memory vdso perfmap jitdump kernel"`
		Verified  *string    `json:"verified" words:"- build-id go-build-id content memory dev-inode none"`
		Symbols   []string   `json:"symbols"`
		Debug     *debugLine `json:"debug,omitempty"`
		Size      *int64     `json:"size"`
		Mappings  []struct {
			Start  *string `json:"start" form:"hex"`
			End    *string `json:"end" form:"hex"`
			Offset *string `json:"offset" form:"hex"`
			Perms  *string `json:"perms" form:"perms"`
		} `json:"mappings"`
		Reason   *string       `json:"reason" words:"- unmapped bad-address no-object not-elf not-verified mismatch no-symbol permission process-gone timeout corrupt device"`
		Error    *string       `json:"error"`
		Attempts []attemptLine `json:"attempts,omitempty"`

		DebugAttempts []attemptLine `json:"debug_attempts,omitempty"`
	}
	debugLine struct {
		Path     *string `json:"path"`
		PathB64  string  `json:"path_b64,omitempty"`
		Source   *string `json:"source" words:"embedded target host store debuginfod"`
		Verified *string `json:"verified" words:"build-id content crc"`
	}
	attemptLine struct {
		Source  *string `json:"source"`
		Path    *string `json:"path"`
		PathB64 string  `json:"path_b64,omitempty"`
		Reason  *string `json:"reason"`
		Error   *string `json:"error"`
	}
	addressLine struct {
		Schema   *int          `json:"schema"`
		Type     *string       `json:"type"`
		PID      *int          `json:"pid"`
		Input    *string       `json:"input"`
		InputB64 string        `json:"input_b64,omitempty"`
		Addr     *string       `json:"addr" form:"hex-or-none"`
		Path     *string       `json:"path"`
		PathB64  string        `json:"path_b64,omitempty"`
		BuildID  *string       `json:"build_id" form:"id"`
		Source   *string       `json:"source" words:"- map_files lower exe root path store debuginfod memory vdso perfmap jitdump kernel"`
		Verified *string       `json:"verified" words:"- build-id go-build-id content memory dev-inode none"`
		Offset   *string       `json:"offset" form:"hex-or-none"`
		Vaddr    *string       `json:"vaddr" form:"hex-or-none"`
		Frames   []frameLine   `json:"frames"`
		Reason   *string       `json:"reason" words:"- unmapped bad-address no-object not-elf not-verified mismatch no-symbol permission process-gone timeout corrupt device"`
		Error    *string       `json:"error"`
		Attempts []attemptLine `json:"attempts,omitempty"`

		DebugAttempts []attemptLine `json:"debug_attempts,omitempty"`
	}
	frameLine struct {
		Function       *string `json:"function"`
		FunctionB64    string  `json:"function_b64,omitempty"`
		LinkageName    *string `json:"linkage_name"`
		LinkageNameB64 string  `json:"linkage_name_b64,omitempty"`
		FunctionOffset *string `json:"function_offset" form:"hex-or-none"`
		File           *string `json:"file"`
		FileB64        string  `json:"file_b64,omitempty"`
		Line           *int    `json:"line"`
		Column         *int    `json:"column"`
		Inlined        *bool   `json:"inlined"`
		Engine         *string `json:"engine" words:"pclntab dwarf symtab dynsym plt perfmap jitdump kallsyms"`
	}
	fetchLine struct {
		Schema    *int          `json:"schema"`
		Type      *string       `json:"type"`
		PID       *int          `json:"pid"`
		Kind      *string       `json:"kind" words:"executable range"`
		Path      *string       `json:"path"`
		PathB64   string        `json:"path_b64,omitempty"`
		Start     string        `json:"start,omitempty" form:"hex-or-none"`
		End       string        `json:"end,omitempty" form:"hex-or-none"`
		Offset    string        `json:"offset,omitempty" form:"hex-or-none"`
		Perms     string        `json:"perms,omitempty"`
		State     *string       `json:"state" words:"- unreadable modified replaced memfd vdso archive deleted ok"`
		Deleted   *bool         `json:"deleted"`
		Container *bool         `json:"container"`
		BuildID   *string       `json:"build_id" form:"id"`
		GoBuildID *string       `json:"go_build_id"`
		Source    *string       `json:"source"`
		Verified  *string       `json:"verified" words:"- build-id go-build-id content memory dev-inode none"`
		Size      *int64        `json:"size"`
		Action    *string       `json:"action" words:"stored present skipped failed"`
		File      *string       `json:"file"`
		FileB64   string        `json:"file_b64,omitempty"`
		Reason    *string       `json:"reason"`
		Error     *string       `json:"error"`
		Attempts  []attemptLine `json:"attempts,omitempty"`
	}
)

// forms are the shapes of strings.
var forms = map[string]*regexp.Regexp{
	"hex":         regexp.MustCompile(`^0x(0|[1-9a-f][0-9a-f]*)$`),
	"hex-or-none": regexp.MustCompile(`^(0x(0|[1-9a-f][0-9a-f]*))?$`),
	"id":          regexp.MustCompile(`^([0-9a-f]{2})*$`),
	"perms":       regexp.MustCompile(`^[r-][w-][x-][ps]$`),
}

// checkLine holds one line of JSON to the contract.
func checkLine(line []byte) error {
	if !utf8.Valid(line) {
		return fmt.Errorf("not UTF-8: %q", line)
	}
	for _, r := range string(line) {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return fmt.Errorf("control character %U in %q", r, line)
		}
	}
	var head struct {
		Schema int    `json:"schema"`
		Type   string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return fmt.Errorf("%w: %s", err, line)
	}
	if head.Schema != 1 {
		return fmt.Errorf("schema %d: %s", head.Schema, line)
	}
	shapes := map[string]any{"object": &objectLine{}, "address": &addressLine{}, "fetch": &fetchLine{}}
	shape, ok := shapes[head.Type]
	if !ok {
		return fmt.Errorf("type %q: %s", head.Type, line)
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(shape); err != nil {
		return fmt.Errorf("%w: %s", err, line)
	}
	if err := checkFields(reflect.ValueOf(shape).Elem()); err != nil {
		return fmt.Errorf("%w: %s", err, line)
	}
	return nil
}

// checkFields walks a decoded line.
func checkFields(v reflect.Value) error {
	for i := range v.NumField() {
		f, tag := v.Field(i), v.Type().Field(i).Tag
		name := tag.Get("json")
		optional := strings.HasSuffix(name, ",omitempty")
		if (f.Kind() == reflect.Pointer || f.Kind() == reflect.Slice) && f.IsNil() {
			if optional {
				continue
			}
			return fmt.Errorf("field %s is missing or null", name)
		}
		if f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct {
			for j := range f.Len() {
				if err := checkFields(f.Index(j)); err != nil {
					return fmt.Errorf("%s[%d]: %w", name, j, err)
				}
			}
			continue
		}
		f = reflect.Indirect(f)
		if f.Kind() == reflect.Struct {
			if err := checkFields(f); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		if f.Kind() != reflect.String {
			continue
		}
		if err := checkString(f.String(), tag); err != nil {
			return fmt.Errorf("field %s: %w", name, err)
		}
	}
	return nil
}

func checkString(s string, tag reflect.StructTag) error {
	if words := strings.Fields(tag.Get("words")); len(words) > 0 {
		if s == "" {
			s = "-"
		}
		if !slices.Contains(words, s) {
			return fmt.Errorf("%q is not one of the contract's words", s)
		}
	}
	if form := tag.Get("form"); form != "" && !forms[form].MatchString(s) {
		return fmt.Errorf("%q is not of the form %s", s, form)
	}
	return nil
}

// jsonlCmd is `jsonl TYPE [N]`: every line of stdout is a line of that type,
// exactly as the contract has it; N says how many there are.
func jsonlCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: jsonl TYPE [N]")
	}
	lines := stdoutLines(ts)
	for _, line := range lines {
		ts.Check(checkLine([]byte(line)))
		if !strings.HasPrefix(line, `{"schema":1,"type":"`+args[0]+`",`) {
			ts.Fatalf("not of type %s: %s", args[0], line)
		}
	}
	if len(args) == 2 && strconv.Itoa(len(lines)) != args[1] {
		ts.Fatalf("%d lines, want %s", len(lines), args[1])
	}
	if len(lines) == 0 {
		ts.Fatalf("no output")
	}
}

func stdoutLines(ts *testscript.TestScript) []string {
	out := strings.TrimSuffix(ts.ReadFile("stdout"), "\n")
	if out == "" {
		return nil
	}
	return strings.Split(out, "\n")
}

// fieldCmd is `field LINE KEY VALUE`: the field of the numbered line of stdout
// (or of the first line that contains LINE, if that is no number) is VALUE. A
// KEY like frames.0.function looks into lists. With ! the value differs.
// VALUE b64:TEXT is TEXT with Go's escapes, in base64.
func fieldCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: field LINE KEY VALUE")
	}
	line := pickLine(ts, args[0])
	var v any
	ts.Check(json.Unmarshal([]byte(line), &v))
	for key := range strings.SplitSeq(args[1], ".") {
		switch c := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = c[key]; !ok {
				ts.Fatalf("no field %s in %s", args[1], line)
			}
		case []any:
			n, err := strconv.Atoi(key)
			if err != nil || n >= len(c) {
				ts.Fatalf("no field %s in %s", args[1], line)
			}
			v = c[n]
		default:
			ts.Fatalf("no field %s in %s", args[1], line)
		}
	}
	want := args[2]
	if text, ok := strings.CutPrefix(want, "b64:"); ok {
		raw, err := strconv.Unquote(`"` + text + `"`)
		ts.Check(err)
		want = base64.StdEncoding.EncodeToString([]byte(raw))
	}
	got, isString := v.(string)
	if !isString {
		b, err := json.Marshal(v)
		ts.Check(err)
		got = string(b)
	}
	if (got == want) == neg {
		ts.Fatalf("field %s is %q, want %q (negated: %v) in %s", args[1], got, want, neg, line)
	}
}

func pickLine(ts *testscript.TestScript, which string) string {
	lines := stdoutLines(ts)
	if n, err := strconv.Atoi(which); err == nil {
		if n < 1 || n > len(lines) {
			ts.Fatalf("no line %d in %d lines", n, len(lines))
		}
		return lines[n-1]
	}
	for _, line := range lines {
		if strings.Contains(line, which) {
			return line
		}
	}
	ts.Fatalf("no line contains %q", which)
	return ""
}
