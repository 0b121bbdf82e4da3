package tests_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fitmq/fitmq/gateway/gatewaytest"
	"github.com/fitmq/fitmq/topics"
)

// reader is somebody who pastes the page's examples into a shell.
type reader struct {
	in       io.WriteCloser
	out      <-chan string // what commands print
	listened <-chan string // what listeners print
	steps    int
	said     []string // by the listeners of the last step, their own doings included
}

// stepEnds ends what a step prints.
const stepEnds = "@@ the step ends"

// failed begins the line about a command that failed.
const failed = "@@ failed: "

// lines sends what is read until the end.
func lines(r io.Reader) <-chan string {
	ch := make(chan string, 1000)
	go func() {
		defer close(ch)
		scan := bufio.NewScanner(r)
		scan.Buffer(nil, 4<<20) // the description is one line
		for scan.Scan() {
			ch <- scan.Text()
		}
	}()
	return ch
}

// startReader opens the shell, with the addresses that the page's first block has
// defaults for. Requests that are answered with an error fail.
func startReader(t *testing.T, s *server) *reader {
	t.Helper()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte("silent\nshow-error\nfail-with-body\nno-buffer\nmax-time = 60\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	host, port := hostPort(t, s.mqtt)
	held := holding(t, s)
	cmd := exec.Command("bash", "--noprofile", "--norc")
	cmd.Env = append(os.Environ(), "CURL_HOME="+home, "HOST="+host, "PORT="+port, "API="+held+"/api/v1",
		"FITMQ_DATA="+s.dir, "PATH="+filepath.Dir(fitmqPlainPath)+":"+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its listeners end with it
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, outSide, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	listened, listenedSide, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = outSide, outSide, []*os.File{listenedSide}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = outSide.Close(), listenedSide.Close() // the shell has its own
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
		_ = cmd.Wait()                                      // it was killed
		_, _ = out.Close(), listened.Close()                // nobody reads them any more
	})
	r := &reader{in: in, out: lines(out), listened: lines(listened)}
	r.enter(t, "set -o pipefail -o errtrace; trap 'echo \""+failed+"$BASH_COMMAND\"' ERR")
	return r
}

// holding is a server before the server: what goes through it is held against the
// server's description.
func holding(t *testing.T, s *server) string {
	t.Helper()
	to, err := url.Parse("http://" + s.http)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.FlushInterval = -1
	proxy.Transport = &gatewaytest.Transport{}
	proxy.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		if r.Context().Err() == nil { // the client has not gone
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		w.WriteHeader(http.StatusBadGateway)
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(func() {
		front.CloseClientConnections() // event streams have no end
		front.Close()
	})
	return front.URL
}

// enter enters a line.
func (r *reader) enter(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(r.in, line+"\n"); err != nil {
		t.Fatalf("the shell has ended: %v", err)
	}
}

// next returns the next line, or false when none comes.
func next(from <-chan string) (string, bool) {
	select {
	case l, ok := <-from:
		return l, ok
	case <-time.After(2 * patience):
		return "", false
	}
}

// nextSaid is the listeners' next line.
func (r *reader) nextSaid() (string, bool) {
	line, ok := next(r.listened)
	r.said = append(r.said, line)
	return line, ok
}

// try does a step and returns what it printed.
func (r *reader) try(t *testing.T, x *example) (printed []string) {
	t.Helper()
	r.said = nil
	for _, l := range x.listeners {
		l = strings.ReplaceAll(l, "mosquitto_sub ", "stdbuf -oL mosquitto_sub -d ")
		r.enter(t, l+" >&3 2>&1 & listeners+=($!)")
		for { // until it has subscribed
			line, ok := r.nextSaid()
			if !ok {
				t.Fatalf("%v\nthe listener does not begin: %q", x, r.said)
			}
			if strings.HasPrefix(line, "Subscribed (mid") || strings.HasPrefix(line, `data: {"clientId"`) {
				break
			}
		}
	}
	r.steps++
	ends := fmt.Sprint(stepEnds, " ", r.steps)
	r.enter(t, strings.Join(x.commands, "\n")+"\necho; echo '"+ends+"'")
	for {
		line, ok := next(r.out)
		if !ok {
			t.Fatalf("%v\ndoes not end; it printed %q", x, printed)
		}
		if line == ends {
			break
		}
		if line != "" && !obituary.MatchString(line) {
			printed = append(printed, line)
		}
	}
	if len(x.listeners) > 0 {
		printed = append(printed, r.hear(t, x, printed)...)
	}
	return printed
}

// hear waits until the listeners have printed what is missing, and ends them.
func (r *reader) hear(t *testing.T, x *example, printed []string) (heard []string) {
	t.Helper()
	for missing, _ := x.compare(append(heard, printed...)); missing != ""; missing, _ = x.compare(append(heard, printed...)) {
		line, ok := r.nextSaid()
		if !ok {
			t.Errorf("%v\nprinted %q\nheard:\n%s\nwant:\n%s", x, printed, strings.Join(heard, "\n"), strings.Join(x.want, "\n"))
			break
		}
		if line != "" && !noise.MatchString(line) {
			heard = append(heard, line)
		}
	}
	// Not a signal that mosquitto_sub handles: it prints in the handler, and a line
	// that is being printed then comes twice.
	r.enter(t, `{ kill -9 "${listeners[@]}" || true; wait; } 2>/dev/null; listeners=(); echo '`+stepEnds+`' >&3`)
	for {
		line, ok := r.nextSaid()
		if !ok {
			t.Fatalf("%v\nthe listeners do not end", x)
		}
		if line == stepEnds {
			return heard
		}
		if line != "" && !noise.MatchString(line) {
			heard = append(heard, line)
		}
	}
}

// obituary is what bash says of a listener that has been ended, now or later.
var obituary = regexp.MustCompile(`^bash: line \d+: +\d+ Killed `)

// noise is what mosquitto_sub says of its own doings, and an event stream's frame.
var noise = regexp.MustCompile(`^(Client |Subscribed \(mid|retry: |event: |id: |data: \{"clientId")`)

// asks reports whether the step only reads, so that it may be done again until what
// is computed meanwhile is there.
func (x *example) asks() bool {
	for _, c := range x.all() {
		if !strings.HasPrefix(c, "mosquitto_sub ") && (!strings.HasPrefix(c, "curl ") || strings.Contains(c, " -X ") || strings.Contains(c, " -d ")) {
			return false
		}
	}
	return len(x.listeners) == 0
}

// tryConfig writes the page's configuration. People sign in often here: what a
// password costs is another test's.
func tryConfig(t *testing.T, page string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "try.yml")
	text := block(t, page, "yaml") + "passwords: {memory: 64KiB, iterations: 1}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every example of the wire contract's page does what the page says, in the order
// of the page, and nothing is refused but what is there to be refused.
func TestProtocol_Examples(t *testing.T) {
	t.Parallel()
	page := readPage(t)
	s := startServer(t, "--config", tryConfig(t, page))
	r := startReader(t, s)
	for _, x := range examples(page) {
		deadline := time.Now().Add(patience)
		for {
			printed := r.try(t, x)
			wrong := x.mismatch(printed)
			for _, line := range printed {
				if strings.HasPrefix(line, failed) {
					wrong = line
				}
			}
			if wrong == "" {
				break
			}
			if !x.asks() || time.Now().After(deadline) {
				t.Errorf("%v\n%s\nprinted:\n%s\nof this the listeners:\n%s", x, wrong, strings.Join(printed, "\n"), strings.Join(r.said, "\n"))
				break
			}
		}
	}
	_, answer := s.rest(t, http.MethodGet, "/refusals", nil)
	var refused struct {
		Items []struct{ Reason, Topic, Target string }
	}
	if err := json.Unmarshal(answer, &refused); err != nil {
		t.Fatal(err)
	}
	if want := strings.Count(page, "# refused:"); len(refused.Items) != want {
		t.Errorf("%d refusals, and the page tells of %d: %s", len(refused.Items), want, answer)
	}
}

// Each kind of topic has its row on the page, and each row an example of publishing
// where somebody may, and of subscribing where somebody may.
func TestProtocol_Topics(t *testing.T) {
	page := readPage(t)
	published, subscribed := map[topics.Kind]bool{}, map[topics.Kind]bool{}
	for _, x := range examples(page) {
		for _, c := range x.all() {
			for _, topic := range topicsOf(c) {
				published[kindOf(topic)] = published[kindOf(topic)] || strings.Contains(c, "mosquitto_pub")
				subscribed[kindOf(topic)] = subscribed[kindOf(topic)] || strings.Contains(c, "mosquitto_sub")
			}
		}
	}
	described := rows(page)
	described[topics.Sys.String()] = [2]string{"the broker", "operators"}
	described[topics.Other.String()] = [2]string{"rules", "rules"}
	for k := range topics.NumKinds {
		k := topics.Kind(k)
		may, ok := described[k.String()]
		switch {
		case k == topics.Unknown:
		case !ok:
			t.Errorf("%s: no row describes %s", protocolPage, k)
		case may[0] != "the broker" && !published[k]:
			t.Errorf("%s: no example publishes to %s", protocolPage, k)
		case may[1] != "" && !subscribed[k]:
			t.Errorf("%s: no example subscribes to %s", protocolPage, k)
		}
		delete(described, k.String())
	}
	for name := range described {
		t.Errorf("%s: a row describes %s, which is no topic", protocolPage, name)
	}
}

// rows reads who may publish and subscribe from the page's tables of topics.
func rows(page string) map[string][2]string {
	list, prefix := map[string][2]string{}, ""
	ids := regexp.MustCompile(`\{[a-z]+\}`)
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "#") {
			prefix = ""
			if m := regexp.MustCompile("^### `(.*)\\.\\.\\.`$").FindStringSubmatch(line); m != nil {
				prefix = ids.ReplaceAllString(m[1], "{}")
			}
		}
		cells := strings.Split(line, " | ")
		if len(cells) < 4 || prefix == "" || !strings.HasPrefix(line, "| `") {
			continue
		}
		topic := strings.Trim(cells[0], "|` ")
		list[prefix+ids.ReplaceAllString(topic, "{}")] = [2]string{strings.TrimSpace(cells[1]), strings.Trim(cells[2], "| ")}
	}
	return list
}

// Each resource has an example.
func TestProtocol_Resources(t *testing.T) {
	t.Parallel()
	page := readPage(t)
	requests := map[string]bool{}
	for _, x := range examples(page) {
		for _, c := range x.all() {
			for _, one := range requestsOf(c) {
				requests[one] = true
			}
		}
	}
	s := startServer(t, "--config", tryConfig(t, page))
	_, answer := s.rest(t, http.MethodGet, "/openapi.json", nil)
	var described struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(answer, &described); err != nil {
		t.Fatal(err)
	}
	if len(described.Paths) < 40 {
		t.Fatalf("only %d paths are described", len(described.Paths))
	}
	for path, methods := range described.Paths {
		for method := range methods {
			if !exemplified(requests, strings.ToUpper(method), strings.TrimPrefix(path, "/api/v1")) {
				t.Errorf("%s: no example of %s %s", protocolPage, strings.ToUpper(method), path)
			}
		}
	}
}

// topicsOf lists the topics and filters of a mosquitto command.
func topicsOf(command string) (list []string) {
	if !strings.Contains(command, "mosquitto_") {
		return nil
	}
	for _, m := range regexp.MustCompile(` -t '?([^ ']+)'?`).FindAllStringSubmatch(command, -1) {
		list = append(list, m[1])
	}
	return list
}

// kindOf is the row that a topic is of.
func kindOf(topic string) topics.Kind {
	if strings.HasPrefix(topic, "$SYS/") {
		return topics.Sys
	}
	return topics.Parse(topic).Kind
}

// requestsOf lists method and path of what a curl command asks.
func requestsOf(command string) (list []string) {
	for _, c := range strings.Split(command, "curl ")[1:] {
		m := regexp.MustCompile(`\$API(/[^ '"?)]*)`).FindStringSubmatch(c)
		if m == nil {
			continue
		}
		method := http.MethodGet
		if x := regexp.MustCompile(` -X ([A-Z]+)`).FindStringSubmatch(" " + c); x != nil {
			method = x[1]
		} else if strings.Contains(" "+c, " -d ") {
			method = http.MethodPost
		}
		list = append(list, method+" "+m[1])
	}
	return list
}

// exemplified reports whether one of the requests is of the pattern. A word of the
// path is not taken for an id where another pattern has that word: none is.
func exemplified(requests map[string]bool, method, pattern string) bool {
	for r := range requests {
		m, path, _ := strings.Cut(r, " ")
		got, want := strings.Split(path, "/"), strings.Split(pattern, "/")
		same := m == method && len(got) == len(want)
		for i := 0; same && i < len(want); i++ {
			same = got[i] == want[i] || strings.HasPrefix(want[i], "{")
		}
		if same {
			return true
		}
	}
	return false
}
