package tests_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// startDemo runs the demonstration on free ports, with its temporary directory
// below tmp, and returns its output up to the line that tells how it ends.
func startDemo(t *testing.T, tmp string, args ...string) (cmd *exec.Cmd, opening string, rest func() string) {
	t.Helper()
	cmd = exec.Command(fitmqPath, append([]string{"demo", "--mqtt-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr logBuffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended when all is well
	var head bytes.Buffer
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		fmt.Fprintln(&head, scan.Text())
		if strings.Contains(scan.Text(), "Ctrl-C ends it") {
			break
		}
	}
	return cmd, head.String(), func() string {
		var tail bytes.Buffer
		for scan.Scan() {
			fmt.Fprintln(&tail, scan.Text())
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo ended with %v\n%s%s%s", err, head.String(), tail.String(), stderr.String())
		}
		if log := stderr.String(); log != "" {
			t.Errorf("the demo's log has warnings:\n%s", log)
		}
		return tail.String()
	}
}

// shell runs a line of the demonstration's output as it was printed.
func shell(t *testing.T, line string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "bash", "-c", line).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// lineWith returns the first line of the text that contains all the words.
func lineWith(t *testing.T, text string, words ...string) string {
	t.Helper()
next:
	for line := range strings.Lines(text) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue next
			}
		}
		return strings.TrimSpace(line)
	}
	t.Fatalf("no line with %q in:\n%s", words, text)
	return ""
}

// What the demonstration prints works when it is pasted.
func TestDemo(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	cmd, opening, rest := startDemo(t, tmp, "--athletes", "4", "--speed", "10")

	page, err := url.Parse(regexp.MustCompile(`http://\S+`).FindString(opening))
	if err != nil {
		t.Fatalf("no address to open in:\n%s", opening)
	}
	fragment, err := url.ParseQuery(page.Fragment)
	if err != nil {
		t.Fatalf("fragment of %s: %v", page, err)
	}
	for _, key := range []string{"user", "password", "session", "challenge"} {
		if fragment.Get(key) == "" {
			t.Errorf("%s: no %s in the fragment", page, key)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+page.Host+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html") // as a browser; others get a list of paths
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("open the page: %v", err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Content-Type"), "text/html") {
		t.Errorf("the page: %s, %s; want HTML", res.Status, res.Header.Get("Content-Type"))
	}

	// Each moves by itself: the second value differs from the first.
	ride := shell(t, lineWith(t, opening, "mosquitto_sub", "session/")+" -C 40 -W 25")
	for _, want := range []string{"/info {", "/participants {", "/leaderboard {", "/progress/", `"heartRate":`, `"distance":`} {
		if !strings.Contains(ride, want) {
			t.Errorf("the ride's messages have no %s:\n%s", want, ride)
		}
	}
	before := shell(t, lineWith(t, opening, "mosquitto_sub", "challenge/")+" -C 1 -W 20")
	upload := shell(t, lineWith(t, opening, "mosquitto_pub")+" -d")
	if !strings.Contains(upload, "PUBACK") || strings.Contains(upload, "rc1") {
		t.Errorf("the upload said %q, want it acknowledged without a reason against it", upload)
	}
	// 25 km more than the 36,150 m that one starts with.
	eventually(t, "the upload is on the board", func() bool {
		after := shell(t, lineWith(t, opening, "mosquitto_sub", "challenge/")+" -C 1 -W 20")
		return after != before && strings.Contains(after, `"userId":"you","name":"Alex Ray","score":61150`)
	})

	if dirs, _ := filepath.Glob(filepath.Join(tmp, "fitmq-demo-*")); len(dirs) != 1 {
		t.Errorf("temporary directories while it runs: %q, want one", dirs)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	summary := rest()
	if !regexp.MustCompile(`[1-9]\d* samples and [1-9]\d* activities accepted, 0 refused`).MatchString(summary) {
		t.Errorf("summary = %q, want samples, activities and no refusals", summary)
	}
	if dirs, _ := filepath.Glob(filepath.Join(tmp, "fitmq-demo-*")); len(dirs) != 0 {
		t.Errorf("temporary directories after the end: %q, want none", dirs)
	}
}

func TestDemo_For(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 { // again on the same directory: everything is there already
		_, _, rest := startDemo(t, t.TempDir(), "--for", "4s", "--data", dir)
		if summary := rest(); !strings.Contains(summary, ", 0 refused") {
			t.Errorf("summary = %q, want no refusals", summary)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "admin.token")); err != nil {
		t.Errorf("the given data directory: %v, want it kept", err)
	}
}

// A taken port is no reason to give up, and is said.
func TestDemo_PortTaken(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(fitmqPath, "demo", "--for", "1s", "--athletes", "1")
	blocked := map[string]string{"MQTT": "127.0.0.1:1883", "HTTP": "127.0.0.1:8080"}
	for _, addr := range blocked {
		// It may be taken already: that serves as well.
		if l, err := net.Listen("tcp", addr); err == nil {
			defer l.Close()
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("demo with both ports taken: %v\n%s", err, out)
	}
	for name, addr := range blocked {
		if want := addr + " is taken: " + name + " uses 127.0.0.1:"; !strings.Contains(string(out), want) {
			t.Errorf("output = %s, want it to say %q", out, want)
		}
	}
}
