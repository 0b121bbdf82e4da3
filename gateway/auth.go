package gateway

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/fitmq/fitmq/access"
)

// signIn returns who asks: by Basic a user or a device, by Bearer a token, and by
// a client certificate alone its user. A request without any of it is nobody,
// where that is open.
func (g *Gateway) signIn(r *http.Request, open bool) (access.Identity, error) {
	header := r.Header.Get("Authorization")
	proof := access.Proof{Remote: r.RemoteAddr, Via: "http"}
	if r.TLS != nil {
		proof.Certified, proof.Subject = access.CertificateSubject(r.TLS)
		if proof.Certified && g.o.Revoked != nil && g.o.Revoked(r.TLS) {
			return access.Identity{}, problem(http.StatusUnauthorized, "the client certificate is revoked")
		}
	}
	if header == "" && !proof.Certified {
		if open && g.o.Anonymous {
			return access.Identity{}, nil
		}
		return access.Identity{}, problem(http.StatusUnauthorized, "sign in with Authorization: Basic (user and password) or Bearer (a token)")
	}
	if header == "" {
		// A browser shows its certificate to every page's requests, whoever wrote
		// the page.
		if err := http.NewCrossOriginProtection().Check(r); err != nil {
			return access.Identity{}, forbidden("a page of another origin may change nothing by this browser's certificate")
		}
	} else if user, password, ok := r.BasicAuth(); ok {
		proof.User, proof.Secret = user, password
	} else {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return access.Identity{}, problem(http.StatusUnauthorized, "the Authorization header is neither Basic nor Bearer")
		}
		proof.Secret, proof.Bearer = strings.TrimSpace(token), true
	}
	id, err := g.o.Door.SignIn(r.Context(), proof)
	var wait *access.ThrottledError
	switch {
	case errors.Is(err, access.ErrBadCredentials) && header == "":
		return access.Identity{}, problem(http.StatusUnauthorized, "the client certificate is not that of a user")
	case errors.Is(err, access.ErrBadCredentials) && proof.Bearer:
		return access.Identity{}, problem(http.StatusUnauthorized, "the token is not valid")
	case errors.Is(err, access.ErrBadCredentials):
		return access.Identity{}, problem(http.StatusUnauthorized, "%s", access.ErrBadCredentials)
	case errors.As(err, &wait):
		p := problem(http.StatusTooManyRequests, "%s", wait)
		p.retryAfter = strconv.Itoa(int(math.Ceil(wait.After.Seconds())))
		return access.Identity{}, p
	}
	return id, err
}

// deviceMay keeps devices to reading and publishing; what they may read and
// publish the policy and the resources say.
func deviceMay(r request, route string) error {
	switch {
	case r.id.Device == "", r.Method == http.MethodGet, r.Method == http.MethodHead, traffic[route]:
		return nil
	}
	return forbidden("a device may read and publish: sign in as its user to change anything")
}

// grantsMay keeps a token that says what it may publish and subscribe to what the
// policy judges by it, and to telling whose it is.
func grantsMay(r request, route string) error {
	if r.id.Grants == nil || openPaths[route] || route == apiPrefix+"/me" && r.Method == http.MethodGet {
		return nil
	}
	return forbidden("the token is for topics only: sign in with one without fit")
}

// forbidden is the answer to a right that is missing.
func forbidden(format string, args ...any) error {
	return problem(http.StatusForbidden, format, args...)
}
