package gateway

import (
	"maps"
	"net/http"
	"strings"
)

// parameter is what the description says of a path's or a query's parameter.
type parameter struct {
	about   string
	example any
	schema  m
}

var (
	text     = m{"type": "string"}
	idSchema = m{"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
	flag     = m{"type": "boolean"}
)

func number(low, high int) m { return m{"type": "integer", "minimum": low, "maximum": high} }

// pathWords describe the parameters of paths; an operation's own stand before, by
// the first part of the path.
var pathWords = map[string]parameter{
	"users/id":         {"the user's id", "ana", idSchema},
	"sessions/id":      {"the session's id", "legs", idSchema},
	"challenges/id":    {"the challenge's id", "june", idSchema},
	"conversations/id": {"the conversation's id: a group's, or of two users the ids in byte order with a point between", "ana.ben", m{"type": "string", "maxLength": 129}},
	"me/id":            {"the notification's messageId", "plan-5", text},
	"user":             {"a user's id", "ana", idSchema},
	"trainer":          {"the trainer's user id", "tess", idSchema},
	"client":           {"the client's user id", "ana", idSchema},
	"device":           {"the device's name", "watch", idSchema},
	"activity":         {"the activity's id", "run-7", m{"type": "string", "maxLength": 64}},
	"partner":          {"the partnerId of a proposal or a match", "p4kd0c", text},
	"webhook":          {"the webhook's name in the configuration", "push", text},
	"clientId":         {"an MQTT client id", "phone", m{"type": "string", "minLength": 1, "maxLength": maxClientID}},
	"messageId":        {"the messageId, or an activity's id", "plan-5", text},
}

// queryWords describe the parameters of queries; an operation's own stand before,
// by its pattern.
var queryWords = map[string]parameter{
	"after":     {"the next of the page before", "ana", text},
	"limit":     {"how many at most", defaultPage, m{"type": "integer", "minimum": 1, "maximum": maxPage, "default": defaultPage}},
	"search":    {"only what has this in its id, user or address (clients), or in its name or at the beginning of its id (users), whatever the case", "ana", m{"type": "string", "maxLength": maxSearch}},
	"connected": {"only clients that are connected, or only those that are not", true, flag},
	"sort": {"by id, by user, the latest to come or go first, or those for whom most waits first", "since",
		m{"type": "string", "enum": words(clientSorts...), "default": clientSorts[0]}},
	"by":          {"what counts", "messages", m{"type": "string", "enum": words(queueSorts...), "default": queueSorts[0]}},
	"order":       {"those with the most participants first, or the latest changed", "updated", m{"type": "string", "enum": words(boardSorts...), "default": boardSorts[0]}},
	"session":     {"discard the session, too", true, flag},
	"trainer":     {"whose clients", "tess", idSchema},
	"unread":      {"only those that are not read", true, flag},
	"flagged":     {"only what looks odd", true, flag},
	"offset":      {"from which place on, the first being 0", 25, number(0, 1<<31-1)},
	"around":      {"the part of the board that has this user in its middle", "ana", idSchema},
	"period":      {"an older board of a repeating challenge", "2026-05-04", text},
	"topic":       {"where to look, in place of chat and notifications: a topic or a filter", "challenge/june/activity", text},
	"filter":      {"an MQTT filter", "challenge/june/info", text},
	"clientId":    {"the MQTT client whose session it is; without one a session begins that ends with the stream", "phone", m{"type": "string", "minLength": 1, "maxLength": maxClientID}},
	"qos":         {"of the given filters; without it new ones get 1 and others keep theirs", 1, number(0, 2)},
	"expiry":      {"how long a new session is kept after the stream, in seconds", 3600, m{"type": "integer", "minimum": 0, "maximum": 1<<31 - 1, "default": defaultExpiry}},
	"lastEventId": {"as the header Last-Event-ID, for who cannot send one", "dbb8e9mp7jls-2a", text},

	"GET /events filter":                     {"what the session shall have, and nothing else; without any it keeps its own", []string{"session/legs/#", "user/ana/#"}, m{"type": "array", "items": text, "maxItems": maxStreamFilters}},
	"GET /clients/{clientId}/trace after":    {"the next of the answer before", 42, m{"type": "integer", "minimum": 0}},
	"GET /conversations/{id}/messages after": {"only what has a higher seq; the lowest first", 0, m{"type": "integer", "minimum": 0}},
	"GET /sessions/{id}/messages after":      {"only what has a higher seq; the lowest first", 0, m{"type": "integer", "minimum": 0}},
	"before":                                 {"only what has a lower seq; the highest of these", 120, m{"type": "integer", "minimum": 1}},
	"GET /challenges/{id}/leaderboard after": {"the next of the page before; excludes offset and around", "25", text},
}

// parameters lists the operation's.
func (o operation) parameters(method, path string) []any {
	var list []any
	add := func(name, in string, p parameter, required bool) {
		one := m{"name": name, "in": in, "schema": p.schema, "description": p.about}
		if p.example != nil {
			one["example"] = p.example
		}
		if required {
			one["required"] = true
		}
		list = append(list, one)
	}
	first := strings.SplitN(path, "/", 3)[1]
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			p, known := pathWords[first+"/"+name]
			if !known {
				p = pathWords[name]
			}
			add(name, "path", p, true)
		}
	}
	for _, name := range o.query {
		p, known := queryWords[method+" "+path+" "+name]
		if !known {
			p = queryWords[name]
		}
		add(name, "query", p, path == "/links" && name == "trainer" || path == "/retained" && name == "filter")
	}
	switch {
	case o.public:
	case path == "/events":
		add("Last-Event-ID", "header", parameter{"the last event that the client has: it and all before are confirmed", "dbb8e9mp7jls-2a", text}, false)
	case o.conditional(method):
		add("If-None-Match", "header", parameter{"an ETag that the client has: what it names is not sent again", nil, text}, false)
	case method != http.MethodGet:
		key := maps.Clone(text)
		key["maxLength"] = keyLength
		add("Idempotency-Key", "header", parameter{"a new one for each request; the same request again is not done again", nil, key}, false)
	}
	return list
}

// words are the values of an enumeration.
func words[T ~string](list ...T) []any {
	all := make([]any, len(list))
	for i, w := range list {
		all[i] = string(w)
	}
	return all
}
