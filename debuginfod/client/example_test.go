package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/debuginfod/client"
)

// A static web server over a directory is a debuginfod server. Here it has a
// file under the wrong build ID, which is noticed.
func Example() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	id, _ := buildid.Parse("0123456789abcdef")
	self, _ := os.Executable()
	os.MkdirAll(filepath.Join(dir, "www/buildid", id.String()), 0o755)
	if err := os.Symlink(self, filepath.Join(dir, "www/buildid", id.String(), "executable")); err != nil {
		panic(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "www"))))
	defer server.Close()

	// client.FromEnv(os.Getenv) takes the user's settings.
	c, err := client.New(client.Options{URLs: []string{server.URL}, CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	_, err = c.Fetch(context.Background(), id, client.DebugInfo)
	fmt.Println("debuginfo:", errors.Is(err, client.ErrNotFound))

	var mismatch *client.MismatchError
	_, err = c.Fetch(context.Background(), id, client.Executable)
	fmt.Println("executable:", errors.As(err, &mismatch) && mismatch.Want == id)
	// Output:
	// debuginfo: true
	// executable: true
}
