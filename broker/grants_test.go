package broker_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/fitmq/fitmq/broker"
)

// TestGrants is a token that says what it is for, over MQTT 3, MQTT 5 and HTTP.
func TestGrants(t *testing.T) {
	s := start(t, func(o *broker.Options) { o.Dev = true })
	issue := func(fit string) string {
		t.Helper()
		var issued struct{ Token string }
		if err := json.Unmarshal(rest(t, s, "admin", s.Token, "POST", "/tokens", `{"userId":"ana","ttl":600,"fit":`+fit+`}`, 201), &issued); err != nil {
			t.Fatal(err)
		}
		return issued.Token
	}
	narrow := issue(`{"publish":["dev/ana/+"],"subscribe":["dev/ana/#","user/ana/error"]}`)
	for _, version := range []byte{4, 5} {
		p := mustDial(t, s, version, fmt.Sprint("v", version), "ana", narrow)
		for filter, want := range map[string]bool{"dev/ana/#": true, "user/ana/error": true, "user/ana/#": false, "dev/#": false, "$share/g/dev/ben": false} {
			if code := p.subscribe(filter); code < 0x80 != want {
				t.Errorf("version %d: subscribe %s: SUBACK %#x", version, filter, code)
			}
		}
		p.publish("dev/ben/x", "not granted")
		if code := p.publish("dev/ben/x", "not granted"); version == 5 && code != 0x87 {
			t.Errorf("publish what is not granted: PUBACK %#x", code)
		}
		if code := p.publish("dev/ana/x", "granted"); code >= 0x80 {
			t.Errorf("version %d: publish what is granted: PUBACK %#x", version, code)
		}
	}
	publish := func(topic string, want int) {
		t.Helper()
		rest(t, s, "admin", narrow, "POST", "/publish", `{"topic":"`+topic+`","payload":"x","qos":1,"retain":true}`, want)
	}
	publish("dev/ana/y", 200)
	publish("dev/ben/y", 403)
	rest(t, s, "admin", narrow, "GET", "/retained?filter=dev/ana/%23", "", 200)
	rest(t, s, "admin", narrow, "GET", "/retained?filter=dev/%23", "", 403)
	rest(t, s, "admin", narrow, "GET", "/me", "", 200)
	for path, method := range map[string]string{
		"/challenges": "GET", "/users/ana/devices": "GET", "/users/ana/devices/watch": "PUT", "/sessions/s9": "PUT", "/conversations": "GET", "/tokens": "POST",
	} {
		rest(t, s, "admin", narrow, method, path, `{}`, 403)
	}
	t.Run("event streams", func(t *testing.T) {
		open := func(client, query, header string, want int) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.HTTP+"/api/v1/events?clientId="+client+"&"+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", header)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { res.Body.Close() })
			if res.StatusCode != want {
				t.Fatalf("stream %s: %s, want %d", query, res.Status, want)
			}
		}
		open("mine", "filter=dev/ana/%23", "Bearer "+narrow, 200)
		open("not-mine", "filter=dev/ben", "Bearer "+narrow, 403)
		open("whole", "filter=dev/ben", "Bearer "+issue("null"), 200)
		rest(t, s, "admin", narrow, "POST", "/subscribe", `{"clientId":"whole","filters":["dev/ana/x"]}`, 200)
		rest(t, s, "admin", narrow, "POST", "/subscribe", `{"clientId":"whole","filters":["dev/ana/x","user/ana/#"]}`, 403)
	})
	for _, bad := range []string{`"#"`, `{"publish":["a/#/b"]}`, `{"publish":"a"}`} {
		rest(t, s, "admin", s.Token, "POST", "/tokens", `{"userId":"ana","fit":`+bad+`}`, 422)
	}
	t.Run("a narrower one counts at once", func(t *testing.T) {
		p := dialMethod(t, s, "renewing", issue(`{"subscribe":["dev/a","dev/b"]}`))
		for _, filter := range []string{"dev/a", "dev/b"} {
			if code := p.subscribe(filter); code >= 0x80 {
				t.Fatalf("SUBACK %#x", code)
			}
		}
		p.renew(issue(`{"subscribe":["dev/b"]}`))
		p.wantRenewed()
		other := mustDial(t, s, 5, "other", "ben", "ben-secret")
		other.publish("dev/a", "no")
		other.publish("dev/b", "yes")
		header, body := p.read()
		if header>>4 != 3 || string(body[2:7]) != "dev/b" {
			t.Errorf("got packet %#x %q, want only what the new token grants", header, body)
		}
	})
}
