package broker_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
)

// auditLines reads the audit log as it is now.
func auditLines(t *testing.T, dir string) (list []access.Event) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, access.AuditFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		var e access.Event
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			t.Fatalf("%s: %v", in.Text(), err)
		}
		list = append(list, e)
	}
	return list
}

// What is refused is in the audit log, in samples under a flood; every change is,
// with who made it.
func TestAudit_Rights(t *testing.T) {
	dir := t.TempDir()
	s := brokertest.Start(t, markers, func(o *broker.Options) { o.DataDir = dir })
	rightsWorld(t, s)
	olga := mustDial(t, s, 5, "o1", "olga", "olga-secret")
	olga.subscribe("session/s1/#")
	olga.publish("session/s1/chat", `{"content":"hi"}`)
	http := cell{t: t, s: s, letter: 'o', user: "olga", pass: "olga-secret"}
	http.http("POST", "/publish", `{"topic":"session/s1/chat","payload":"x"}`)
	http.http("GET", "/retained?filter=session/s1/info", "")
	http.http("DELETE", "/sessions/s1/members/ben", "")
	perform(t, s, "as hana: DELETE /sessions/s1/members/ben")
	const flood = 1000
	before := metric(t, s, `fitmq_publishes_refused_total{reason="no_right"}`)
	for range flood {
		olga.publish("session/s1/chat", `{"content":"hi"}`)
	}
	if got := metric(t, s, `fitmq_publishes_refused_total{reason="no_right"}`) - before; got != flood {
		t.Errorf("%v refusals are counted, want %d", got, flood)
	}
	seen := map[string]bool{}
	refused := 0
	for _, e := range auditLines(t, dir) {
		if e.User != "olga" && e.User != "hana" {
			continue
		}
		key := e.Event + " " + e.User + " " + e.Via + " " + e.Action + " " + e.Target
		seen[key] = true
		if e.Event == "refused" {
			refused++
			if e.Reason == "" && e.Status == 0 {
				t.Errorf("a refusal without its reason: %+v", e)
			}
		}
	}
	for _, want := range []string{
		"refused olga mqtt subscribe session/s1/#",
		"refused olga mqtt publish session/s1/chat",
		"refused olga http POST /api/v1/publish",
		"refused olga http GET /api/v1/retained",
		"refused olga http DELETE /api/v1/sessions/s1/members/ben",
		"change hana http DELETE /api/v1/sessions/s1/members/ben",
	} {
		if !seen[want] {
			t.Errorf("the audit log lacks %q", want)
		}
	}
	if refused > flood/2 {
		t.Errorf("%d of %d refusals are written: a flood fills the disk", refused, flood)
	}
}
