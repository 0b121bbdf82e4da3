package gateway

import (
	"errors"
	"net/http"
	"strings"

	"github.com/fitmq/fitmq/access"
)

// signIn returns who asks: by Basic a user, by Bearer the administrator. A
// request without credentials is nobody, where that is open.
func (g *Gateway) signIn(r *http.Request, open bool) (access.Identity, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		if open && g.o.Anonymous {
			return access.Identity{}, nil
		}
		return access.Identity{}, problem(http.StatusUnauthorized, "sign in with Authorization: Basic (user and password) or Bearer (admin token)")
	}
	if user, password, ok := r.BasicAuth(); ok {
		id, err := g.o.Users.Authenticate(r.Context(), user, password)
		if errors.Is(err, access.ErrBadCredentials) {
			return access.Identity{}, problem(http.StatusUnauthorized, "%s", access.ErrBadCredentials)
		}
		return id, err
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return access.Identity{}, problem(http.StatusUnauthorized, "the Authorization header is neither Basic nor Bearer")
	}
	id, ok := g.o.AdminToken.Check(strings.TrimSpace(token))
	if !ok {
		return access.Identity{}, problem(http.StatusUnauthorized, "the token is not valid")
	}
	return id, nil
}

// forbidden is the answer to a right that is missing.
func forbidden(format string, args ...any) error {
	return problem(http.StatusForbidden, format, args...)
}
