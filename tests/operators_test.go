package tests_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/paho"
)

// knock tries to connect and wants to be refused with the code.
func knock(t *testing.T, s *server, user, password, clientID string, code byte) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.mqtt, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := paho.NewClient(paho.ClientConfig{Conn: conn, PacketTimeout: patience})
	ack, err := c.Connect(t.Context(), &paho.Connect{
		KeepAlive: 30, CleanStart: true, ClientID: clientID, UsernameFlag: true, Username: user, PasswordFlag: true, Password: []byte(password),
	})
	if err == nil || ack == nil || ack.ReasonCode != code {
		t.Fatalf("connect as %.20q: %+v, %v; want %#x", user, ack, err, code)
	}
}

// Who was not let in stands among the refusals: by what name, from where and why,
// and never with the password.
func TestConsole_RefusedSignIns(t *testing.T) {
	s := startServer(t)
	s.user(t, "ana", "member")
	s.user(t, "ben", "member")
	dial(t, s, "ana", "watch")
	knock(t, s, "ana", "hunter2-hunter2", "phone", 0x86)
	knock(t, s, strings.Repeat("x", 5000), "hunter2-hunter2", "long", 0x86)
	knock(t, s, "fmd_hunter2-hunter2", "x", "mixed", 0x86)
	knock(t, s, "ben", secret("ben"), "watch", 0x85)
	if status, _ := s.as(t, "ghost", "GET", "/me", ""); status != http.StatusUnauthorized {
		t.Fatalf("a ghost: %d", status)
	}
	status, body := s.rest(t, http.MethodGet, "/refusals", nil)
	if status != http.StatusOK || strings.Contains(string(body), "hunter2") || strings.Contains(string(body), secret("ghost")) {
		t.Fatalf("%d, with a secret in it: %s", status, body)
	}
	type refusal struct {
		UserID, ClientID, Via, Remote, Action, Reason string
		Code                                          int
	}
	var got []string
	for _, r := range get[struct{ Items []refusal }](t, s, "/refusals").Items {
		got = append(got, fmt.Sprintf("%.30s %s %s %#x", r.UserID, r.ClientID, r.Via, r.Code))
		if r.Action != "sign-in" || !strings.HasPrefix(r.Remote, "127.0.0.1:") || r.Reason == "" || len(r.UserID) > 70 {
			t.Errorf("%+v", r)
		}
	}
	want := []string{
		"ghost  http 0x86", "ben watch mqtt 0x85", "(a secret in place of a name) mixed mqtt 0x86",
		strings.Repeat("x", 30) + " long mqtt 0x86", "ana phone mqtt 0x86",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A flood of sign-ins takes none of the room of other refusals, and what has no
// room is counted.
func TestConsole_RefusalsBound(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	dial(t, s, "ana", "").publish(t, "session/s1/info", 1, "x")
	for range 310 {
		s.as(t, "ghost", "GET", "/me", "")
	}
	list := get[struct{ Items []struct{ Action string } }](t, s, "/refusals?limit=1000").Items
	if len(list) != 301 || list[300].Action != "publish" {
		t.Errorf("%d refusals, the oldest is %+v", len(list), list[len(list)-1])
	}
	if got := metric(t, s, `fitmq_refusals_forgotten_total{kind="sign_in"}`); got != 10 {
		t.Errorf("%v are counted, want 10", got)
	}
}

func TestConsole_Queues(t *testing.T) {
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	away := dial(t, s, "ana", "phone")
	away.subscribe(t, 1, "t/#")
	away.leave()
	pub := dial(t, s, "", "")
	for range 3 {
		pub.publish(t, "t/x", 1, 1234567890)
	}
	type queues struct {
		Items []struct {
			ClientID, UserID, Oldest  string
			Connected                 bool
			Messages, Bytes, Inflight int
		}
		Sessions, Looked int
	}
	for _, query := range []string{"", "?by=messages&limit=1"} {
		q := get[queues](t, s, "/queues"+query)
		if len(q.Items) != 1 || q.Sessions != 2 || q.Looked != 2 {
			t.Fatalf("%q: %+v", query, q)
		}
		if one := q.Items[0]; one.ClientID != "phone" || one.UserID != "ana" || one.Connected || one.Messages != 3 || one.Bytes < 30 || one.Oldest == "" {
			t.Errorf("%q: %+v", query, one)
		}
	}
	for query, word := range map[string]string{"by=size": "bytes, messages", "limit=1001": "limit", "limit=0": "limit"} {
		if status, body := s.rest(t, http.MethodGet, "/queues?"+query, nil); status != http.StatusBadRequest || !strings.Contains(string(body), word) {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
	for _, path := range []string{"/queues", "/boards"} {
		if status, _ := s.as(t, "ana", "GET", path, ""); status != http.StatusForbidden {
			t.Errorf("%s as a member: %d", path, status)
		}
	}
	if status, _ := s.rest(t, http.MethodDelete, "/clients/phone?session=true", nil); status != http.StatusNoContent {
		t.Errorf("discard: %d", status)
	}
	if q := get[queues](t, s, "/queues"); len(q.Items) != 0 {
		t.Errorf("discarded: %+v", q)
	}
}

func TestConsole_Boards(t *testing.T) {
	s := startServer(t)
	s.race(t)
	type boards struct {
		Items []struct {
			ChallengeID, State     string
			Participants, Revision int
		}
	}
	if b := get[boards](t, s, "/boards?search=C1&order=updated"); len(b.Items) != 1 || b.Items[0].ChallengeID != "c1" || b.Items[0].Participants == 0 || b.Items[0].State != "active" {
		t.Errorf("%+v", b)
	}
	if status, body := s.rest(t, http.MethodGet, "/boards?order=name", nil); status != http.StatusBadRequest || !strings.Contains(string(body), "size, updated") {
		t.Errorf("order=name: %d %s", status, body)
	}
}

func TestConsole_Storage(t *testing.T) {
	s := startServer(t, "--dev")
	dial(t, s, "", "keeps").subscribe(t, 1, "t")
	type stats struct {
		Storage struct {
			LogBytes, LogLimit, LogFiles, TablesBytes, DiskFree, DiskSize, First, Last int
			LastCommit, LastFailure                                                    string
		}
	}
	dial(t, s, "", "").publish(t, "t", 1, "x")
	got := get[stats](t, s, "/stats").Storage
	if got.LogBytes <= 0 || got.LogLimit <= got.LogBytes || got.LogFiles != 1 || got.TablesBytes <= 0 || got.Last < got.First || got.LastCommit == "" || got.LastFailure != "" {
		t.Errorf("%+v", got)
	}
	if free := metric(t, s, "fitmq_disk_free_bytes"); free <= 0 || got.DiskFree <= 0 || got.DiskFree > got.DiskSize {
		t.Errorf("free %v, %+v", free, got)
	}
	s.rest(t, http.MethodPut, "/clients/keeps/trace", nil)
	if n := metric(t, s, "fitmq_traces"); n != 1 {
		t.Errorf("%v traces", n)
	}
}
