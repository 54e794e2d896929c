package docs_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// strippedSource is a service that prints the address of its function, whose
// name only the debug file has.
const strippedSource = `#include <stdio.h>

static __attribute__((noinline)) int parse_request(int n)
{
	return getchar() + n;
}

int main(void)
{
	printf("%p\nready\n", (void *)parse_request);
	fflush(stdout);
	while (parse_request(0) != EOF)
		;
	return 0;
}
`

// startStripped starts the service, and a server with its debug file.
func (s *scene) startStripped(t *testing.T) {
	t.Helper()
	work, path := t.TempDir(), s.env.Path("srv", "service")
	if err := os.WriteFile(filepath.Join(work, "service.c"), []byte(strippedSource), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		// Not position independent: the page's address starts like this one.
		{"gcc", "-g", "-O1", "-no-pie", "-Wl,--build-id", "-ffile-prefix-map=" + work + "=/usr/src", "-o", path, filepath.Join(work, "service.c")},
		{"objcopy", "--only-keep-debug", path, filepath.Join(work, "debug")},
		{"strip", "-s", path},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/debuginfo"):
			http.ServeFile(w, r, filepath.Join(work, "debug"))
		case strings.HasSuffix(r.URL.Path, "/executable"):
			http.ServeFile(w, r, path)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	s.start(t, path)
}
