package broker

import (
	"context"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/topics"
)

// signIn lets MQTT clients in at the door that HTTP uses too.
type signIn struct {
	*access.Door
	dev bool
}

// Anonymous is allowed in development only.
func (s *signIn) Anonymous() bool { return s.dev }

// aclRules are the configuration's rules in access's terms.
func aclRules(c config.ACL) []access.Rule {
	rules := make([]access.Rule, len(c.Rules))
	for i, r := range c.Rules {
		action := r.Allow + r.Deny // a rule has one of them
		rules[i] = access.Rule{
			Allow: r.Allow != "", Publish: action.May(config.Publish), Subscribe: action.May(config.Subscribe),
			Topic: r.Topic, User: r.User, Role: string(r.Role), Client: r.Client,
		}
	}
	return rules
}

// rights answers the data plane's questions with the policy. Who a client is now
// is looked up for each question, so that a change counts at once.
type rights struct {
	policy *access.Policy
	users  *access.Users
	audit  *access.Audit
	// refusals keeps the latest for the console.
	refusals *refusals
	// foreign: others than the store vouch for users.
	foreign bool
}

func (r *rights) identity(c *delivery.Client) access.Identity {
	h, ok := c.Identity.(*access.Holder)
	if ok {
		id, _ := r.users.Current(h.Identity())
		if c.Remote != "" { // over HTTP there is no client id
			id.ClientID = c.ID
		}
		return id
	}
	// A session from before a restart: its client proves itself anew before
	// anything is delivered, but what is kept for it is judged meanwhile.
	id, ok := r.users.Identity(c.UserID)
	switch {
	case ok || c.UserID == "":
	case c.UserID == access.AdminUserID || r.foreign && !r.users.Exists(c.UserID):
		id = access.Identity{UserID: c.UserID, Role: access.Role(c.Role)}
	default:
		id = access.Identity{}
	}
	id.ClientID = c.ID
	return id
}

// MayPublish implements delivery.Policy.
func (r *rights) MayPublish(c *delivery.Client, topic string) string {
	id := r.identity(c)
	d := r.policy.Publish(id, topic)
	if !d.Allowed {
		r.refused(c, id, "publish", topic, d.Reason)
	}
	return d.Reason
}

// MaySubscribe implements delivery.Policy.
func (r *rights) MaySubscribe(c *delivery.Client, filter string) string {
	id := r.identity(c)
	d := r.policy.Subscribe(id, filter)
	if !d.Allowed {
		r.refused(c, id, "subscribe", filter, d.Reason)
	}
	return d.Reason
}

func (r *rights) refused(c *delivery.Client, id access.Identity, action, target, reason string) {
	r.refusals.add(c, action, target, wire.NotAuthorized, reason)
	via := "mqtt"
	if c.Via != "" {
		via = c.Via
	}
	r.audit.Write(access.Event{
		Event: "refused", User: c.UserID, Role: id.Role, By: id.By, Device: id.Device, Client: c.ID,
		Remote: c.Remote, Via: via, Action: action, Target: target, Reason: reason,
	})
}

// MayReceive implements delivery.Policy.
func (r *rights) MayReceive(c *delivery.Client, topic string) bool {
	return r.policy.Deliver(r.identity(c), topic)
}

// renewal takes the tokens that clients publish before their old ones expire. It
// stands in front of what other messages mean: a token goes no further than here.
type renewal struct {
	delivery.Meaning
	tokens *access.Tokens
	users  *access.Users
	// renewed is told who the client was and is.
	renewed func(was, is access.Identity)
}

// nothing replaces a token, so that no log and no session keeps it.
var nothing = []byte{}

// Judge implements delivery.Meaning.
func (r *renewal) Judge(c *delivery.Client, m *delivery.Message) delivery.Verdict {
	if topics.Parse(m.Topic).Kind != topics.UserToken {
		return r.Meaning.Judge(c, m)
	}
	token := string(m.Payload)
	m.Payload, m.Props = nothing, nil
	id, err := r.tokens.Verify(token)
	holder, ok := c.Identity.(*access.Holder)
	switch {
	case err != nil:
		return delivery.Verdict{Code: wire.NotAuthorized, Reason: "the token is not valid: the old one still counts"}
	case !ok || id.UserID != c.UserID:
		return delivery.Verdict{Code: wire.NotAuthorized, Reason: "the token is another user's"}
	}
	if id, ok = r.users.Current(id); !ok {
		return delivery.Verdict{Code: wire.NotAuthorized, Reason: "the token is not valid: the old one still counts"}
	}
	was := holder.Identity()
	if was.By != access.ByToken {
		return delivery.Verdict{Code: wire.NotAuthorized, Reason: "this connection was not opened with a token"}
	}
	if !holder.Renew(id) {
		return delivery.Verdict{Code: wire.NotAuthorized, Reason: "the connection is ending"}
	}
	r.renewed(was, id)
	return delivery.Verdict{Payload: nothing}
}

// renewed makes a token that says something else than the one before count.
func (b *Broker) renewed(was, is access.Identity) {
	if was.Role != is.Role || !was.Grants.Equal(is.Grants) {
		b.hub.Revoke(is.UserID)
	}
}

// userChanged makes a change of a user count for whoever is connected.
func (b *Broker) userChanged(userID string) {
	b.hub.Revoke(userID)
	stale := func(c *delivery.Client) bool {
		h, ok := c.Identity.(*access.Holder)
		if !ok {
			return false
		}
		_, ok = b.users.Current(h.Identity())
		return !ok
	}
	b.hub.EndConnections(userID, stale, wire.NotAuthorized, "this sign-in is no longer valid")
	if !b.users.Exists(userID) {
		b.hub.EndSessions(userID, wire.AdministrativeAction, "the user was deleted")
		if err := b.engine.Forget(context.Background(), userID); err != nil {
			b.log.Error("what is kept for a deleted user could not be removed; create and delete the user again", "user", userID, "error", err)
		}
	}
}
