package gateway

import (
	"encoding"
	"encoding/json"
	"maps"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness/leaderboard"
	"github.com/fitmq/fitmq/fitness/preference"
	"github.com/fitmq/fitmq/webhook"
)

// schemas makes JSON Schemas of the types that encoding/json reads and writes. A
// struct with a name becomes a component.
type schemas struct {
	components m
	// types are the components' own, so that no two have one name.
	types map[string]reflect.Type
}

func newSchemas() *schemas {
	s := &schemas{components: m{}, types: map[string]reflect.Type{}}
	maps.Copy(s.components, payloads)
	return s
}

// schemaNames are those of types whose own name is not enough.
var schemaNames = map[reflect.Type]string{
	reflect.TypeFor[engine.SessionSpec]():       "Session",
	reflect.TypeFor[engine.ChallengeSpec]():     "Challenge",
	reflect.TypeFor[preference.Notifications](): "NotificationPreferences",
	reflect.TypeFor[preference.Quiet]():         "QuietHours",
	reflect.TypeFor[engine.Client]():            "TrainersClient",
	reflect.TypeFor[webhook.Status]():           "Webhook",
	reflect.TypeFor[webhook.Fault]():            "WebhookFault",
	reflect.TypeFor[access.Grants]():            "Fit",
	reflect.TypeFor[engine.ConversationSpec]():  "Conversation",
	reflect.TypeFor[retainedMessage]():          "RetainedMessage",
	reflect.TypeFor[preference.Preferences]():   "Preferences",
	reflect.TypeFor[engine.Board]():             "Leaderboard",
	reflect.TypeFor[engine.BoardEntry]():        "LeaderboardEntry",
	reflect.TypeFor[engine.PeriodStatus]():      "Period",
	reflect.TypeFor[engine.HandedIn]():          "HandedIn",
	reflect.TypeFor[engine.Entrant]():           "Participant",
}

// nameOf is a type's name among the components, "" for one that has none.
func nameOf(t reflect.Type) string {
	if name, ok := schemaNames[t]; ok {
		return name
	}
	name := t.Name()
	if name == "" || strings.Contains(name, "[") {
		return ""
	}
	if name = strings.ToUpper(name[:1]) + name[1:]; strings.HasPrefix(path.Base(t.PkgPath()), "challenge") && !strings.HasPrefix(name, "Award") {
		name = "Challenge" + name
	}
	return name
}

var (
	textType = reflect.TypeFor[encoding.TextMarshaler]()
	jsonType = reflect.TypeFor[json.Marshaler]()
	readType = reflect.TypeFor[json.Unmarshaler]()
)

// of is the schema of a type as it is written, or with in as it is read.
func (s *schemas) of(t reflect.Type, in bool) m {
	switch {
	case t.Kind() == reflect.Pointer:
		return s.of(t.Elem(), in)
	case t == reflect.TypeFor[time.Time]():
		return m{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[ttl]():
		return m{"type": []any{"number", "string"}}
	case t == reflect.TypeFor[leaderboard.Score]():
		return m{"type": "number"}
	case t == reflect.TypeFor[json.RawMessage]():
		return m{} // any JSON
	case t.Kind() == reflect.Struct && !in && nameOf(t) != "":
		return s.component(nameOf(t), t, in)
	case t.Kind() == reflect.Struct && in && nameOf(t) != "":
		return s.component(strings.TrimSuffix(nameOf(t), "Body")+"Body", t, in)
	case t.Kind() != reflect.Struct && t.Implements(textType):
		return m{"type": "string"}
	case t.Kind() != reflect.Struct && (t.Implements(jsonType) || reflect.PointerTo(t).Implements(readType)):
		return m{}
	}
	switch t.Kind() {
	case reflect.String:
		return m{"type": "string"}
	case reflect.Bool:
		return m{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return m{"type": "number"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return m{"type": "string", "contentEncoding": "base64"}
		}
		return m{"type": "array", "items": s.of(t.Elem(), in)}
	case reflect.Array:
		return m{"type": "array", "items": s.of(t.Elem(), in), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Map:
		return m{"type": "object", "additionalProperties": s.of(t.Elem(), in)}
	case reflect.Struct:
		return s.object("", t, in)
	case reflect.Interface:
		return m{}
	}
	if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
		return m{"type": "integer", "minimum": 0}
	}
	return m{"type": "integer"}
}

// body is the schema of a request's body: the members in need must be there, and
// no others than it names may.
func (s *schemas) body(t reflect.Type, need []string) m {
	one := s.of(t, true)
	object := one
	if name, ok := one["$ref"].(string); ok {
		object = s.components[path.Base(name)].(m)
	}
	object["additionalProperties"] = false
	if len(need) > 0 {
		object["required"] = need
	}
	return one
}

// component makes a component of a struct, once.
func (s *schemas) component(name string, t reflect.Type, in bool) m {
	if old := s.types[name]; old != nil && old != t {
		panic("two types are called " + name + ": " + old.String() + " and " + t.String()) // a test makes all of them
	}
	if s.types[name] == nil {
		s.types[name] = t
		s.components[name] = s.object(name, t, in)
	}
	return ref(name)
}

// object is a struct's schema: written members that are never left out are required.
func (s *schemas) object(name string, t reflect.Type, in bool) m {
	properties, required := m{}, []string{}
	s.members(name, t, in, properties, &required)
	one := m{"type": "object", "properties": properties}
	if len(required) > 0 && !in {
		one["required"] = required
	}
	return one
}

func (s *schemas) members(owner string, t reflect.Type, in bool, properties m, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			s.members(owner, f.Type, in, properties, required)
		case f.IsExported() && name != "-" && name != "":
			properties[name] = described(owner, name, s.of(f.Type, in))
			if !strings.Contains(options, "omit") {
				*required = append(*required, name)
			}
		}
	}
}

// described adds what memberWords say of a member.
func described(owner, name string, schema m) m {
	w, known := memberWords[owner+"."+name]
	if !known {
		w, known = memberWords[strings.TrimSuffix(owner, "Body")+"."+name]
	}
	if !known {
		w = memberWords[name]
	}
	if w.about != "" {
		schema["description"] = w.about
	}
	if w.example != nil {
		schema["examples"] = []any{w.example}
	}
	maps.Copy(schema, w.schema)
	return schema
}

// rawJSON is JSON that stands in the description as it is.
func rawJSON(text string) json.RawMessage { return json.RawMessage(text) }
