package gateway

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/fitmq/fitmq/access"
)

// tokenBody is the body of POST /tokens.
type tokenBody struct {
	UserID string `json:"userId"`
	TTL    ttl    `json:"ttl"`
	// Fit narrows what the token is good for.
	Fit *access.Grants `json:"fit"`
}

// issuedToken is the answer.
type issuedToken struct {
	Token     string    `json:"token"`
	UserID    string    `json:"userId"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// ttl is how long a token lives: a number of seconds, or a text like "15m".
type ttl time.Duration

// defaultTTL is the life of a token for which nobody said how long.
const defaultTTL = 15 * time.Minute

// UnmarshalJSON implements json.Unmarshaler.
func (t *ttl) UnmarshalJSON(data []byte) error {
	const form = "ttl %s is neither a number of seconds nor a text like \"15m\""
	var seconds float64
	if json.Unmarshal(data, &seconds) == nil {
		if seconds > access.MaxTokenTTL.Seconds() || seconds < 0 {
			seconds = -1 // out of any range, and no overflow: the issuer says which it is
		}
		*t = ttl(seconds * float64(time.Second))
		return nil
	}
	var word string
	if err := json.Unmarshal(data, &word); err != nil {
		return problem(http.StatusUnprocessableEntity, form, clip(string(data)))
	}
	d, err := time.ParseDuration(word)
	if err != nil {
		return problem(http.StatusUnprocessableEntity, form, quote(word))
	}
	*t = ttl(d)
	return nil
}

// issueToken signs a token: for anybody where an administrator asks, for all but
// administrators where a service asks, and for oneself. Who came with a token or
// as a device gets none: a stolen one would live for ever.
func (g *Gateway) issueToken(r request) (reply, error) {
	b := tokenBody{TTL: ttl(defaultTTL)}
	if err := readBody(r.Request, &b); err != nil {
		return reply{}, err
	}
	switch {
	case r.operator():
		if err := g.mayChangeUser(r, b.UserID); err != nil {
			return reply{}, err
		}
	case b.UserID != r.id.UserID:
		return reply{}, forbidden("token for %s: only that user, administrators and services may have it", quote(b.UserID))
	case r.id.By != access.ByPassword:
		return reply{}, forbidden("token for %s: sign in with the password for it", quote(b.UserID))
	}
	token, expires, err := g.o.Tokens.Issue(b.UserID, time.Duration(b.TTL), b.Fit)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, body: issuedToken{token, b.UserID, expires}}, nil
}

// mayChangeDevices lets users manage their own devices, and others those of
// whom they may change.
func (g *Gateway) mayChangeDevices(r request, id string) error {
	if id == r.id.UserID {
		return nil
	}
	return g.mayChangeUser(r, id)
}

func (g *Gateway) listDevices(r request) (reply, error) {
	id := r.PathValue("id")
	if err := g.mayChangeDevices(r, id); err != nil {
		return reply{}, err
	}
	devices, err := g.o.Devices.Devices(id)
	if err != nil {
		return reply{}, err
	}
	return pageOf(r, devices, func(d access.Device) string { return d.Name })
}

// deviceSecret is the answer of PUT /users/{id}/devices/{device}.
type deviceSecret struct {
	UserID string `json:"userId"`
	Name   string `json:"name"`
	Secret string `json:"secret"`
}

// putDevice answers with the secret, this once.
func (g *Gateway) putDevice(r request) (reply, error) {
	id, name := r.PathValue("id"), r.PathValue("device")
	if err := g.mayChangeDevices(r, id); err != nil {
		return reply{}, err
	}
	if err := emptyBody(r.Request); err != nil {
		return reply{}, err
	}
	secret, created, err := g.o.Devices.PutDevice(r.Context(), id, name)
	return saved(deviceSecret{id, name, secret}, created), err
}

func (g *Gateway) deleteDevice(r request) (reply, error) {
	id := r.PathValue("id")
	if err := g.mayChangeDevices(r, id); err != nil {
		return reply{}, err
	}
	return done, g.o.Devices.DeleteDevice(r.Context(), id, r.PathValue("device"))
}
