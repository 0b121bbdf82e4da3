package access_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/tests/await"
)

// jwks is the set of Ed25519 keys and secrets by key id.
func jwks(t testing.TB, keys map[string]any) []byte {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	var list []map[string]string
	for kid, k := range keys {
		switch k := k.(type) {
		case ed25519.PrivateKey:
			list = append(list, map[string]string{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(k.Public().(ed25519.PublicKey))})
		case []byte:
			list = append(list, map[string]string{"kty": "oct", "kid": kid, "k": b64(k)})
		}
	}
	data, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// keyServer serves a key set and counts who asks.
type keyServer struct {
	*httptest.Server
	mu     sync.Mutex // guards the fields below
	set    []byte
	status int
	asked  int
}

func startKeyServer(t testing.TB, set []byte) *keyServer {
	t.Helper()
	s := &keyServer{set: set, status: http.StatusOK}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked++
		w.WriteHeader(s.status)
		if _, err := w.Write(s.set); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) change(set []byte, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set, s.status = set, status
}

func (s *keyServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// keySetPause is between two fetches for key ids that are not known.
const keySetPause = 2 * time.Second

func openSet(t testing.TB, location string) func(*access.TokensOptions) {
	t.Helper()
	set, err := access.OpenKeySet(t.Context(), access.KeySetOptions{Location: location, Pause: keySetPause})
	if err != nil {
		t.Fatal(err)
	}
	return func(o *access.TokensOptions) { o.Keys, o.Set = nil, set }
}

func TestKeySet_URL(t *testing.T) {
	a, later := newAuthority(t), newAuthority(t)
	server := startKeyServer(t, jwks(t, map[string]any{"k1": a.ed, "hs": a.secret}))
	tokens, _ := newTokens(t, a, openSet(t, server.URL))
	try := func(m jwt.SigningMethod, key any, kid ...string) error {
		_, err := tokens.Try(t.Context(), access.Proof{Secret: sign(t, m, key, fresh(nil), kid...)})
		return err
	}
	await.NoError(t, "by key id", func() error { return try(jwt.SigningMethodEdDSA, a.ed, "k1") })
	if err := try(jwt.SigningMethodEdDSA, a.ed); err != nil {
		t.Fatalf("without a key id: %v", err)
	}
	if err := try(jwt.SigningMethodHS256, a.secret, "hs"); !errors.Is(err, access.ErrBadCredentials) {
		t.Errorf("a secret that the network knows is taken: %v", err)
	}
	if err := try(jwt.SigningMethodHS256, []byte(a.ed.Public().(ed25519.PublicKey)), "k1"); !errors.Is(err, access.ErrBadCredentials) {
		t.Errorf("a public key is taken for a secret: %v", err)
	}
	before, start := server.count(), time.Now()
	server.change(jwks(t, map[string]any{"k1": a.ed, "k2": later.ed}), http.StatusOK)
	await.NoError(t, "a new key", func() error { return try(jwt.SigningMethodEdDSA, later.ed, "k2") })
	for range 50 {
		if err := try(jwt.SigningMethodEdDSA, later.ed, "unknown"); err == nil {
			t.Fatal("a key id that nobody knows is taken")
		}
	}
	if asked, most := server.count()-before, 2+int(time.Since(start)/keySetPause); asked > most {
		t.Errorf("unknown key ids made %d requests, want %d at most", asked, most)
	}
	server.change(nil, http.StatusInternalServerError)
	if err := try(jwt.SigningMethodEdDSA, a.ed, "k1"); err != nil {
		t.Errorf("an outage costs a known key: %v", err)
	}
}

func TestKeySet_StartsInAnOutage(t *testing.T) {
	a := newAuthority(t)
	server := startKeyServer(t, nil)
	server.change(nil, http.StatusBadGateway)
	tokens, _ := newTokens(t, a, openSet(t, server.URL))
	token := sign(t, jwt.SigningMethodEdDSA, a.ed, fresh(nil), "k1")
	if _, err := tokens.Verify(token); err == nil {
		t.Fatal("taken without a key")
	}
	server.change(jwks(t, map[string]any{"k1": a.ed}), http.StatusOK)
	await.NoError(t, "the keys once the address answers", func() error {
		_, err := tokens.Try(t.Context(), access.Proof{Secret: token})
		return err
	})
	if _, err := tokens.Verify(token); err != nil {
		t.Errorf("without the network: %v", err)
	}
}

func TestKeySet_File(t *testing.T) {
	a := newAuthority(t)
	path := filepath.Join(t.TempDir(), "keys set.json")
	if err := os.WriteFile(path, jwks(t, map[string]any{"k1": a.ed, "hs": a.secret}), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, _ := newTokens(t, a, openSet(t, path))
	for name, token := range map[string]string{
		"EdDSA": sign(t, jwt.SigningMethodEdDSA, a.ed, fresh(nil), "k1"),
		"HS256": sign(t, jwt.SigningMethodHS256, a.secret, fresh(nil), "hs"),
	} {
		if _, err := tokens.Verify(token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Run("ErrMissing", func(t *testing.T) {
		if _, err := access.OpenKeySet(t.Context(), access.KeySetOptions{Location: path + "x"}); err == nil {
			t.Error("no error")
		}
	})
}
