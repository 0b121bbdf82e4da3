package gateway

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
)

// request is a request with who asks.
type request struct {
	*http.Request
	id access.Identity
}

// actor is who asks, as the engine knows it.
func (r request) actor() engine.Actor {
	return engine.Actor{UserID: r.id.UserID, Role: string(r.id.Role)}
}

// operator reports whether an administrator or a service asks.
func (r request) operator() bool { return r.id.Role == access.Admin || r.id.Role == access.Service }

// reply is a successful answer; without a body it is 204.
type reply struct {
	status int // 0 means 200
	body   any
}

// done is the answer to a change that has nothing to show.
var done = reply{status: http.StatusNoContent}

// saved is the answer to a PUT.
func saved(body any, created bool) reply {
	if created {
		return reply{status: http.StatusCreated, body: body}
	}
	return reply{body: body}
}

// call answers one kind of request. Its error is translated by problemOf.
type call func(request) (reply, error)

// route is a pattern of http.ServeMux below apiPrefix, and what answers it.
type route struct {
	pattern string
	call    call
}

// apiRoutes maps the resources of the REST interface.
func (g *Gateway) apiRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	raw := map[string]http.HandlerFunc{"GET /openapi.json": g.serveOpenAPI, "GET /docs": g.serveDocs}
	routes := []route{
		{"GET /me", g.me},
		{"GET /users", g.listUsers}, {"GET /users/{id}", g.getUser}, {"PUT /users/{id}", g.putUser}, {"DELETE /users/{id}", g.deleteUser},
		{"GET /links/{trainer}/{client}", g.getLink}, {"PUT /links/{trainer}/{client}", g.putLink}, {"DELETE /links/{trainer}/{client}", g.deleteLink},
		{"GET /sessions", g.listSessions}, {"GET /sessions/{id}", g.getSession}, {"PUT /sessions/{id}", g.putSession}, {"DELETE /sessions/{id}", g.deleteSession},
		{"GET /sessions/{id}/members", g.listMembers}, {"PUT /sessions/{id}/members/{user}", g.putMember}, {"DELETE /sessions/{id}/members/{user}", g.deleteMember},
		{"POST /sessions/{id}/control", g.control},
		{"GET /challenges", g.listChallenges}, {"GET /challenges/{id}", g.getChallenge}, {"PUT /challenges/{id}", g.putChallenge}, {"DELETE /challenges/{id}", g.deleteChallenge},
		{"GET /challenges/{id}/participants", g.listParticipants}, {"PUT /challenges/{id}/participants/{user}", g.putParticipant}, {"DELETE /challenges/{id}/participants/{user}", g.deleteParticipant},
		{"DELETE /challenges/{id}/activities/{user}/{activity}", g.withdrawActivity},
		{"GET /challenges/{id}/leaderboard", g.leaderboard}, {"GET /challenges/{id}/periods", g.listPeriods}, {"POST /challenges/{id}/rebuild", g.rebuildChallenge},
		{"GET /challenges/{id}/activities/{user}", g.listActivitiesOf},
		{"GET /challenges/{id}/activities", g.listActivities}, {"PUT /challenges/{id}/activities/{user}/{activity}/review", g.reviewActivity},
	}
	routes = append(routes, g.chatRoutes()...)
	routes = append(routes, g.peopleRoutes()...)
	routes = append(routes, g.workoutRoutes()...)
	routes = append(routes, g.consoleRoutes()...)
	routes = append(routes, g.traceRoutes()...)
	if g.o.Publisher != nil {
		routes = append(routes, route{"POST /publish", g.publish})
	}
	if g.o.Tokens != nil {
		routes = append(routes, route{"POST /tokens", g.issueToken})
	}
	if g.o.Devices != nil {
		routes = append(routes, route{"GET /users/{id}/devices", g.listDevices},
			route{"PUT /users/{id}/devices/{device}", g.putDevice}, route{"DELETE /users/{id}/devices/{device}", g.deleteDevice})
	}
	if g.o.Retained != nil {
		routes = append(routes, route{"GET /retained", g.retained})
	}
	if g.o.Streams != nil {
		routes = append(routes, route{"POST /ack", g.ack}, route{"POST /subscribe", g.subscribe}, route{"POST /unsubscribe", g.unsubscribe})
		raw["GET /events"] = g.events
	}
	if g.o.Backup != nil {
		raw["GET /backup"] = g.backup
	}
	for _, one := range routes {
		_, path, _ := strings.Cut(one.pattern, " ")
		raw[one.pattern] = g.answer(apiPrefix+path, one.call)
	}
	for pattern, handler := range raw {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+apiPrefix+path, handler)
	}
	g.patterns = slices.SortedFunc(maps.Keys(raw), byPath)
	return mux
}

// byPath sorts patterns by their paths, then by their methods.
func byPath(a, b string) int {
	methodA, pathA, _ := strings.Cut(a, " ")
	methodB, pathB, _ := strings.Cut(b, " ")
	return cmp.Or(cmp.Compare(pathA, pathB), cmp.Compare(methodA, methodB))
}

const apiPrefix = "/api/v1"

// openPaths may be asked without credentials where Options.Anonymous says so, and
// with a token that narrows itself to topics: the policy judges who may do what
// there.
var openPaths = map[string]bool{
	apiPrefix + "/publish": true, apiPrefix + "/retained": true,
	apiPrefix + "/ack": true, apiPrefix + "/subscribe": true, apiPrefix + "/unsubscribe": true,
}

// traffic are the paths whose POST is a client's everyday work, and nothing that
// is changed.
var traffic = map[string]bool{
	apiPrefix + "/publish": true, apiPrefix + "/ack": true,
	apiPrefix + "/subscribe": true, apiPrefix + "/unsubscribe": true,
}

// serveAPI answers what is below /api/. What no route takes becomes a problem
// with a hint.
func (g *Gateway) serveAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, pattern := g.api.Handler(r); pattern != "" {
		g.api.ServeHTTP(w, r)
		return
	}
	var unrouted headerOnly
	g.api.ServeHTTP(&unrouted, r)
	if unrouted.status == http.StatusMethodNotAllowed {
		p := problem(http.StatusMethodNotAllowed, "%s is not possible here", clip(r.Method))
		p.allow = unrouted.Header().Get("Allow")
		p.write(w)
		return
	}
	hint := apiPrefix + "/docs lists what there is"
	if rest, ok := strings.CutPrefix(r.URL.Path, "/api/"); ok && !strings.HasPrefix(r.URL.Path, apiPrefix+"/") {
		hint = "the interface is below " + apiPrefix + ": try " + apiPrefix + "/" + clip(strings.TrimPrefix(rest, "v1"))
	}
	problem(http.StatusNotFound, "nothing is at %s; %s", clip(r.URL.Path), hint).write(w)
}

// headerOnly takes the mux's own answer apart, which is not in our form.
type headerOnly struct {
	header http.Header
	status int
}

// Header returns what the mux sets.
func (h *headerOnly) Header() http.Header {
	if h.header == nil {
		h.header = http.Header{}
	}
	return h.header
}

// WriteHeader keeps the status.
func (h *headerOnly) WriteHeader(status int) { h.status = status }

// Write passes over the text.
func (h *headerOnly) Write(b []byte) (int, error) { return len(b), nil }

// audit writes who did what, or may not.
func (g *Gateway) audit(r request, event string, status int, reason string) {
	g.o.Audit.Write(access.Event{
		Event: event, User: r.id.UserID, Role: r.id.Role, By: r.id.By, Device: r.id.Device, Remote: r.RemoteAddr,
		Via: "http", Action: r.Method, Target: r.URL.Path, Status: status, Reason: reason,
	})
}

// logFailure tells operators what a client is only told to be internal.
func (g *Gateway) logFailure(r request, p *Problem, err error) {
	switch {
	case p.Status == http.StatusInternalServerError:
		g.log.Error("request failed", "user", r.id.UserID, "method", r.Method, "path", r.URL.Path, "error", err)
	case fitness.KindOf(err) == fitness.Unavailable || p.Status == http.StatusServiceUnavailable && !errors.Is(err, context.Canceled):
		g.log.Warn("request could not be served", "user", r.id.UserID, "method", r.Method, "path", r.URL.Path, "error", err)
	default:
		g.log.Debug("request refused", "user", r.id.UserID, "method", r.Method, "path", r.URL.Path, "status", p.Status, "reason", p.Detail)
	}
}

// recovering keeps one request's panic from ending the others.
func (g *Gateway) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			what := recover()
			if what == nil {
				return
			}
			if err, ok := what.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(what) // net/http's own way to give up a response
			}
			g.metrics.panicked()
			g.log.Error("panic in a request", "method", r.Method, "path", r.URL.Path, "panic", what, "stack", string(debug.Stack()))
			problem(http.StatusInternalServerError, "internal error").write(w)
		}()
		next.ServeHTTP(w, r)
	})
}
