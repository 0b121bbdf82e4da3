// Package tests_test drives the built programs from the outside, as users do:
// over MQTT with the clients that people have, over HTTP, with signals.
package tests_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/fitmq/fitmq/gateway/gatewaytest"
)

// The programs under test, built once for all tests.
var (
	// fitmqPath is built with the race detector: a race in the server fails the
	// test that provoked it.
	fitmqPath string
	// fitmqPlainPath is what users run; what is measured is measured on it.
	fitmqPlainPath string
	wearsimPath    string
)

// python is Debian's interpreter: another python3 in PATH does not see the
// packages that apt installs.
const python = "/usr/bin/python3"

func TestMain(m *testing.M) {
	// Every request that a test makes is held against the server's own description.
	http.DefaultClient.Transport = &gatewaytest.Transport{}
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	for _, program := range []string{"mosquitto_sub", "mosquitto_pub", python} {
		if _, err := exec.LookPath(program); err != nil {
			return 0, fmt.Errorf("%s is missing: run `make packages`: %w", program, err)
		}
	}
	dir, err := os.MkdirTemp("", "fitmq-tests-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is below the system's temporary directory
	fitmqPath = filepath.Join(dir, "fitmq-race")
	fitmqPlainPath = filepath.Join(dir, "fitmq")
	wearsimPath = filepath.Join(dir, "wearsim")
	for _, args := range [][]string{
		{"build", "-race", "-o", fitmqPath, "../cmd/fitmq"},
		{"build", "-o", fitmqPlainPath, "../cmd/fitmq"},
		{"build", "-o", wearsimPath, "../cmd/wearsim"},
	} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("go %v: %w\n%s", args, err, out)
		}
	}
	return m.Run(), nil
}
