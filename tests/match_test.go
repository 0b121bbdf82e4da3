package tests_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/paho"
)

// partner is what these tests read of user/{uid}/match.
type partner struct {
	State, PartnerID, Name, UserID, Conversation string
	Band                                         float64
}

// awaitMatch waits until the last that the user was told of partners has a state.
func (c *client) awaitMatch(t testing.TB, user, state string) (last partner) {
	t.Helper()
	eventually(t, user+" is told "+state, func() bool {
		list := c.on("user/" + user + "/match")
		return len(list) > 0 && json.Unmarshal([]byte(list[len(list)-1]), &last) == nil && last.State == state
	})
	return last
}

// everything is all that the client was sent, properties included.
func (c *client) everything() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for _, p := range c.received {
		fmt.Fprintf(&b, "%s %s %+v\n", p.Topic, p.Payload, p.Properties)
	}
	return b.String()
}

// traces are the ways in which a coordinate could be written down: its digits, and
// the bytes of its number. They are long enough not to be there by chance.
func traces(coordinates ...float64) (list []string) {
	for _, c := range coordinates {
		_, digits, _ := strings.Cut(fmt.Sprint(c), ".")
		bits := math.Float64bits(c)
		list = append(list, digits, string(binary.LittleEndian.AppendUint64(nil, bits)), string(binary.BigEndian.AppendUint64(nil, bits)))
	}
	return list
}

// Two people are matched, over MQTT and HTTP and a kill of the broker, and neither's
// position is in anything that anybody was sent, that is stored, or that was logged.
func TestBroker_MatchWithoutPositions(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	for id, name := range map[string]string{"ana": "Ana Adler", "ben": "Ben Berg"} {
		s.put(t, "/users/"+id, map[string]string{"name": name, "role": "member", "password": secret(id)})
	}
	s.user(t, "svc", "service")
	coordinates := []float64{52.5200817, 13.4049531, 52.5214939, 13.4062713, 91.7654321}
	ana, ben, svc := dial(t, s, "ana", "ana-phone"), dial(t, s, "ben", "ben-phone"), dial(t, s, "svc", "svc-1")
	ana.subscribe(t, 1, "user/ana/#")
	ben.subscribe(t, 1, "user/ben/#")
	svc.subscribe(t, 2, "#")
	var answers strings.Builder // by HTTP, and reasons of refusals

	beacon := func(latitude, longitude float64) map[string]any {
		return map[string]any{"latitude": latitude, "longitude": longitude, "sport": "running", "pace": 330, "note": fmt.Sprint(latitude)}
	}
	code, reason := ana.publish(t, "match/beacon", 1, beacon(coordinates[4], coordinates[1]))
	if code != 0x83 || !strings.Contains(reason, "latitude is over the limit of 90 degrees") {
		t.Errorf("latitude 91: 0x%02X %s", code, reason)
	}
	answers.WriteString(reason)
	if code, reason := ana.publish(t, "match/beacon", 2, beacon(coordinates[0], coordinates[1])); code >= 0x80 {
		t.Fatalf("beacon refused: 0x%02X %s", code, reason)
	}
	if code, reason := ana.publish(t, "match/beacon", 1, beacon(coordinates[0], coordinates[1])); code != 0x96 {
		t.Errorf("a second beacon at once: 0x%02X %s, want 0x96", code, reason)
	}
	over := postAs(t, s, "ben", "/publish", map[string]any{"topic": "match/beacon", "payload": beacon(coordinates[2], coordinates[3]), "retain": true})
	answers.WriteString(over)
	if _, err := ana.Publish(t.Context(), &paho.Publish{Topic: "match/beacon", QoS: 0, Payload: []byte(`{"latitude":` + fmt.Sprint(coordinates[4]) + `,"messageId":"` + fmt.Sprint(coordinates[0]) + `"}`)}); err != nil {
		t.Fatal(err) // at QoS 0, so that the reason comes on the feed
	}
	eventually(t, "ana is told why on her feed", func() bool { return len(ana.on("user/ana/error")) > 0 })

	forAna, forBen := ana.awaitMatch(t, "ana", "proposed"), ben.awaitMatch(t, "ben", "proposed")
	if forAna.Name != "Ben" || forAna.Band != 2000 || forAna.UserID != "" || forBen.Name != "Ana" || forBen.UserID != "" {
		t.Errorf("proposed: %+v and %+v", forAna, forBen)
	}
	if before := ana.everything(); strings.Contains(before, "Berg") || strings.Contains(before, "ben") {
		t.Errorf("ana has learned who it is before both have accepted:\n%s", before)
	}
	if code, reason := ana.publish(t, "match/reply", 1, map[string]any{"partnerId": forAna.PartnerID, "accept": true}); code >= 0x80 {
		t.Fatalf("reply refused: 0x%02X %s", code, reason)
	}
	s.kill(t)
	s.start(t)
	ben = dial(t, s, "ben", "ben-phone")
	if code, reason := ben.publish(t, "match/reply", 1, map[string]any{"partnerId": forBen.PartnerID, "accept": true}); code >= 0x80 {
		t.Fatalf("reply after the kill refused: 0x%02X %s", code, reason)
	}
	ana2 := dial(t, s, "ana", "ana-phone")
	if got := ana2.awaitMatch(t, "ana", "matched"); got.UserID != "ben" || got.Name != "Ben Berg" || got.Conversation != "ana.ben" {
		t.Errorf("matched: %+v", got)
	}
	ben.awaitMatch(t, "ben", "matched")
	s.kill(t)
	s.start(t)
	ana3 := dial(t, s, "ana", "ana-phone")
	if code, reason := ana3.publish(t, "chat/ana.ben/message", 1, map[string]string{"content": "At six?"}); code >= 0x80 {
		t.Errorf("matched, and may not write: 0x%02X %s", code, reason)
	}
	willRefused(t, s, coordinates[0], coordinates[1])
	for _, path := range []string{"/retained?filter=%23", "/clients", "/conversations/ana.ben/messages"} {
		_, body := s.rest(t, http.MethodGet, path, nil)
		answers.Write(body)
	}
	s.stop(t)

	places := map[string]string{
		"ana's messages": ana.everything() + ana2.everything() + ana3.everything(), "ben's messages": ben.everything(), "a service's messages": svc.everything(),
		"answers": answers.String(), "the server's log": s.stderr.String(),
	}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		places[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for place, text := range places {
		found = found || strings.Contains(text, "At six?")
		for _, trace := range traces(coordinates...) {
			if i := strings.Index(text, trace); i >= 0 {
				t.Errorf("%s has %q of a position: ...%q...", place, trace, text[max(i-60, 0):min(i+60, len(text))])
			}
		}
	}
	if !found {
		t.Error("what was said is in no file: the search proves nothing")
	}
}

// postAs makes a request as the user and returns the answer, which must be 200.
func postAs(t testing.TB, s *server, user, path string, body any) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.http+"/api/v1"+path, strings.NewReader(mustJSON(t, body)))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, secret(user))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	if err := res.Write(&b); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %v\n%s", path, err, b.String())
	}
	return b.String()
}

// willRefused leaves a will with a position, and wants not to be let in.
func willRefused(t testing.TB, s *server, latitude, longitude float64) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.mqtt, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := paho.NewClient(paho.ClientConfig{Conn: conn, PacketTimeout: patience})
	ack, err := c.Connect(t.Context(), &paho.Connect{
		ClientID: "ana-will", UsernameFlag: true, Username: "ana", PasswordFlag: true, Password: []byte(secret("ana")), KeepAlive: 30,
		WillMessage: &paho.WillMessage{Topic: "match/beacon", Payload: fmt.Appendf(nil, `{"latitude":%v,"longitude":%v,"sport":"run"}`, latitude, longitude)},
	})
	if err == nil || ack == nil || ack.ReasonCode != 0x87 {
		t.Errorf("a will with a position: %+v, %v, want 0x87", ack, err)
	}
}
