package attacks_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
)

const sharedSecret = "a shared secret of thirty-two bytes, and more"

// TestToken: what is no good token is refused over every way to show it, also
// under the name of somebody whom the token is not about; a good one is not.
func TestToken(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := brokertest.Start(t, func(o *broker.Options) {
		c := &o.Config.Tokens
		c.Secret, c.Keys, c.Issuer, c.Audience = sharedSecret, []string{string(public)}, "idp", "fit"
	})
	admin(t, s, "PUT", "/users/ana", `{"role":"member","password":"ana-secret"}`)
	sign := func(m jwt.SigningMethod, key any, change jwt.MapClaims, kid ...string) string {
		t.Helper()
		claims := jwt.MapClaims{"sub": "ana", "iss": "idp", "aud": "fit", "exp": time.Now().Add(time.Hour).Unix()}
		maps.Copy(claims, change)
		tok := jwt.NewWithClaims(m, claims)
		if len(kid) > 0 {
			tok.Header["kid"] = kid[0]
		}
		signed, err := tok.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	hs := func(change jwt.MapClaims) string { return sign(jwt.SigningMethodHS256, []byte(sharedSecret), change) }
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	header := func(h string) string { return base64.RawURLEncoding.EncodeToString([]byte(h)) + "." }
	_, signed, _ := strings.Cut(hs(nil), ".")
	own := strings.TrimSuffix(strings.Split(admin(t, s, "POST", "/tokens", `{"userId":"ana"}`), `"token":"`)[1], `"}`)
	ownHeader, _, _ := strings.Cut(own, ".")
	all := maps.Clone(ways)
	maps.Copy(all, tokenWays)
	for name, tt := range map[string]struct{ token, want string }{
		"a good one of a secret":             {hs(nil), ""},
		"a good one of a key":                {sign(jwt.SigningMethodRS256, key, nil), ""},
		"none":                               {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), refused},
		"none in capitals, a signature kept": {header(`{"alg":"NONE"}`) + signed, refused},
		"none without a signature":           {header(`{"alg":"none"}`) + signed[:strings.Index(signed, ".")] + ".", refused},
		"the public key as the secret":       {sign(jwt.SigningMethodHS256, public, nil), refused},
		"the public key's DER as the secret": {sign(jwt.SigningMethodHS256, der, nil), refused},
		"the algorithm of another key":       {header(`{"alg":"RS256"}`) + signed, refused},
		"a stronger algorithm, unasked for":  {sign(jwt.SigningMethodHS512, []byte(sharedSecret), nil), refused},
		"PSS with the right key":             {sign(jwt.SigningMethodPS256, key, nil), refused},
		"a stranger's key":                   {sign(jwt.SigningMethodEdDSA, stranger, nil), refused},
		"a stranger's key, unknown key id":   {sign(jwt.SigningMethodEdDSA, stranger, nil, "nobody knows"), refused},
		"a stranger's key, our key id":       {ownHeader + "." + strings.SplitN(sign(jwt.SigningMethodEdDSA, stranger, jwt.MapClaims{"iss": "fitmq", "aud": "fitmq"}), ".", 2)[1], refused},
		"our issuer by another's secret":     {hs(jwt.MapClaims{"iss": "fitmq", "aud": "fitmq"}), refused},
		"expired":                            {hs(jwt.MapClaims{"exp": at(-time.Hour)}), refused},
		"not yet valid":                      {hs(jwt.MapClaims{"nbf": at(time.Hour)}), refused},
		"issued in the future":               {hs(jwt.MapClaims{"iat": at(time.Hour)}), refused},
		"for another audience":               {hs(jwt.MapClaims{"aud": "shop"}), refused},
		"of another issuer":                  {hs(jwt.MapClaims{"iss": "other"}), refused},
		"for the administrator":              {hs(jwt.MapClaims{"sub": "admin"}), refused},
		"for a filter":                       {hs(jwt.MapClaims{"sub": "+"}), refused},
		"for nobody":                         {hs(jwt.MapClaims{"sub": ""}), refused},
		"of a role that is none":             {hs(jwt.MapClaims{"role": "root"}), refused},
		"with a malformed fit":               {hs(jwt.MapClaims{"fit": "#"}), refused},
		"oversized":                          {hs(jwt.MapClaims{"name": strings.Repeat("n", 9000)}), refused},
		"cut":                                {own[:len(own)-2], refused},
	} {
		for way, try := range all {
			for _, user := range []string{"ana", "admin", "nobody"} {
				if got := try(t, s, user, tt.token); got != tt.want {
					t.Errorf("%s, by %s as %s: got %q, want %q", name, way, user, got, tt.want)
				}
			}
		}
	}
}
