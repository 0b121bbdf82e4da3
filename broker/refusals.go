package broker

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/gateway"
)

// Refusals implements gateway.Console.
func (c *console) Refusals(limit int) []gateway.Refusal { return c.b.refusals.latest(limit) }

const (
	// keptRefusals publishes and subscriptions and keptSignIns sign-ins are kept:
	// the oldest go, counted. Each kind has its own room, so that who guesses
	// passwords does not drive out what clients are refused.
	keptRefusals = 500
	keptSignIns  = 300
	// maxRefusalText bounds what is repeated of a refused topic or filter, in
	// bytes, maxRefusedName a name that somebody gave.
	maxRefusalText = 256
	maxRefusedName = 64
)

// refusals keeps the latest refusals with their reasons for the console. Safe for
// concurrent use; a nil one keeps nothing.
type refusals struct {
	mu      sync.Mutex // guards below; a leaf
	acts    refusalRing
	signIns refusalRing
}

func newRefusals() *refusals {
	return &refusals{
		acts: refusalRing{list: make([]gateway.Refusal, 0, keptRefusals)}, signIns: refusalRing{list: make([]gateway.Refusal, 0, keptSignIns)},
	}
}

// refusalRing holds as many as its capacity.
type refusalRing struct {
	list []gateway.Refusal
	n    uint64 // how many there have been
}

func (r *refusalRing) add(one gateway.Refusal) {
	if len(r.list) < cap(r.list) {
		r.list = append(r.list, one)
	} else {
		r.list[r.n%uint64(cap(r.list))] = one
	}
	r.n++
}

// forgotten is how many had to go.
func (r *refusalRing) forgotten() uint64 { return r.n - uint64(len(r.list)) }

// add notes a refused publish or subscription.
func (r *refusals) add(c *delivery.Client, action, target string, code wire.Code, reason string) {
	if r == nil {
		return
	}
	one := gateway.Refusal{
		UserID: c.UserID, ClientID: c.ID, Via: c.Via, Remote: c.Remote, Action: action, Target: target, Code: byte(code), Reason: reason,
	}
	if one.Via == "" {
		one.Via = "mqtt"
	}
	r.note(&r.acts, one)
}

// signIn notes somebody who was not let in: the name as it was given, which
// proves nothing.
func (r *refusals) signIn(user, clientID, remote, via string, code wire.Code, reason string) {
	r.note(&r.signIns, gateway.Refusal{
		UserID: refusedName(user), ClientID: cut(clientID, maxRefusalText), Via: via, Remote: remote, Action: "sign-in", Code: byte(code), Reason: reason,
	})
}

func (r *refusals) note(ring *refusalRing, one gateway.Refusal) {
	one.Target, one.Reason = cut(one.Target, maxRefusalText), cut(one.Reason, maxRefusalText)
	r.mu.Lock()
	defer r.mu.Unlock()
	one.Time = time.Now().UTC()
	ring.add(one)
}

// refusedName is a name as it may be shown. Who mixes up name and secret must not
// find the secret in a list.
func refusedName(name string) string {
	if strings.HasPrefix(name, access.DevicePrefix) || strings.HasPrefix(name, "eyJ") {
		return "(a secret in place of a name)"
	}
	return cut(name, maxRefusedName)
}

// cut shortens a text to that many bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

// door notes who was refused at the door over HTTP. Over MQTT the hooks know more.
func (r *refusals) door(p access.Proof, err error) {
	if p.Via != "http" {
		return
	}
	code, reason := wire.ServerUnavailable, "signing in is not possible now"
	var wait *access.ThrottledError
	switch {
	case errors.Is(err, access.ErrBadCredentials) && p.Bearer:
		code, reason = wire.BadUserNameOrPassword, "the token is not valid"
	case errors.Is(err, access.ErrBadCredentials) && p.Secret == "":
		code, reason = wire.BadUserNameOrPassword, "the client certificate is not that of a user"
	case errors.Is(err, access.ErrBadCredentials):
		code, reason = wire.BadUserNameOrPassword, access.ErrBadCredentials.Error()
	case errors.As(err, &wait):
		code, reason = wire.ConnectionRateExceeded, wait.Error()
	}
	name := p.User
	if name == "" {
		name = p.Subject
	}
	r.signIn(name, p.Client, p.Remote, p.Via, code, reason)
}

// latest returns the newest of both kinds, the newest first.
func (r *refusals) latest(limit int) []gateway.Refusal {
	r.mu.Lock()
	list := slices.Concat(r.acts.list, r.signIns.list)
	r.mu.Unlock()
	slices.SortStableFunc(list, func(a, b gateway.Refusal) int { return b.Time.Compare(a.Time) })
	return list[:min(limit, len(list))]
}

// forgotten counts those that the list does not show any more.
func (r *refusals) forgotten() (acts, signIns uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.acts.forgotten(), r.signIns.forgotten()
}

// noting notes what the meaning of messages refuses.
type noting struct {
	delivery.Meaning
	refusals *refusals
}

// Judge implements delivery.Meaning.
func (n *noting) Judge(c *delivery.Client, m *delivery.Message) delivery.Verdict {
	v := n.Meaning.Judge(c, m)
	if v.Code.Failed() {
		n.refusals.add(c, "publish", m.Topic, v.Code, v.Reason)
	}
	return v
}
