package tests_test

import (
	"strings"
	"testing"
)

// notified lists the messageIds that the client got as notifications.
func (c *client) notified(t testing.TB, user string) string {
	t.Helper()
	var ids []string
	for _, p := range c.on("user/" + user + "/notification") {
		ids = append(ids, decode[struct{ MessageID string }](t, p).MessageID)
	}
	return strings.Join(ids, " ")
}

// awaitUnread waits until the last count of unread notifications is n.
func (c *client) awaitUnread(t testing.TB, user string, n int) {
	t.Helper()
	eventually(t, "the unread count is right", func() bool {
		list := c.on("user/" + user + "/unread")
		return len(list) > 0 && decode[struct{ Notifications int }](t, list[len(list)-1]).Notifications == n
	})
}

// A trainer notifies a client whose phone is away; the broker is killed; the phone
// gets each notification once, in order, and reading counts on the watch too.
func TestBroker_Notifications(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.user(t, "ana", "member")
	s.user(t, "ben", "member")
	s.user(t, "tess", "trainer")
	s.put(t, "/links/tess/ana", struct{}{})
	tess := dial(t, s, "tess", "tess-pad")
	phone := dial(t, s, "ana", "ana-phone")
	phone.subscribe(t, 1, "user/ana/#")
	phone.leave()
	send := func(id, key string) {
		t.Helper()
		body := map[string]any{"content": "Plan " + id, "messageId": id, "kind": "reminder"}
		if key != "" {
			body["collapseKey"] = key
		}
		if code, reason := tess.publish(t, "user/ana/notification", 1, body); code >= 0x80 {
			t.Fatalf("refused: 0x%02X %s", code, reason)
		}
	}
	send("n1", "")
	send("n2", "plan")
	send("n3", "plan")
	send("n3", "plan")
	if code, _ := tess.publish(t, "user/ben/notification", 1, map[string]string{"content": "x"}); code != 0x87 {
		t.Errorf("to somebody who is no client: got 0x%02X, want 0x87", code)
	}
	s.kill(t)
	s.start(t)

	phone = dial(t, s, "ana", "ana-phone")
	eventually(t, "the phone gets what waited", func() bool { return phone.notified(t, "ana") == "n1 n3" })
	watch := dial(t, s, "ana", "ana-watch")
	watch.subscribe(t, 1, "user/ana/#")
	watch.awaitUnread(t, "ana", 2)
	tess = dial(t, s, "tess", "tess-pad")
	send("n4", "")
	eventually(t, "both devices get the next one", func() bool {
		return phone.notified(t, "ana") == "n1 n3 n4" && watch.notified(t, "ana") == "n4"
	})
	if code, reason := phone.publish(t, "user/ana/notification/read", 1, map[string]string{"messageId": "n1"}); code >= 0x80 {
		t.Fatalf("read refused: 0x%02X %s", code, reason)
	}
	watch.awaitUnread(t, "ana", 2)
	phone.publish(t, "user/ana/notification/read", 1, map[string]bool{"all": true})
	watch.awaitUnread(t, "ana", 0)
	phone.awaitUnread(t, "ana", 0)
	s.kill(t)
	s.start(t)

	phone, watch = dial(t, s, "ana", "ana-phone"), dial(t, s, "ana", "ana-watch")
	tess = dial(t, s, "tess", "tess-pad")
	send("n3", "plan") // again, within a day
	send("n5", "")
	eventually(t, "the phone gets the newest", func() bool { return strings.HasSuffix(phone.notified(t, "ana"), "n5") })
	// What the phone had acknowledged just before the kill may come again, as QoS 1 does.
	if got := phone.notified(t, "ana"); strings.Count(got, "n3") > 1 || strings.HasSuffix(got, "n3 n5") {
		t.Errorf("a repeated messageId was delivered again: %q", got)
	}
	watch.awaitUnread(t, "ana", 1)
}
