package attacks_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
)

// start runs a broker with ana and ben, open to everybody outside fitness.
func start(t testing.TB, change ...func(*broker.Options)) *brokertest.Server {
	t.Helper()
	s := brokertest.Start(t, append([]func(*broker.Options){func(o *broker.Options) { o.Dev = true }}, change...)...)
	for _, user := range []string{"ana", "ben"} {
		admin(t, s, "PUT", "/users/"+user, `{"role":"member","password":"`+user+`-secret"}`)
	}
	return s
}

// member reads a member of a JSON object.
func member(t testing.TB, body, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return fmt.Sprint(m[name])
}

// TestTheft: nobody gets at another's session by its client id, connected or
// not; and the first one notices nothing, in the middle of a QoS 2 exchange.
func TestTheft(t *testing.T) {
	s := start(t)
	secret := member(t, admin(t, s, "PUT", "/users/ben/devices/watch", ""), "secret")
	token := member(t, admin(t, s, "POST", "/tokens", `{"userId":"ben"}`), "token")
	for _, version := range []byte{4, 5} {
		id := fmt.Sprintf("watch%d", version)
		will, data := "dev/will/"+id, "dev/data/"+id
		witness := dial(t, s, hello{version: 5, id: "witness" + id, user: "ben", pass: "ben-secret", clean: true})
		witness.subscribe("dev/+/"+id, 1)
		owner := dial(t, s, hello{version: version, id: id, user: "ana", pass: "ana-secret", will: will})
		if code := owner.subscribe("dev/mine/"+id, 1); owner.code() != 0 || code >= 0x80 {
			t.Fatalf("version %d: the owner: CONNACK %#x, SUBACK %#x", version, owner.code(), code)
		}
		steal := func(when string) {
			t.Helper()
			for _, thief := range []hello{
				{version: 4, user: "ben", pass: "ben-secret"}, {version: 5, user: "ben", pass: "ben-secret"},
				{version: 4, user: "ben", pass: secret}, {version: 5, user: "ana", pass: token}, {version: 5, method: token},
			} {
				for _, clean := range []bool{true, false} {
					thief.id, thief.clean = id, clean
					want := map[byte]byte{4: 2, 5: 0x85}[thief.version]
					if got := dial(t, s, thief).code(); got != want {
						t.Errorf("version %d, %s, by %+v: CONNACK %#x, want %#x", version, when, thief, got, want)
					}
				}
			}
		}
		owner.publish(data, "once", 2)
		owner.want(0x50) // PUBREC
		steal("while connected")
		owner.publish(data, "once", 2) // again, as one does who has heard nothing
		owner.want(0x50)
		owner.send(0x62, []byte{0, 7})
		owner.want(0x70)
		if topic, payload := witness.message(); topic != data || payload != "once" {
			t.Errorf("version %d: got %q on %s", version, payload, topic)
		}
		owner.publish(data, "marker", 1)
		owner.want(0x40)
		if topic, payload := witness.message(); topic != data || payload != "marker" { // not twice, and no will
			t.Errorf("version %d: got %q on %s, want the marker", version, payload, topic)
		}
		owner.c.Close()
		if topic, payload := witness.message(); topic != will || payload != "gone" {
			t.Errorf("version %d: got %q on %s, want the will", version, payload, topic)
		}
		steal("while away")
		witness.publish("dev/mine/"+id, "kept", 1)
		witness.until(0x40) // its own message may come first
		owner = dial(t, s, hello{version: version, id: id, user: "ana", pass: "ana-secret"})
		if owner.code() != 0 || owner.connack[0] != 1 {
			t.Fatalf("version %d: the owner comes back to % x, want a session", version, owner.connack)
		}
		if _, payload := owner.message(); payload != "kept" {
			t.Errorf("version %d: got %q, want what was kept", version, payload)
		}
	}
}

// TestRevokedDevice: a secret that was revoked, replaced or whose user is
// disabled opens nothing any more, and another user's never did.
func TestRevokedDevice(t *testing.T) {
	s := start(t)
	first := member(t, admin(t, s, "PUT", "/users/ana/devices/watch", ""), "secret")
	each := func(what, secret, want string) {
		t.Helper()
		for way, try := range ways {
			if got := try(t, s, "ana", secret); got != want {
				t.Errorf("%s, by %s: got %q, want %q", what, way, got, want)
			}
			if got := try(t, s, "ben", secret); got != refused {
				t.Errorf("%s, by %s as another user: got %q", what, way, got)
			}
		}
	}
	each("in force", first, "")
	admin(t, s, "DELETE", "/users/ana/devices/watch", "")
	each("revoked", first, refused)
	second := member(t, admin(t, s, "PUT", "/users/ana/devices/watch", ""), "secret")
	each("revoked, under a name that is back", first, refused)
	each("new", second, "")
	third := member(t, admin(t, s, "PUT", "/users/ana/devices/watch", ""), "secret")
	each("replaced", second, refused)
	admin(t, s, "PUT", "/users/ana", `{"role":"member","disabled":true}`)
	each("of a disabled user", third, refused)
	admin(t, s, "DELETE", "/users/ana", "")
	admin(t, s, "PUT", "/users/ana", `{"role":"member","password":"ana-secret"}`)
	each("of a user who was deleted and made anew", third, refused)
}

// TestDisabledUser: no proof counts, and what is connected ends.
func TestDisabledUser(t *testing.T) {
	s := start(t)
	proofs := map[string]string{
		"password": "ana-secret", "token": member(t, admin(t, s, "POST", "/tokens", `{"userId":"ana"}`), "token"),
		"device": member(t, admin(t, s, "PUT", "/users/ana/devices/watch", ""), "secret"),
	}
	var live []*peer
	for name, secret := range proofs {
		for way, try := range ways {
			if got := try(t, s, "ana", secret); got != "" {
				t.Fatalf("%s, by %s, before: %q", name, way, got)
			}
		}
		for _, version := range []byte{4, 5} {
			live = append(live, dial(t, s, hello{version: version, id: name + string('0'+rune(version)), user: "ana", pass: secret, clean: true}))
		}
	}
	admin(t, s, "PUT", "/users/ana", `{"role":"member","disabled":true}`)
	for _, p := range live {
		if header, body := p.read(); p.version == 5 && (header != 0xE0 || body[0] != 0x87) || p.version == 4 && header != 0 {
			t.Errorf("version %d: got packet %#x % x, want the end", p.version, header, body)
		}
	}
	for name, secret := range proofs {
		for way, try := range ways {
			if got := try(t, s, "ana", secret); got != refused {
				t.Errorf("%s, by %s: got %q, want refused", name, way, got)
			}
		}
	}
}

// TestOddNames: a name that looks like ana's is not ana's, and a client id of
// whatever characters is that client's own and nothing else.
func TestOddNames(t *testing.T) {
	s := start(t)
	for _, user := range []string{
		"ANA", "Ana", " ana", "ana ", "ana\t", "ana\n", "\ufeffana", "\u0430na", "an\u0061\u0301", "ana\u200b", "ana\u202e", "ana/", "ana/#", "+", "#", "*", "%", "$SYS",
		"", "../ana", "ana.ben", strings.Repeat("a", 65_000), "\U0010ffff",
	} {
		for way, try := range ways {
			if way == "HTTP Basic" && len(user) > 1000 {
				continue // a header of that size is refused as such
			}
			if got := try(t, s, user, "ana-secret"); got != refused {
				t.Errorf("%.20q, by %s: got %q, want refused", user, way, got)
			}
		}
	}
	for _, version := range []byte{4, 5} {
		for _, id := range []string{"+", "#", "a/b", "$SYS/x", "$share/g/a", "\u202eevil", "\ufeff", "\U0010ffff", "a\x01b", "%c", "../../x", strings.Repeat("x", 256)} {
			p := dial(t, s, hello{version: version, id: id, user: "ana", pass: "ana-secret", clean: true})
			if p.code() != 0 {
				t.Errorf("version %d, client id %.20q: CONNACK %#x", version, id, p.code())
				continue
			}
			if code := p.subscribe("user/ana/error", 1); code >= 0x80 {
				t.Errorf("version %d, client id %.20q: SUBACK %#x", version, id, code)
			}
			if code := p.subscribe("user/ben/error", 1); code < 0x80 {
				t.Errorf("version %d, client id %.20q gets another's feed", version, id)
			}
			p.c.Close()
		}
		for name, id := range map[string]string{"NUL": "a\x00b", "a surrogate": "a\xed\xa0\x80", "no UTF-8": "\xff\xfe", "overlong encoding": "\xc0\x80", "too long": strings.Repeat("x", 257)} {
			for field, h := range map[string]hello{
				"client id": {version: version, id: id, user: "ana", pass: "ana-secret", clean: true},
				"user name": {version: version, id: "odd", user: id, pass: "ana-secret", clean: true},
			} {
				if code := dial(t, s, h).code(); code == 0 {
					t.Errorf("version %d, %s with %s is taken", version, field, name)
				}
			}
		}
	}
	if got := ways["MQTT 5"](t, s, "ana", "ana-secret"); got != "" {
		t.Errorf("ana herself, in the end: %q", got)
	}
}

// TestConstantAnswer: nothing tells an unknown user from a wrong password, a
// disabled user or one without a password.
func TestConstantAnswer(t *testing.T) {
	s := start(t)
	admin(t, s, "PUT", "/users/off", `{"role":"member","password":"off-secret","disabled":true}`)
	admin(t, s, "PUT", "/users/bare", `{"role":"member"}`)
	answers := map[string]map[string]bool{}
	note := func(way, answer string) {
		if answers[way] == nil {
			answers[way] = map[string]bool{}
		}
		answers[way][answer] = true
	}
	for user, pass := range map[string]string{"ana": "wrong", "nobody": "wrong", "off": "off-secret", "bare": "", "ben": "", "admin": "wrong", "a/b": "x"} {
		for _, version := range []byte{4, 5} {
			p := dial(t, s, hello{version: version, id: "x", user: user, pass: pass, clean: true})
			header, _ := p.read()
			note(fmt.Sprint("MQTT ", version), fmt.Sprintf("% x, then %#x", p.connack, header))
		}
		res, body := ask(t, s, "GET", "/me", "", basic(user, pass)...)
		res.Header.Del("Date")
		note("HTTP", fmt.Sprint(res.StatusCode, res.Header, body))
	}
	for way, list := range answers {
		if len(list) != 1 {
			t.Errorf("%s: %d different answers: %v", way, len(list), list)
		}
	}
}

// TestBackOff: guessing is slowed down, by whatever name the guesser goes and
// whatever it says of its address, and the user comes in all the same.
func TestBackOff(t *testing.T) {
	s := start(t, func(o *broker.Options) { o.Config.SignIn.UserFailures, o.Config.SignIn.AddressFailures = 4, 40 })
	const guesser = "127.0.0.2"
	token := member(t, admin(t, s, "POST", "/tokens", `{"userId":"ben"}`), "token")
	guess := func(version byte) byte {
		t.Helper()
		return dial(t, s, hello{version: version, id: "g", user: "ana", pass: "guess", from: guesser, clean: true}).code()
	}
	for i := range 4 {
		if code := guess(5); code != 0x86 {
			t.Fatalf("guess %d: CONNACK %#x", i, code)
		}
		// One's own proof under her name forgives nothing.
		if code := dial(t, s, hello{version: 5, id: "b", user: "ana", pass: token, from: guesser, clean: true}).code(); code != 0 {
			t.Fatalf("ben with his token: CONNACK %#x", code)
		}
	}
	if code := guess(5); code != 0x9F {
		t.Errorf("MQTT 5, after four guesses: CONNACK %#x, want 0x9F", code)
	}
	if code := guess(4); code != 3 {
		t.Errorf("MQTT 3.1.1, after four guesses: CONNACK %#x, want 3", code)
	}
	if code := dial(t, s, hello{version: 5, id: "a", user: "ana", pass: "ana-secret", from: "127.0.0.3", clean: true}).code(); code != 0 {
		t.Errorf("ana herself: CONNACK %#x", code)
	}
	if got := ways["HTTP Basic"](t, s, "ana", "ana-secret"); got != "" {
		t.Errorf("ana herself over HTTP: %q", got)
	}
	t.Run("HTTP, with addresses made up", func(t *testing.T) {
		limited := false
		for i := range 12 {
			res, _ := ask(t, s, "GET", "/me", "", append(basic("ben", "guess"), "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i), "Forwarded", "for=203.0.113.9", "X-Real-IP", "203.0.113.8")...)
			if res.StatusCode == http.StatusTooManyRequests {
				limited = true
				if wait, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || wait < 1 {
					t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
				}
				break
			}
		}
		if !limited {
			t.Error("made-up addresses get around the limit")
		}
	})
}

// TestForgedAddress: what somebody says of their address counts only where a
// configured proxy says it.
func TestForgedAddress(t *testing.T) {
	s := start(t, func(o *broker.Options) {
		o.Config.Proxies.Trusted, o.Config.Proxies.Protocol = []string{"127.0.0.9"}, true
	})
	const forged = "PROXY TCP4 203.0.113.7 192.0.2.1 56324 1883\r\n"
	for from, want := range map[string]bool{"127.0.0.1": false, "127.0.0.8": false, "127.0.0.9": true} {
		if got := throughProxy(t, s, from, forged); got != want {
			t.Errorf("a PROXY header from %s: let in %v, want %v", from, got, want)
		}
	}
	if got := throughProxy(t, s, "127.0.0.9", ""); got {
		t.Error("the proxy without its header is let in")
	}
	if got := throughProxy(t, s, "127.0.0.1", ""); !got {
		t.Error("a client without a header is not let in")
	}
}
