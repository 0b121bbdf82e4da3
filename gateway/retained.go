package gateway

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/fitmq/fitmq/topics"
)

// retainedMessage is an entry of GET /retained.
type retainedMessage struct {
	Topic string `json:"topic"`
	payloadMembers
	QoS    byte `json:"qos"`
	Retain bool `json:"retain"`
}

// rawRetained is a message before it is shown.
type rawRetained struct {
	topic   string
	payload []byte
	qos     byte
}

// retained answers what a subscription to ?filter= would be given at once, in
// order of the topics.
func (g *Gateway) retained(r request) (reply, error) {
	after, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	filter := r.URL.Query().Get("filter")
	if _, _, shared, err := topics.SplitShared(filter); err != nil || shared {
		detail := "a shared subscription gets no retained messages" // [MQTT-3.3.1-9], 4.8.2
		if err != nil {
			detail = "filter: " + err.Error()
		}
		return reply{}, faulty(http.StatusBadRequest, []Fault{{Detail: detail, Parameter: "filter"}})
	}
	if d := g.o.Policy.Subscribe(r.id, filter); !d.Allowed {
		return reply{}, forbidden("%s", d.Reason)
	}
	found := g.gatherRetained(r, filter, after, limit)
	next := ""
	if len(found) > limit {
		found = found[:limit]
		next = found[limit-1].topic
	}
	items := make([]retainedMessage, len(found))
	for i, m := range found {
		items[i] = retainedMessage{m.topic, showPayload(m.payload), m.qos, true}
	}
	return reply{body: newList(items, next)}, nil
}

// gatherRetained returns the first limit+1 messages after the topic that the
// caller may have. It holds at most twice as many, however many match.
func (g *Gateway) gatherRetained(r request, filter, after string, limit int) []rawRetained {
	keep := limit + 1
	var found []rawRetained
	trim := func() {
		slices.SortFunc(found, func(a, b rawRetained) int { return cmp.Compare(a.topic, b.topic) })
		if len(found) > keep {
			clear(found[keep:])
			found = found[:keep]
		}
	}
	g.o.Retained.EachRetained(filter, func(topic string, payload []byte, qos byte) bool {
		if topic > after && g.o.Policy.Deliver(r.id, topic) {
			if found = append(found, rawRetained{topic, payload, qos}); len(found) >= 2*keep {
				trim()
			}
		}
		return r.Context().Err() == nil
	})
	trim()
	return found
}
