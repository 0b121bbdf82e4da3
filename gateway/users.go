package gateway

import (
	"fmt"
	"net/http"

	"github.com/fitmq/fitmq/access"
)

// list is the shape of every collection.
type list[T any] struct {
	Items []T `json:"items"`
	// Next is what to pass as ?after= for the next page; absent at the end.
	Next string `json:"next,omitempty"`
}

func newList[T any](items []T, next string) list[T] {
	if items == nil {
		items = []T{} // [] and not null
	}
	return list[T]{items, next}
}

// whoami is the answer of GET /me.
type whoami struct {
	UserID string      `json:"userId"`
	Name   string      `json:"name"`
	Role   access.Role `json:"role"`
}

// me answers who the credentials stand for.
func (g *Gateway) me(r request) (reply, error) {
	return reply{body: whoami{r.id.UserID, r.id.Name, r.id.Role}}, nil
}

func (g *Gateway) listUsers(r request) (reply, error) {
	if !r.operator() {
		return reply{}, forbidden("users: only administrators and services may list them")
	}
	after, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	search, err := searched(r)
	if err != nil {
		return reply{}, err
	}
	if search == "" {
		return reply{body: newList(g.o.Users.List(after, limit))}, nil
	}
	return reply{body: newList(g.o.Users.Search(search, after, limit))}, nil
}

// maxSearch bounds what is searched for, in bytes.
const maxSearch = 256

// searched reads ?search=, which may be missing.
func searched(r request) (string, error) {
	text := r.URL.Query().Get("search")
	if len(text) > maxSearch {
		return "", faulty(http.StatusBadRequest, []Fault{{Detail: fmt.Sprintf("search has %d bytes, the limit is %d", len(text), maxSearch), Parameter: "search"}})
	}
	return text, nil
}

func (g *Gateway) getUser(r request) (reply, error) {
	id := r.PathValue("id")
	if !r.operator() && id != r.id.UserID {
		return reply{}, forbidden("user %s: only that user, administrators and services may", quote(id))
	}
	user, err := g.o.Users.Get(id)
	return reply{body: user}, err
}

// userBody is the body of PUT /users/{id}.
type userBody struct {
	Name     string      `json:"name"`
	Role     access.Role `json:"role"`
	Password *string     `json:"password"`
	Disabled bool        `json:"disabled"`
}

func (g *Gateway) putUser(r request) (reply, error) {
	id := r.PathValue("id")
	if err := g.mayChangeUser(r, id); err != nil {
		return reply{}, err
	}
	var b userBody
	if err := readBody(r.Request, &b); err != nil {
		return reply{}, err
	}
	if b.Role == access.Admin && r.id.Role != access.Admin {
		return reply{}, forbidden("user %s: only an administrator may make administrators", quote(id))
	}
	if r.himself(id) && (b.Disabled || b.Role != r.id.Role) {
		return reply{}, problem(http.StatusConflict, "user %s is you: you cannot take your own role or disable yourself; another administrator can", quote(id))
	}
	user, created, err := g.o.Users.Put(r.Context(), id, access.UserSpec{Name: b.Name, Role: b.Role, Password: b.Password, Disabled: b.Disabled})
	return saved(user, created), err
}

func (g *Gateway) deleteUser(r request) (reply, error) {
	id := r.PathValue("id")
	if err := g.mayChangeUser(r, id); err != nil {
		return reply{}, err
	}
	if r.himself(id) {
		return reply{}, problem(http.StatusConflict, "user %s is you: you cannot delete yourself; another administrator can", quote(id))
	}
	return done, g.o.Users.Delete(r.Context(), id)
}

// himself reports whether the user is who asks. The administrator's token is
// nobody's account.
func (r request) himself(id string) bool {
	return r.id.UserID == id && r.id.By != access.ByAdminToken
}

// mayChangeUser lets administrators change everybody and services everybody but
// administrators, so that a backend's credentials are not worth an administrator's.
func (g *Gateway) mayChangeUser(r request, id string) error {
	if !r.operator() {
		return forbidden("user %s: only administrators and services may change users", quote(id))
	}
	if user, err := g.o.Users.Get(id); err == nil && user.Role == access.Admin && r.id.Role != access.Admin {
		return forbidden("user %s: only an administrator may change administrators", quote(id))
	}
	return nil
}

// getLink answers whether the two are linked, to the two and to operators.
func (g *Gateway) getLink(r request) (reply, error) {
	trainer, client := r.PathValue("trainer"), r.PathValue("client")
	if !r.operator() && r.id.UserID != trainer && r.id.UserID != client {
		return reply{}, forbidden("link %s: only the two, administrators and services may", quote(trainer+"/"+client))
	}
	if !g.o.Engine.Linked(trainer, client) {
		return reply{}, problem(http.StatusNotFound, "%s has no client %s", quote(trainer), quote(client))
	}
	return reply{body: link{trainer, client}}, nil
}

// link is a trainer's link to a client.
type link struct {
	TrainerID string `json:"trainerId"`
	ClientID  string `json:"clientId"`
}

func (g *Gateway) putLink(r request) (reply, error) {
	if err := emptyBody(r.Request); err != nil {
		return reply{}, err
	}
	trainer, client := r.PathValue("trainer"), r.PathValue("client")
	created := !g.o.Engine.Linked(trainer, client)
	err := g.o.Engine.PutLink(r.Context(), r.actor(), trainer, client)
	return saved(link{trainer, client}, created), err
}

func (g *Gateway) deleteLink(r request) (reply, error) {
	return done, g.o.Engine.DeleteLink(r.Context(), r.actor(), r.PathValue("trainer"), r.PathValue("client"))
}

// emptyBody accepts no body, or {}: what some resources are made of.
func emptyBody(r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	return readBody(r, &struct{}{})
}
