// Package house_test holds the rules of the house that no compiler knows: who
// may import whom, and what every file of the project must be.
package house_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/fitmq/fitmq"

// pkg is the part of `go list -json` that the rules look at. Imports are those
// of the program's own files; tests may import what they like.
type pkg struct {
	ImportPath string
	Imports    []string
}

// room is a package's path inside the module: "store/bolt", "." for the root.
func room(importPath string) (string, bool) {
	rest, ok := strings.CutPrefix(importPath, module)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return path.Clean("." + rest), true
}

// in reports whether the room is one of the given ones or below it.
func in(r string, rooms ...string) bool {
	for _, other := range rooms {
		if r == other || strings.HasPrefix(r, other+"/") {
			return true
		}
	}
	return false
}

// A rule is about the rooms that it applies to and what they import.
type rule struct {
	name    string
	applies func(from string) bool
	// Exactly one of the two is set. The first judges an import of ours by
	// its room, the second an import of others by its path.
	ours   func(to string) bool
	theirs func(importPath string) bool
}

// only applies a rule to the rooms and what is below them, all but to the others.
func only(rooms ...string) func(string) bool {
	return func(r string) bool { return in(r, rooms...) }
}

func allBut(rooms ...string) func(string) bool {
	return func(r string) bool { return !in(r, rooms...) }
}

// to allows imports of exactly these rooms and of what is below the importing
// rule's own rooms.
func to(exact ...string) func(string) bool {
	return func(r string) bool {
		for _, e := range exact {
			if below, ok := strings.CutSuffix(e, "/..."); r == e || ok && in(r, below) {
				return true
			}
		}
		return false
	}
}

func not(f func(string) bool) func(string) bool { return func(s string) bool { return !f(s) } }

// external tells the paths of modules that are not the standard library's.
func external(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return strings.Contains(first, ".")
}

var rules = []rule{
	{name: "topics imports nothing of ours", applies: only("topics"), ours: to()},
	{name: "topics imports nothing of others", applies: only("topics"), theirs: not(external)},
	{name: "fitness knows only itself", applies: only("fitness"), ours: to("fitness/...")},
	{name: "fitness is pure: no context, I/O, locks, network", applies: only("fitness"), theirs: func(p string) bool {
		switch p {
		case "context", "os", "net", "net/http", "sync", "sync/atomic", "log", "log/slog":
			return false
		}
		return true
	}},
	{name: "engine imports fitness, topics and the store's interfaces", applies: only("engine"), ours: to("fitness/...", "topics", "store", "engine/...")},
	{name: "delivery knows no fitness, use cases or HTTP", applies: only("delivery"), ours: to("delivery/...", "store", "topics")},
	{name: "delivery/wire imports nothing of ours", applies: only("delivery/wire"), ours: to("delivery/wire/...")},
	{name: "access imports the store's interfaces and topics", applies: only("access"), ours: to("access/...", "store", "topics")},
	{name: "store imports nothing above it", applies: only("store"), ours: to("store/...", "topics", "tests/await")},
	{name: "only tests poll", applies: allBut("tests", "store/storetest"), ours: not(to("tests/..."))},
	{name: "webhook imports the store's interfaces", applies: only("webhook"), ours: to("webhook/...", "store")},
	{name: "config imports the topic grammar", applies: only("config"), ours: to("config/...", "topics")},
	{name: "transport knows the wire only", applies: only("transport"), ours: to("transport/...", "delivery/wire")},
	{name: "nobody imports broker but cmd and tests", applies: allBut("broker", "cmd", "tests"), ours: not(to("broker/..."))},
	{name: "nobody imports gateway or hooks but broker", applies: allBut("broker", "gateway", "hooks"), ours: not(to("gateway/...", "hooks/..."))},
	{name: "nobody opens a store but broker and cmd", applies: allBut("broker", "cmd/fitmq", "store/bolt"), ours: not(to("store/bolt/..."))},
	{name: "wearsim is a client: topics and its own rooms", applies: only("cmd/wearsim"), ours: to("cmd/wearsim/...", "topics")},
	{name: "the MQTT engine is known to hooks, transport and broker", applies: allBut("hooks", "transport", "broker", "tests"), theirs: notBelow("github.com/mochi-mqtt/server")},
	{name: "bbolt is known to store/bolt", applies: allBut("store/bolt"), theirs: notBelow("go.etcd.io/bbolt")},
	{name: "FIT decoding is wearsim's", applies: allBut("cmd/wearsim"), theirs: notBelow("github.com/muktihari/fit")},
	{name: "client libraries stay out of the server", applies: allBut("cmd", "tests"), theirs: notBelow("github.com/eclipse/paho.golang")},
}

func notBelow(prefix string) func(string) bool {
	return func(p string) bool { return p != prefix && !strings.HasPrefix(p, prefix+"/") }
}

// broken lists what the packages import against the rules.
func broken(packages []pkg) []string {
	var list []string
	for _, p := range packages {
		from, ok := room(p.ImportPath)
		if !ok {
			continue
		}
		for _, r := range rules {
			if !r.applies(from) {
				continue
			}
			for _, imp := range p.Imports {
				if target, own := room(imp); own && r.ours != nil && !r.ours(target) || !own && r.theirs != nil && !r.theirs(imp) {
					list = append(list, from+" imports "+imp+": "+r.name)
				}
			}
		}
	}
	return list
}

func TestImportDirections(t *testing.T) {
	packages := listPackages(t)
	if len(packages) < 10 {
		t.Fatalf("go list found %d packages of ours, want the whole house", len(packages))
	}
	for _, b := range broken(packages) {
		t.Error(b)
	}
}

// A rule that never fires is no rule: each of these must be found.
func TestImportDirections_Err(t *testing.T) {
	wrong := []struct{ from, imports string }{
		{"topics", module + "/store"},
		{"topics", "github.com/oklog/ulid/v2"},
		{"fitness/challenge", module + "/engine"},
		{"fitness", "context"},
		{"engine", module + "/store/bolt"},
		{"engine", module + "/delivery"},
		{"delivery", module + "/engine"},
		{"delivery", "github.com/mochi-mqtt/server/v2"},
		{"access", module + "/engine"},
		{"transport", module + "/delivery"},
		{"gateway", module + "/broker"},
		{"webhook", module + "/engine"},
		{"engine", module + "/gateway"},
		{"hooks", module + "/store/bolt"},
		{"cmd/wearsim", module + "/engine"},
		{"gateway", "github.com/mochi-mqtt/server/v2/packets"},
		{"engine", "go.etcd.io/bbolt"},
		{"broker", "github.com/muktihari/fit/decoder"},
		{"broker", "github.com/eclipse/paho.golang/paho"},
	}
	for _, w := range wrong {
		if got := broken([]pkg{{ImportPath: module + "/" + w.from, Imports: []string{w.imports}}}); len(got) == 0 {
			t.Errorf("%s importing %s breaks no rule, want one broken", w.from, w.imports)
		}
	}
	right := []struct{ from, imports string }{
		{"engine", module + "/store"},
		{"engine", module + "/fitness/challenge"},
		{"delivery", module + "/delivery/wire"},
		{"gateway", module + "/engine"},
		{"broker", module + "/store/bolt"},
		{"cmd/wearsim", module + "/topics"},
		{"hooks", "github.com/mochi-mqtt/server/v2"},
		{"topics", "strings"},
	}
	for _, r := range right {
		if got := broken([]pkg{{ImportPath: module + "/" + r.from, Imports: []string{r.imports}}}); len(got) != 0 {
			t.Errorf("%s may import %s, got %q", r.from, r.imports, got)
		}
	}
}

func listPackages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("decode the output of go list: %v", err)
		}
		packages = append(packages, p)
	}
}
