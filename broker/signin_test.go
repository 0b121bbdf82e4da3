package broker_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/delivery/wire"
)

const secret = "0123456789abcdef0123456789abcdef"

// start runs a broker that takes tokens of a shared secret, with ana and ben.
func start(t *testing.T, change ...func(*broker.Options)) *brokertest.Server {
	t.Helper()
	s := brokertest.Start(t, append([]func(*broker.Options){func(o *broker.Options) { o.Config.Tokens.Secret = secret }}, change...)...)
	for _, id := range []string{"ana", "ben"} {
		rest(t, s, "admin", s.Token, "PUT", "/users/"+id, `{"role":"member","password":"`+id+`-secret"}`, 201)
	}
	return s
}

// logBuffer takes a log while the test may read it.
type logBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// token signs claims with the shared secret.
func token(t *testing.T, sub string, life time.Duration) string {
	t.Helper()
	now := time.Now()
	tok := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": sub, "role": "member", "iat": now.Unix(), "exp": float64(now.Add(life).UnixMilli()) / 1000})
	s, err := tok.SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSignIn_Token(t *testing.T) {
	s := start(t)
	for _, version := range []byte{4, 5} {
		mustDial(t, s, version, "a", "ana", token(t, "ana", time.Minute))
		mustDial(t, s, version, "b", "anything", token(t, "zoe", time.Minute))
		refused := map[byte]byte{4: 4, 5: 0x86}[version]
		for name, pass := range map[string]string{"expired": token(t, "ana", -time.Hour), "not a user id": token(t, "a/b", time.Minute)} {
			if _, code := dial(t, s, version, "c", "ana", pass); code != refused {
				t.Errorf("version %d, %s: code %#x, want %#x", version, name, code, refused)
			}
		}
	}
	got := rest(t, s, "admin", token(t, "zoe", time.Minute), "GET", "/me", "", 200)
	if !strings.Contains(string(got), `"userId":"zoe"`) {
		t.Errorf("got %s", got)
	}
	rest(t, s, "admin", token(t, "zoe", -time.Hour), "GET", "/me", "", 401)
	t.Run("the store's role counts, not the token's", func(t *testing.T) {
		rest(t, s, "admin", s.Token, "PUT", "/users/ana", `{"role":"trainer"}`, 200)
		if got := rest(t, s, "admin", token(t, "ana", time.Minute), "GET", "/me", "", 200); !strings.Contains(string(got), `"role":"trainer"`) {
			t.Errorf("got %s", got)
		}
	})
}

func TestSignIn_TokenExpires(t *testing.T) {
	s := start(t)
	for _, version := range []byte{4, 5} {
		p := mustDial(t, s, version, "a", "ana", token(t, "ana", 2*time.Second))
		begin := time.Now()
		p.wantEnd(wire.NotAuthorized)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("version %d: ended after %v", version, took)
		}
	}
}

func TestSignIn_TokenRenewed(t *testing.T) {
	log := &logBuffer{}
	s := start(t, func(o *broker.Options) {
		o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for _, version := range []byte{4, 5} {
		p := mustDial(t, s, version, "a", "ana", token(t, "ana", 2*time.Second))
		if code := mustDial(t, s, version, "mine", "ana", "ana-secret").subscribe("user/ana/token"); code < 0x80 {
			t.Errorf("version %d: tokens are delivered: SUBACK %#x", version, code)
		}
		if version == 5 {
			for name, bad := range map[string]string{"another's": token(t, "ben", time.Minute), "expired": token(t, "ana", -time.Hour), "nonsense": "x"} {
				if code := p.publish("user/ana/token", bad); code != byte(wire.NotAuthorized) {
					t.Errorf("%s token: PUBACK %#x, want 0x87", name, code)
				}
			}
			if code := p.publish("user/ben/token", token(t, "ben", time.Minute)); code != byte(wire.NotAuthorized) {
				t.Errorf("on another's topic: PUBACK %#x, want 0x87", code)
			}
		}
		fresh := token(t, "ana", time.Minute)
		if code := p.publish("user/ana/token", fresh); code != 0 {
			t.Fatalf("version %d: PUBACK %#x", version, code)
		}
		if err := p.c.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := p.c.Read(make([]byte, 1)); err == nil || n > 0 || !err.(net.Error).Timeout() {
			t.Fatalf("version %d: the connection did not outlive its first token: %d bytes, %v", version, n, err)
		}
		if kept := rest(t, s, "admin", s.Token, "GET", "/retained?filter=user/ana/%23", "", 200); bytes.Contains(kept, []byte(fresh)) {
			t.Error("the token is kept")
		}
		if got := log.String(); got == "" || strings.Contains(got, fresh) {
			t.Errorf("the token is logged, or nothing is, in %d bytes", len(got))
		}
	}
}

func TestSignIn_Issued(t *testing.T) {
	s := start(t)
	var issued struct{ Token string }
	if err := json.Unmarshal(rest(t, s, "admin", s.Token, "POST", "/tokens", `{"userId":"ana","ttl":"2s"}`, 201), &issued); err != nil {
		t.Fatal(err)
	}
	p := mustDial(t, s, 5, "a", "ana", issued.Token)
	p.wantEnd(wire.NotAuthorized)
	if err := json.Unmarshal(rest(t, s, "ana", "ana-secret", "POST", "/tokens", `{"userId":"ana","ttl":60}`, 201), &issued); err != nil {
		t.Fatal(err)
	}
	rest(t, s, "admin", issued.Token, "GET", "/me", "", 200)
	rest(t, s, "admin", issued.Token, "POST", "/tokens", `{"userId":"ana"}`, 403)
	rest(t, s, "ana", "ana-secret", "POST", "/tokens", `{"userId":"ben"}`, 403)
	rest(t, s, "admin", s.Token, "POST", "/tokens", `{"userId":"nobody"}`, 404)
	rest(t, s, "admin", s.Token, "POST", "/tokens", `{"userId":"ana","ttl":"999999h"}`, 422)
}

// TestUserChanged is what changes of a user mean for those who are connected.
func TestUserChanged(t *testing.T) {
	s := start(t)
	change := func(body string) { rest(t, s, "admin", s.Token, "PUT", "/users/ana", body, 200) }
	for _, version := range []byte{4, 5} {
		t.Run("disabled", func(t *testing.T) {
			byPassword := mustDial(t, s, version, "p", "ana", "ana-secret")
			byToken := mustDial(t, s, version, "t", "ana", token(t, "ana", time.Hour))
			other := mustDial(t, s, version, "o", "ben", "ben-secret")
			change(`{"role":"member","disabled":true}`)
			byPassword.wantEnd(wire.NotAuthorized)
			byToken.wantEnd(wire.NotAuthorized)
			for _, pass := range []string{"ana-secret", token(t, "ana", time.Hour)} {
				if _, code := dial(t, s, version, "p", "ana", pass); code == 0 {
					t.Error("a disabled user is let in")
				}
			}
			if code := other.subscribe("user/ben/#"); code >= 0x80 {
				t.Errorf("another user is touched: SUBACK %#x", code)
			}
			change(`{"role":"member"}`)
		})
		t.Run("role", func(t *testing.T) {
			p := mustDial(t, s, version, "r", "ana", "ana-secret")
			if code := p.subscribe("$SYS/#"); code < 0x80 {
				t.Fatalf("a member gets $SYS: %#x", code)
			}
			change(`{"role":"service"}`)
			if code := p.subscribe("$SYS/#"); code >= 0x80 {
				t.Fatalf("promoted, and refused: %#x", code)
			}
			change(`{"role":"member"}`)
			if code := p.subscribe("$SYS/#"); code < 0x80 {
				t.Fatalf("demoted, and allowed: %#x", code)
			}
		})
	}
	t.Run("deleted", func(t *testing.T) {
		p := mustDial(t, s, 5, "d", "ana", "ana-secret")
		rest(t, s, "admin", s.Token, "DELETE", "/users/ana", "", 204)
		p.wantEnd(wire.NotAuthorized)
		mustDial(t, s, 5, "d", "ben", "ben-secret")
	})
}

// TestClientID_Theft: another user is refused, whatever the credentials, and the
// first one is untouched.
func TestClientID_Theft(t *testing.T) {
	s := start(t)
	owner := mustDial(t, s, 5, "watch", "ana", "ana-secret")
	for name, pass := range map[string]string{"password": "ben-secret", "token": token(t, "ben", time.Minute)} {
		if _, code := dial(t, s, 5, "watch", "ben", pass); code != 0x85 {
			t.Errorf("%s: code %#x, want 0x85", name, code)
		}
	}
	if code := owner.subscribe("user/ana/#"); code >= 0x80 {
		t.Errorf("the owner was touched: SUBACK %#x", code)
	}
}

func TestSignIn_URL(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct{ User, Password string }
		switch err := json.NewDecoder(r.Body).Decode(&q); {
		case err != nil || q.User != "zoe":
			w.WriteHeader(http.StatusNotFound)
		case q.Password != "right":
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(service.Close)
	s := start(t, func(o *broker.Options) { o.Config.SignIn.URL = service.URL })
	p := mustDial(t, s, 5, "z", "zoe", "right")
	if code := p.subscribe("user/zoe/#"); code >= 0x80 {
		t.Errorf("SUBACK %#x", code)
	}
	rest(t, s, "zoe", "right", "GET", "/me", "", 200)
	rest(t, s, "zoe", "wrong", "GET", "/me", "", 401)
	rest(t, s, "ana", "ana-secret", "GET", "/me", "", 200)
	service.Close()
	if _, code := dial(t, s, 5, "y", "yan", "whatever"); code != 0x88 {
		t.Errorf("without the service: code %#x, want 0x88", code)
	}
}

// TestAudit_File is what the audit log of a broker holds.
func TestAudit_File(t *testing.T) {
	dir := t.TempDir()
	s := start(t, func(o *broker.Options) { o.DataDir = dir })
	p := mustDial(t, s, 5, "a", "ana", "ana-secret")
	p.publish("session/s1/info", "x")
	if _, code := dial(t, s, 5, "a2", "ana", "a-wrong-one"); code != 0x86 {
		t.Errorf("code %#x, want 0x86", code)
	}
	rest(t, s, "ana", "ana-secret", "DELETE", "/users/ben", "", 403)
	s.Stop()
	log, err := os.ReadFile(filepath.Join(dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"event":"change","user":"admin","role":"admin","by":"admin token"`,
		`"event":"sign-in","user":"ana","role":"member","by":"password","client":"a"`,
		`"action":"publish","target":"session/s1/info"`,
		`"event":"refused","user":"ana","client":"a2"`,
		`"action":"DELETE","target":"/api/v1/users/ben","status":403`,
	} {
		if !strings.Contains(string(log), want) {
			t.Errorf("no %s in\n%s", want, log)
		}
	}
	for _, never := range []string{"ana-secret", "a-wrong-one", s.Token} {
		if strings.Contains(string(log), never) {
			t.Errorf("%s is in the audit log", never)
		}
	}
}

func TestDevice(t *testing.T) {
	s := start(t, func(o *broker.Options) { o.Config = withoutTokens(o.Config) })
	rest(t, s, "admin", s.Token, "PUT", "/sessions/s1", `{"kind":"workout","title":"T","host":"ben","visibility":"open"}`, 201)
	newSecret := func() string {
		var d struct{ Secret string }
		if err := json.Unmarshal(rest(t, s, "ana", "ana-secret", "PUT", "/users/ana/devices/watch", "", 201), &d); err != nil {
			t.Fatal(err)
		}
		return d.Secret
	}
	first := newSecret()
	if !strings.HasPrefix(first, "fmd_") {
		t.Fatalf("secret %.8q... has no prefix", first)
	}
	if list := rest(t, s, "ana", "ana-secret", "GET", "/users/ana/devices", "", 200); bytes.Contains(list, []byte("secret")) || !bytes.Contains(list, []byte(`"name":"watch"`)) {
		t.Errorf("got %s", list)
	}
	p := mustDial(t, s, 5, "w", "ana", first)
	for _, filter := range []string{"session/s1/#", "user/ana/#"} {
		if code := p.subscribe(filter); code >= 0x80 {
			t.Errorf("%s: SUBACK %#x", filter, code)
		}
	}
	for topic, want := range map[string]byte{"session/s1/control": 0x87, "session/s1/chat": 0x87, "user/ana/token": 0x87} {
		if code := p.publish(topic, `{"content":"x"}`); code != want {
			t.Errorf("%s: PUBACK %#x, want %#x", topic, code, want)
		}
	}
	if code := p.publish("session/s1/progress/ana", "{}"); code == 0x87 {
		t.Error("a device may not publish its samples")
	}
	rest(t, s, "ana", first, "GET", "/me", "", 200)
	rest(t, s, "ana", first, "PUT", "/users/ana/devices/more", "", 403)
	rest(t, s, "ana", first, "POST", "/tokens", `{"userId":"ana"}`, 403)
	rest(t, s, "ben", "ben-secret", "PUT", "/users/ana/devices/mine", "", 403)
	rest(t, s, "ben", first, "GET", "/me", "", 401)

	user := mustDial(t, s, 5, "u", "ana", "ana-secret")
	rest(t, s, "ana", "ana-secret", "DELETE", "/users/ana/devices/watch", "", 204)
	p.wantEnd(wire.NotAuthorized)
	if code := user.subscribe("user/ana/#"); code >= 0x80 {
		t.Errorf("the user's own connection is touched: %#x", code)
	}
	for _, version := range []byte{4, 5} {
		if _, code := dial(t, s, version, "w", "ana", first); code == 0 {
			t.Errorf("version %d: a revoked secret is taken", version)
		}
	}
	second := newSecret()
	rest(t, s, "ana", first, "GET", "/me", "", 401)
	p = mustDial(t, s, 5, "w", "ana", second)
	t.Run("replaced", func(t *testing.T) {
		rest(t, s, "admin", s.Token, "PUT", "/users/ana/devices/watch", "", 200)
		p.wantEnd(wire.NotAuthorized)
		rest(t, s, "ana", second, "GET", "/me", "", 401)
	})
}

func withoutTokens(c config.Config) config.Config {
	c.Tokens = config.Default().Tokens
	return c
}
