package access_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fitmq/fitmq/access"
)

// authority is somebody else who signs tokens.
type authority struct {
	secret []byte
	rsa    *rsa.PrivateKey
	ec     *ecdsa.PrivateKey
	ed     ed25519.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{secret: []byte("0123456789abcdef0123456789abcdef")}
	var err error
	if a.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if a.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, a.ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) keys() []any {
	return []any{a.secret, &a.rsa.PublicKey, &a.ec.PublicKey, a.ed.Public()}
}

// fresh is what a good token says; changes replace or, with nil, remove claims.
func fresh(changes jwt.MapClaims) jwt.MapClaims {
	now := time.Now()
	c := jwt.MapClaims{"sub": "zoe", "role": "trainer", "iss": "idp", "aud": "fit", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	for k, v := range changes {
		if v == nil {
			delete(c, k)
		} else {
			c[k] = v
		}
	}
	return c
}

func sign(t testing.TB, m jwt.SigningMethod, key any, c jwt.MapClaims, kid ...string) string {
	t.Helper()
	tok := jwt.NewWithClaims(m, c)
	if len(kid) > 0 {
		tok.Header["kid"] = kid[0]
	}
	s, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newTokens returns tokens of the authority's keys over a store with ana.
func newTokens(t *testing.T, a *authority, change ...func(*access.TokensOptions)) (*access.Tokens, *access.Users) {
	t.Helper()
	users := mustOpen(t, newMemTables())
	mustPut(t, users, "ana", access.Member, "ana-password")
	own, err := access.LoadOrCreateTokenKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := access.TokensOptions{Users: users, Own: own, Keys: a.keys(), Issuer: "idp", Audience: "fit", Leeway: 5 * time.Second}
	for _, fn := range change {
		fn(&o)
	}
	tokens, err := access.NewTokens(o)
	if err != nil {
		t.Fatal(err)
	}
	return tokens, users
}

func TestTokens_Try(t *testing.T) {
	a := newAuthority(t)
	tokens, _ := newTokens(t, a)
	for name, token := range map[string]string{
		"HS256":             sign(t, jwt.SigningMethodHS256, a.secret, fresh(nil)),
		"RS256":             sign(t, jwt.SigningMethodRS256, a.rsa, fresh(nil)),
		"ES256":             sign(t, jwt.SigningMethodES256, a.ec, fresh(nil)),
		"EdDSA":             sign(t, jwt.SigningMethodEdDSA, a.ed, fresh(nil)),
		"of many audiences": sign(t, jwt.SigningMethodEdDSA, a.ed, fresh(jwt.MapClaims{"aud": []string{"other", "fit"}})),
		"just expired":      sign(t, jwt.SigningMethodEdDSA, a.ed, fresh(jwt.MapClaims{"exp": time.Now().Add(-2 * time.Second).Unix()})),
		"issued just ahead": sign(t, jwt.SigningMethodEdDSA, a.ed, fresh(jwt.MapClaims{"iat": time.Now().Add(2 * time.Second).Unix()})),
	} {
		t.Run("OK/"+name, func(t *testing.T) {
			for _, user := range []string{"zoe", "", "whoever"} {
				id, err := tokens.Try(t.Context(), access.Proof{User: user, Secret: token})
				if err != nil || id.UserID != "zoe" || id.Role != access.Trainer || id.By != access.ByToken || !id.Foreign {
					t.Fatalf("got %+v, %v", id, err)
				}
				if !id.Expires.After(time.Now()) || id.Expires.After(time.Now().Add(time.Minute)) {
					t.Errorf("expires %v", id.Expires)
				}
			}
		})
	}
	t.Run("OK/a member unless it says more", func(t *testing.T) {
		id, err := tokens.Verify(sign(t, jwt.SigningMethodEdDSA, a.ed, fresh(jwt.MapClaims{"role": nil})))
		if err != nil || id.Role != access.Member {
			t.Fatalf("got %+v, %v", id, err)
		}
	})
	t.Run("ErrElsewhere", func(t *testing.T) {
		for _, secret := range []string{"", "a password", "eyJ.only", "x.y.z"} {
			if _, err := tokens.Try(t.Context(), access.Proof{User: "ana", Secret: secret}); !errors.Is(err, access.ErrElsewhere) {
				t.Errorf("%q: got %v", secret, err)
			}
		}
	})
}

// TestTokens_Attacks is what must never be let in, each refused for good: no
// method behind may try it.
func TestTokens_Attacks(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	tokens, _ := newTokens(t, a)
	own, _, err := tokens.Issue("ana", time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&a.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := sign(t, jwt.SigningMethodEdDSA, a.ed, fresh(nil))
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	hour := time.Hour
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	ed := func(c jwt.MapClaims) string { return sign(t, jwt.SigningMethodEdDSA, a.ed, fresh(c)) }
	kid := strings.Split(own, ".")[0]
	for name, token := range map[string]string{
		"alg none":                           sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, fresh(nil)),
		"alg None, signature kept":           b64([]byte(`{"alg":"None"}`)) + "." + parts[1] + "." + parts[2],
		"HS256 with the RSA public key, PEM": sign(t, jwt.SigningMethodHS256, pemKey, fresh(nil)),
		"HS256 with the RSA public key, DER": sign(t, jwt.SigningMethodHS256, der, fresh(nil)),
		"HS256 with the Ed25519 public key":  sign(t, jwt.SigningMethodHS256, []byte(a.ed.Public().(ed25519.PublicKey)), fresh(nil)),
		"HS256 with an empty secret":         sign(t, jwt.SigningMethodHS256, []byte{}, fresh(nil)),
		"HS512 with the right secret":        sign(t, jwt.SigningMethodHS512, a.secret, fresh(nil)),
		"PS256 with the right key":           sign(t, jwt.SigningMethodPS256, a.rsa, fresh(nil)),
		"RS512 with the right key":           sign(t, jwt.SigningMethodRS512, a.rsa, fresh(nil)),
		"algorithm swapped in the header":    b64([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + parts[1] + "." + parts[2],
		"another's key":                      sign(t, jwt.SigningMethodEdDSA, stranger.ed, fresh(nil)),
		"another's key under our key id":     kid + "." + parts[1] + "." + parts[2],
		"changed claims":                     parts[0] + "." + b64([]byte(`{"sub":"ana","role":"admin","exp":99999999999}`)) + "." + parts[2],
		"no signature":                       parts[0] + "." + parts[1] + ".",
		"expired":                            ed(jwt.MapClaims{"exp": at(-hour)}),
		"expired over the leeway":            ed(jwt.MapClaims{"exp": at(-7 * time.Second)}),
		"without expiry":                     ed(jwt.MapClaims{"exp": nil}),
		"not valid yet":                      ed(jwt.MapClaims{"nbf": at(hour)}),
		"issued in the future":               ed(jwt.MapClaims{"iat": at(hour)}),
		"wrong audience":                     ed(jwt.MapClaims{"aud": "other"}),
		"no audience":                        ed(jwt.MapClaims{"aud": nil}),
		"wrong issuer":                       ed(jwt.MapClaims{"iss": "other"}),
		"our issuer, another's key":          ed(jwt.MapClaims{"iss": "fitmq", "aud": "fitmq"}),
		"no subject":                         ed(jwt.MapClaims{"sub": nil}),
		"subject with a level":               ed(jwt.MapClaims{"sub": "ana/x"}),
		"subject with a wildcard":            ed(jwt.MapClaims{"sub": "+"}),
		"overlong subject":                   ed(jwt.MapClaims{"sub": strings.Repeat("a", 65)}),
		"the administrator's id as a member": ed(jwt.MapClaims{"sub": "admin", "role": "member"}),
		"unknown role":                       ed(jwt.MapClaims{"role": "root"}),
		"role of another type":               ed(jwt.MapClaims{"role": 1}),
		"too long":                           ed(jwt.MapClaims{"name": strings.Repeat("n", 9000)}),
		"not JSON":                           "eyJ.e30.e30",
	} {
		t.Run("Err/"+name, func(t *testing.T) {
			id, err := tokens.Try(t.Context(), access.Proof{User: "ana", Secret: token})
			if !errors.Is(err, access.ErrBadCredentials) || id != (access.Identity{}) {
				t.Fatalf("got %+v, %v", id, err)
			}
		})
	}
}

func TestTokens_Issue(t *testing.T) {
	a := newAuthority(t)
	tokens, users := newTokens(t, a)
	token, expires, err := tokens.Issue("ana", time.Minute, nil)
	if err != nil || time.Until(expires) > time.Minute || time.Until(expires) < 55*time.Second {
		t.Fatalf("got %v, %v", expires, err)
	}
	id, err := tokens.Verify(token)
	if err != nil || id.UserID != "ana" || id.Foreign || !id.Expires.Equal(expires) {
		t.Fatalf("got %+v, %v", id, err)
	}
	t.Run("ErrTTL", func(t *testing.T) {
		var input *access.InputError
		for _, ttl := range []time.Duration{0, -time.Minute, 31 * 24 * time.Hour} {
			if _, _, err := tokens.Issue("ana", ttl, nil); !errors.As(err, &input) {
				t.Errorf("%v: got %v", ttl, err)
			}
		}
	})
	t.Run("ErrNoUser", func(t *testing.T) {
		if _, _, err := tokens.Issue("nobody", time.Minute, nil); !errors.Is(err, access.ErrNoUser) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ErrAnotherServer", func(t *testing.T) {
		other, _ := newTokens(t, a)
		if _, err := other.Verify(token); !errors.Is(err, access.ErrBadCredentials) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ErrDeleted", func(t *testing.T) {
		if err := users.Delete(t.Context(), "ana"); err != nil {
			t.Fatal(err)
		}
		if _, err := tokens.Verify(token); !errors.Is(err, access.ErrBadCredentials) {
			t.Errorf("got %v", err)
		}
	})
}

func TestNewTokens_ErrWeakKeys(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"secret": []byte("short"), "RSA": &weak.PublicKey, "P-384": &p384.PublicKey, "none": crypto.SHA256} {
		_, own, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := access.NewTokens(access.TokensOptions{Own: own, Keys: []any{key}}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestLoadOrCreateTokenKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, access.TokenKeyFile)
	first, err := access.LoadOrCreateTokenKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	again, err := access.LoadOrCreateTokenKey(dir)
	if err != nil || !first.Equal(again) {
		t.Fatalf("another key the second time: %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := access.LoadOrCreateTokenKey(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := access.LoadOrCreateTokenKey(dir); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("got %v", err)
	}
}

func TestParseKeys(t *testing.T) {
	a := newAuthority(t)
	var all []byte
	for _, k := range a.keys()[1:] {
		der, err := x509.MarshalPKIXPublicKey(k)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	if keys, err := access.ParseKeys(all); err != nil || len(keys) != 3 {
		t.Fatalf("got %d keys, %v", len(keys), err)
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(a.rsa)})
	for _, text := range []string{"", "no pem", string(private)} {
		if _, err := access.ParseKeys([]byte(text)); err == nil {
			t.Errorf("%.20q is taken", text)
		}
	}
}
