package delivery_test

import (
	"testing"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

func ownedBy(user string) connectOption {
	return func(c *delivery.Connect) { c.Client.UserID = user }
}

func TestHub_EndConnections(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	phone := p.connect("phone", 5, ownedBy("ana"), lasting)
	watch := p.connect("watch", 5, ownedBy("ana"), lasting)
	other := p.connect("other", 5, ownedBy("ben"))
	watch.subscribe("a", 1)
	got := p.hub.EndConnections("ana", func(c *delivery.Client) bool { return c.ID == "watch" }, wire.NotAuthorized, "gone")
	if got != 1 {
		t.Fatalf("ended %d connections, want 1", got)
	}
	if code := watch.c.code(); code != wire.NotAuthorized {
		t.Errorf("the watch was ended with %v, want not authorized", code)
	}
	for name, c := range map[string]*client{"phone": phone, "ben's": other} {
		if code := c.c.code(); code != 0 {
			t.Errorf("%s connection was ended with %v", name, code)
		}
	}
	watch.drop()
	phone.publish("a", "kept", 1, 1, false, false)
	phone.want(wire.PUBACK)
	watch = p.connect("watch", 5, ownedBy("ana"), lasting)
	if !watch.session.Present() {
		t.Error("the session is gone with its connection")
	}
	watch.wantMessage("a", "kept")
}

func TestHub_EndSessions(t *testing.T) {
	p := startPlane(t, t.TempDir(), delivery.Limits{})
	watch := p.connect("watch", 5, ownedBy("ana"), lasting)
	watch.subscribe("a", 1)
	p.connect("phone", 5, ownedBy("ana"), lasting).drop()
	p.hub.EndSessions("ana", wire.AdministrativeAction, "deleted")
	if code := watch.c.code(); code != wire.AdministrativeAction {
		t.Errorf("ended with %v, want administrative action", code)
	}
	for _, id := range []string{"watch", "phone"} {
		if err := p.hub.Owned(id, "ben"); err != nil {
			t.Errorf("%s cannot be had by the next user: %v", id, err)
		}
	}
}

// code is what the connection was ended with, 0 while it lives.
func (c *conn) code() wire.Code {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}
