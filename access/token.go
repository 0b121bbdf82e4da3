package access

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fitmq/fitmq/topics"
)

// TokenIssuer is the `iss` and the `aud` of the tokens that this server signs.
const TokenIssuer = "fitmq"

// Bounds of the tokens that this server signs.
const (
	MinTokenTTL = time.Second
	MaxTokenTTL = 30 * 24 * time.Hour
)

// maxToken bounds a token in bytes: it is parsed before it is known to be
// anybody's.
const maxToken = 8 << 10

// algorithms are those that are accepted, each by its own type of key alone.
var algorithms = []string{"HS256", "RS256", "ES256", "EdDSA"}

// TokensOptions sets up [NewTokens].
type TokensOptions struct {
	// Users decides about the users of this server's own tokens; required.
	Users *Users
	// Own signs this server's tokens; required.
	Own ed25519.PrivateKey
	// Keys verify tokens of others: []byte for HS256 (at least 32 bytes),
	// *rsa.PublicKey for RS256 (at least 2048 bits), *ecdsa.PublicKey on P-256
	// for ES256, ed25519.PublicKey for EdDSA. [ParseKeys] reads them.
	Keys []any
	// Set gives further keys of others; nil for none.
	Set *KeySet
	// Issuer and Audience are what a token of others must name; "" for any.
	Issuer, Audience string
	// Leeway allows for clocks that differ, in exp, nbf and iat.
	Leeway time.Duration
	// RequireUser refuses tokens of others for users whom the store does not know.
	RequireUser bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Tokens verifies JSON Web Tokens and issues this server's own. Safe for
// concurrent use.
type Tokens struct {
	o              TokensOptions
	kid            string // of Own
	mine, foreigns *jwt.Parser
}

// claims are what a token says.
type claims struct {
	Role Role   `json:"role,omitempty"`
	Name string `json:"name,omitempty"`
	// Fit is the grants; see [Grants].
	Fit json.RawMessage `json:"fit,omitempty"`
	jwt.RegisteredClaims
}

// NewTokens returns a verifier. The error names a key that is too weak.
func NewTokens(o TokensOptions) (*Tokens, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, k := range o.Keys {
		if err := checkKey(k); err != nil {
			return nil, err
		}
	}
	t := &Tokens{o: o, kid: keyID(o.Own.Public().(ed25519.PublicKey))}
	common := []jwt.ParserOption{jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(o.Leeway), jwt.WithTimeFunc(o.Now)}
	t.mine = jwt.NewParser(append(common, jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithIssuer(TokenIssuer), jwt.WithAudience(TokenIssuer))...)
	common = append(common[:len(common):len(common)], jwt.WithValidMethods(algorithms))
	if o.Issuer != "" {
		common = append(common, jwt.WithIssuer(o.Issuer))
	}
	if o.Audience != "" {
		common = append(common, jwt.WithAudience(o.Audience))
	}
	t.foreigns = jwt.NewParser(common...)
	return t, nil
}

// looksLikeToken reports whether the secret has a token's form: three parts, the
// first of which begins a JSON object in base64url.
func looksLikeToken(s string) bool { return strings.HasPrefix(s, "eyJ") && strings.Count(s, ".") == 2 }

// Try implements [Method]. A bearer secret is a token or nothing; of passwords,
// what has a token's form is nothing else. The user name may be anything.
func (t *Tokens) Try(ctx context.Context, p Proof) (Identity, error) {
	if !looksLikeToken(p.Secret) && !p.Bearer {
		return Identity{}, ErrElsewhere
	}
	return t.verify(ctx, p.Secret, true)
}

// Verify is [Tokens.Try] for a bare token without asking the network: a key that
// is not known yet is fetched in the background for the next attempt. The error
// is ErrBadCredentials with the cause.
func (t *Tokens) Verify(token string) (Identity, error) {
	return t.verify(context.Background(), token, false)
}

func (t *Tokens) verify(ctx context.Context, token string, fetch bool) (Identity, error) {
	if len(token) > maxToken {
		return Identity{}, fmt.Errorf("%w: the token is longer than %d bytes", ErrBadCredentials, maxToken)
	}
	var c claims
	peek, _, err := t.foreigns.ParseUnverified(token, &claims{})
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrBadCredentials, err)
	}
	mine := peek.Header["kid"] == t.kid
	if mine {
		_, err = t.mine.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return t.o.Own.Public(), nil })
	} else {
		_, err = t.foreigns.ParseWithClaims(token, &c, func(tok *jwt.Token) (any, error) { return t.keysFor(ctx, tok, fetch) })
	}
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrBadCredentials, err)
	}
	return t.identity(&c, mine)
}

// keysFor returns the keys that may have signed the token: the type of a key
// alone decides its algorithm, so that none is ever used as another's.
func (t *Tokens) keysFor(ctx context.Context, tok *jwt.Token, fetch bool) (any, error) {
	alg := tok.Method.Alg()
	var set jwt.VerificationKeySet
	for _, k := range t.o.Keys {
		if keyAlgorithm(k) == alg {
			set.Keys = append(set.Keys, k)
		}
	}
	if _, named := tok.Header["kid"]; t.o.Set != nil && (named || len(set.Keys) == 0) {
		more, err := t.o.Set.keys(ctx, tok, fetch)
		if err != nil && len(set.Keys) == 0 {
			return nil, err
		}
		for _, k := range more {
			if keyAlgorithm(k) == alg && checkKey(k) == nil {
				set.Keys = append(set.Keys, k)
			}
		}
	}
	if len(set.Keys) == 0 {
		return nil, errors.New("no key for this token")
	}
	return set, nil
}

// identity judges the claims of a token whose signature is right.
func (t *Tokens) identity(c *claims, mine bool) (Identity, error) {
	refuse := func(why string) (Identity, error) { return Identity{}, fmt.Errorf("%w: %s", ErrBadCredentials, why) }
	if !topics.ValidID(c.Subject) {
		return refuse("sub is not a user id")
	}
	id := Identity{UserID: c.Subject, Name: c.Name, Role: c.Role, By: ByToken, Expires: c.ExpiresAt.Time, Foreign: !mine && !t.o.RequireUser}
	if id.Role == "" {
		id.Role = Member
	}
	if !id.Role.Valid() {
		return refuse("role is not member, trainer, service or admin")
	}
	if id.UserID == AdminUserID && id.Role != Admin {
		return refuse("sub is the administrator's id, role is not")
	}
	var err error
	if id.Grants, err = parseGrants(c.Fit); err != nil {
		return refuse(err.Error())
	}
	if id.Name == "" || len(id.Name) > 4*MaxName || hasControl(id.Name) {
		id.Name = id.UserID
	}
	if !t.o.Now().Before(id.Expires) {
		id.Expires = id.Expires.Add(t.o.Leeway) // it was let in by the leeway, and has no more than that
	}
	if mine {
		// A user who was deleted and made anew has nothing of the old one.
		a := t.o.Users.account(id.UserID)
		if a == nil || c.IssuedAt == nil || c.IssuedAt.Add(time.Second).Before(a.CreatedAt) {
			return refuse("the user is gone")
		}
	}
	return id, nil
}

// Issue signs a token for a user of the store, who is judged by the store's
// record whenever the token is used. Grants, unless nil, narrow what it is good
// for. Errors: [*InputError] for a ttl outside MinTokenTTL to MaxTokenTTL and for
// grants that cannot be, [ErrNoUser].
func (t *Tokens) Issue(user string, ttl time.Duration, grants *Grants) (token string, expires time.Time, err error) {
	if ttl < MinTokenTTL || ttl > MaxTokenTTL {
		return "", time.Time{}, &InputError{fmt.Sprintf("ttl %s is not %s to %s", ttl, MinTokenTTL, MaxTokenTTL)}
	}
	var fit json.RawMessage
	if grants != nil {
		if err := grants.Validate(); err != nil {
			return "", time.Time{}, err
		}
		if fit, err = json.Marshal(grants); err != nil {
			return "", time.Time{}, fmt.Errorf("encode grants: %w", err)
		}
	}
	u, err := t.o.Users.Get(user)
	if err != nil {
		return "", time.Time{}, err
	}
	if u.Disabled {
		return "", time.Time{}, &InputError{fmt.Sprintf("user %s is disabled: a token would let nobody in", u.ID)}
	}
	now := t.o.Now().UTC()
	expires = now.Add(ttl).Truncate(time.Second)
	c := claims{Role: u.Role, Name: u.Name, Fit: fit, RegisteredClaims: jwt.RegisteredClaims{
		Issuer: TokenIssuer, Audience: jwt.ClaimStrings{TokenIssuer}, Subject: u.ID,
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
	}}
	tok := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	tok.Header["kid"] = t.kid
	token, err = tok.SignedString(t.o.Own)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign token: %w", err)
	}
	return token, expires, nil
}

var _ Method = (*Tokens)(nil)
