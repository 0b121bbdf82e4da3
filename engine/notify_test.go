package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/preference"
)

var service = engine.Sender{UserID: "svc", Role: "service", ClientID: "svc-1"}

// listen connects ana's phone with a subscription to all that is hers.
func (w *world) listen() engine.Sender {
	phone := sender("ana", "phone")
	w.Connected(phone)
	w.Subscribed(phone, "user/ana/#")
	w.pass(200 * time.Millisecond)
	return phone
}

// note sends ana a notification of the service.
func (w *world) note(id, more string) {
	w.t.Helper()
	if out := w.publish(service, "user/ana/notification", fmt.Sprintf(`{"content":%q,"messageId":%q%s}`, "It is "+id, id, more)); out.Code != 0 || out.Deliver || !out.Log {
		w.t.Fatalf("got %+v, want logged and not delivered by itself", out)
	}
}

// told lists the ids of what was delivered to ana.
func (w *world) told() string {
	var ids []string
	for _, m := range w.on("user/ana/notification") {
		ids = append(ids, m.MessageID)
	}
	return strings.Join(ids, " ")
}

// inbox lists ana's inbox, a star behind what is not read.
func (w *world) inbox() string {
	w.t.Helper()
	page, err := w.Notifications(actor("ana"), "", 1000, false)
	must(w.t, err)
	var out []string
	unread := 0
	for _, raw := range page.Items {
		var x struct {
			MessageID string
			Read      *bool
		}
		must(w.t, json.Unmarshal(raw, &x))
		if x.Read == nil {
			w.t.Fatalf("%s lacks read", raw)
		}
		if !*x.Read {
			x.MessageID += "*"
			unread++
		}
		out = append(out, x.MessageID)
	}
	if unread != page.Unread {
		w.t.Errorf("unread: got %d, want %d", page.Unread, unread)
	}
	return strings.Join(out, " ")
}

func (w *world) want(told, inbox string) {
	w.t.Helper()
	if got := w.told(); got != told {
		w.t.Errorf("delivered: got %q, want %q", got, told)
	}
	if got := w.inbox(); got != inbox {
		w.t.Errorf("inbox: got %q, want %q", got, inbox)
	}
}

func (w *world) wantUnread(n int) {
	w.t.Helper()
	w.pass(600 * time.Millisecond)
	if got := state[engine.Unread](w, "user/ana/unread").Notifications; got != n {
		w.t.Errorf("unread: got %d, want %d", got, n)
	}
}

func TestEngine_Notifications(t *testing.T) {
	ctx := context.Background()
	t.Run("OK live, once, and stamped", func(t *testing.T) {
		w := newWorld(t)
		w.listen()
		w.note("m1", `,"kind":"reminder"`)
		w.note("m1", `,"kind":"reminder"`)
		w.want("m1", "m1*")
		m := w.on("user/ana/notification")[0]
		if m.Type != "notification" || m.SenderID != "svc" || m.RecipientID != "ana" || m.Kind != "reminder" || !m.Timestamp.Equal(w.now) {
			t.Errorf("got %+v", m)
		}
		w.wantUnread(1)
		w.pass(2 * time.Second)
		w.want("m1", "m1*")
	})
	t.Run("OK on return, and over a restart", func(t *testing.T) {
		w := newWorld(t)
		w.note("m1", "")
		w.note("m2", "")
		w.pass(time.Second)
		w.want("", "m2* m1*")
		must(t, w.Checkpoint(ctx))
		w.start()
		w.Connected(sender("ana", "phone"))
		w.pass(time.Second)
		w.want("", "m2* m1*") // nobody takes them
		w.listen()
		w.want("m1 m2", "m2* m1*")
		must(t, w.Checkpoint(ctx))
		w.start()
		w.listen()
		w.want("m1 m2", "m2* m1*")
		w.wantUnread(2)
	})
	t.Run("OK killed before the count of what was read is told", func(t *testing.T) {
		w := newWorld(t)
		phone := w.listen()
		w.note("m1", "")
		w.wantUnread(1)
		if out := w.publish(phone, "user/ana/notification/read", `{"messageId":"m1"}`); out.Code != 0 {
			t.Fatalf("got %+v", out)
		}
		must(t, w.Checkpoint(ctx))
		w.start()
		w.want("m1", "m1")
		w.wantUnread(0)
	})
	t.Run("OK killed before it was saved", func(t *testing.T) {
		w := newWorld(t)
		w.listen()
		w.note("m1", "")
		w.start() // nothing was saved: the log is applied again
		w.listen()
		w.want("m1", "m1*")
		w.lose = true // on its way to the log when it is killed
		w.note("m2", "")
		w.pass(time.Second)
		w.lose = false
		w.start()
		w.listen()
		w.want("m1 m2", "m2* m1*")
	})
	t.Run("OK a publish that fails is tried again", func(t *testing.T) {
		w := newWorld(t)
		w.listen()
		w.fail = errDisk
		w.note("m1", "")
		w.pass(time.Second)
		w.want("", "m1*")
		w.fail = nil
		w.pass(2 * time.Second)
		w.want("m1", "m1*")
	})
	t.Run("OK expired ones leave and never go out", func(t *testing.T) {
		w := newWorld(t)
		w.note("m1", `,"ttl":60`)
		in := engine.Inbound{Sender: service, Topic: "user/ana/notification", Payload: []byte(`{"content":"x","messageId":"m2"}`), QoS: 1, At: w.now, Expires: w.now.Add(30 * time.Second)}
		w.commit(w.Handle(in), in)
		w.note("m3", "")
		w.wantUnread(3)
		w.pass(40 * time.Second)
		w.wantUnread(2)
		w.pass(30 * time.Second)
		w.wantUnread(1)
		w.listen()
		w.want("m3", "m3*")
		if m := w.sent[len(w.sent)-1]; m.Topic == "user/ana/notification" && m.Expiry <= 29*24*time.Hour {
			t.Errorf("expiry: got %v, want what is left", m.Expiry)
		}
	})
	t.Run("OK collapsed before and after delivery", func(t *testing.T) {
		w := newWorld(t)
		w.note("m1", `,"collapseKey":"k"`)
		w.note("m2", `,"collapseKey":"k"`)
		w.listen()
		w.want("m2", "m2*")
		w.note("m3", `,"collapseKey":"k"`)
		w.want("m2 m3", "m3*")
		w.wantUnread(1)
	})
	t.Run("OK read by message, by REST, and on every device", func(t *testing.T) {
		w := newWorld(t)
		phone := w.listen()
		for i := range 4 {
			w.note(fmt.Sprint("m", i), "")
		}
		w.wantUnread(4)
		if out := w.publish(phone, "user/ana/notification/read", `{"messageId":"m1"}`); out.Code != 0 || out.Deliver {
			t.Errorf("got %+v", out)
		}
		w.wantUnread(3)
		must(t, w.ReadNotifications(ctx, actor("ana"), []byte(`{"messageIds":["m2","gone"]}`)))
		w.start() // it was stored
		w.want("m0 m1 m2 m3", "m3* m2 m1 m0*")
		w.wantUnread(2)
		must(t, w.DeleteNotification(ctx, actor("ana"), "m0"))
		w.start()
		w.want("m0 m1 m2 m3", "m3* m2 m1")
		w.publish(phone, "user/ana/notification/read", `{"all":true}`)
		w.wantUnread(0)
		wantKind(t, w.DeleteNotification(ctx, actor("ana"), "m0"), fitness.NotFound, "m0")
		wantKind(t, w.ReadNotifications(ctx, actor("ana"), []byte(`{}`)), fitness.Malformed, "messageId is missing")
	})
	t.Run("OK quiet hours and what is not wanted", func(t *testing.T) {
		w := newWorld(t) // it is 12:00
		w.listen()
		_, err := w.PutPreferences(ctx, actor("ana"), "ana", engine.Preferences{Notifications: preference.Notifications{
			Off: []string{"social"}, Quiet: &preference.Quiet{Start: "11:00", End: "12:05"},
		}})
		must(t, err)
		w.note("m1", "")
		w.note("m2", `,"priority":"urgent"`)
		w.note("m3", `,"kind":"social"`)
		w.note("m4", "")
		w.want("m2", "m4* m2* m1*")
		w.wantUnread(3)
		w.pass(4 * time.Minute)
		w.want("m2", "m4* m2* m1*")
		w.pass(time.Minute)
		w.want("m2 m1 m4", "m4* m2* m1*")
		if st := w.Stats(); st.NotesUnwanted != 1 || st.NotesTaken != 3 || st.NotesDelivered != 3 {
			t.Errorf("got %+v", st)
		}
	})
	t.Run("OK quiet hours that are given up end at once", func(t *testing.T) {
		w := newWorld(t)
		w.listen()
		_, err := w.PutPreferences(ctx, actor("ana"), "ana", engine.Preferences{Notifications: preference.Notifications{Quiet: &preference.Quiet{Start: "11:00", End: "20:00"}}})
		must(t, err)
		w.note("m1", "")
		w.pass(time.Second)
		w.want("", "m1*")
		must(t, w.DeletePreferences(ctx, actor("ana"), "ana"))
		w.pass(time.Second)
		w.want("m1", "m1*")
	})
	t.Run("OK pages", func(t *testing.T) {
		w := newWorld(t)
		for i := range 5 {
			w.note(fmt.Sprint("m", i), "")
		}
		var got []string
		after := ""
		for range 10 {
			p, err := w.Notifications(actor("ana"), after, 2, false)
			must(t, err)
			for _, raw := range p.Items {
				var x envelope
				must(t, json.Unmarshal(raw, &x))
				got = append(got, x.MessageID)
			}
			if after = p.Next; after == "" {
				break
			}
		}
		wantLines(t, got, "m4", "m3", "m2", "m1", "m0")
		_, err := w.Notifications(actor("ana"), "x", 2, false)
		wantKind(t, err, fitness.Invalid, "cursor")
		_, err = w.Notifications(engine.Actor{}, "", 2, false)
		wantKind(t, err, fitness.Invalid, "user")
	})
	t.Run("Err", func(t *testing.T) {
		w := newWorld(t)
		const topic = "user/ana/notification"
		wantRefused(t, w.publish(service, topic, `{"content":"x","senderId":"tess"}`), 0x83, `senderId "tess" is not yours`)
		wantRefused(t, w.publish(service, topic, `{"content":"x","recipientId":"ben"}`), 0x83, `recipientId "ben"`)
		wantRefused(t, w.publish(service, "user/ghost/notification", `{"content":"x"}`), 0x87, "ghost cannot be notified")
		wantRefused(t, w.publish(service, topic, `{}`), 0x99, "content is missing")
		wantRefused(t, w.publish(sender("ana", "phone"), topic+"/read", `{}`), 0x99, "messageId is missing")
		for range 30 {
			w.publish(service, topic, `{"content":"x"}`)
		}
		wantRefused(t, w.publish(service, topic, `{"content":"x"}`), 0x96, "30 at once and 1 a second for one user")
		if out := w.publish(service, "user/ben/notification", `{"content":"x"}`); out.Code != 0 {
			t.Errorf("another user: got %+v, want accepted", out)
		}
		w.tables.setFail(errDisk)
		if err := w.ReadNotifications(ctx, actor("ana"), []byte(`{"all":true}`)); fitness.KindOf(err) != fitness.Unavailable {
			t.Errorf("got %v, want unavailable", err)
		}
		w.tables.setFail(nil)
		must(t, w.Checkpoint(ctx))
		w.start()
		if strings.Contains(w.inbox(), "*") {
			t.Errorf("what was read is lost after a failed write: %q", w.inbox())
		}
	})
}

// Inboxes that nobody uses leave memory, and come back as they were.
func TestEngine_NotificationsOutOfMemory(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.note("m1", `,"ttl":7200`)
	w.note("m2", `,"collapseKey":"k"`)
	for range 3 {
		must(t, w.Checkpoint(ctx))
		w.pass(2 * time.Minute)
	}
	w.note("m3", `,"collapseKey":"k"`)
	w.wantUnread(2)
	must(t, w.Checkpoint(ctx))
	w.pass(2 * time.Minute)
	w.note("other", "") // makes a checkpoint that lets the old ones go
	must(t, w.Checkpoint(ctx))
	w.listen()
	w.want("m1 m3 other", "other* m3* m1*")
}

func TestEngine_News(t *testing.T) {
	ctx := context.Background()
	content := func(w *world, user string) (list []string) {
		page, err := w.Notifications(actor(user), "", 100, false)
		must(t, err)
		for _, raw := range page.Items {
			var x envelope
			must(t, json.Unmarshal(raw, &x))
			if x.SenderID != "$broker" {
				t.Errorf("sender: got %q, want $broker", x.SenderID)
			}
			list = append(list, x.Kind+": "+x.Content)
		}
		return list
	}
	t.Run("OK a session: put into it, and it starts", func(t *testing.T) {
		w := newWorld(t)
		_, _, err := w.PutSession(ctx, actor("ana"), "s1", engine.SessionSpec{Title: "Track", Visibility: "invite", StartsAt: w.now.Add(time.Hour)})
		must(t, err)
		must(t, w.PutMember(ctx, actor("ana"), "s1", "ben"))
		must(t, w.PutMember(ctx, actor("ana"), "s1", "ben"))
		must(t, w.PutMember(ctx, actor("ana"), "s1", "cem"))
		w.pass(time.Second)
		wantLines(t, content(w, "ben"), "session: You are a member of “Track”")
		cem := sender("cem", "c")
		w.Connected(cem)
		w.Subscribed(cem, "session/s1/#")
		w.pass(time.Hour)
		wantLines(t, content(w, "ben"), "session: “Track” has started", "session: You are a member of “Track”")
		wantLines(t, content(w, "cem"), "session: You are a member of “Track”") // is there already
		must(t, w.Control(ctx, actor("ana"), "s1", "pause", ""))
		must(t, w.Control(ctx, actor("ana"), "s1", "resume", ""))
		w.pass(time.Second)
		if n := len(content(w, "ben")); n != 2 {
			t.Errorf("a pause is no news: got %d", n)
		}
	})
	t.Run("OK a challenge starts and ends, over a restart", func(t *testing.T) {
		w := newWorld(t)
		spec := w.spec()
		spec.StartsAt, spec.EndsAt = w.now.Add(time.Minute), w.now.Add(40*time.Minute)
		_, _, err := w.PutChallenge(ctx, actor("oli"), "c1", spec)
		must(t, err)
		must(t, w.PutParticipant(ctx, actor("oli"), "c1", "ana"))
		w.pass(2 * time.Minute)
		wantLines(t, content(w, "ana"), "challenge: “Far” has started", "challenge: You take part in “Far”")
		must(t, w.Checkpoint(ctx))
		w.start()
		w.pass(time.Second)
		if n := len(content(w, "ana")); n != 2 {
			t.Errorf("after a restart: got %d, want the same 2", n)
		}
		w.pass(31 * time.Minute)
		w.publish(sender("ana", "phone"), "challenge/c1/activity", w.activity("a1", 5000))
		w.pass(8 * time.Minute)
		if got := content(w, "ana"); len(got) == 0 || got[0] != "challenge: “Far” has ended: you are number 1 of 1" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("OK what was stored is told once, whenever a crash comes", func(t *testing.T) {
		for _, saved := range []bool{false, true} {
			w := newWorld(t)
			spec := w.spec()
			spec.StartsAt, spec.EndsAt = w.now.Add(-time.Minute), w.now.Add(time.Hour) // before ben came
			_, _, err := w.PutChallenge(ctx, actor("oli"), "c1", spec)
			must(t, err)
			_, _, err = w.PutSession(ctx, actor("ana"), "s1", engine.SessionSpec{Title: "Track", Visibility: "invite", StartsAt: w.now.Add(time.Hour)})
			must(t, err)
			w.pass(time.Second)
			must(t, w.Checkpoint(ctx))
			w.lose = true
			must(t, w.PutMember(ctx, actor("ana"), "s1", "ben"))
			must(t, w.PutParticipant(ctx, actor("oli"), "c1", "ben"))
			must(t, w.PutLink(ctx, actor("ana"), "ben", "ana"))
			must(t, w.Control(ctx, actor("ana"), "s1", "start", ""))
			if saved {
				must(t, w.Checkpoint(ctx))
			}
			w.lose = false
			for range 2 {
				w.crash()
				w.pass(time.Second)
				got := content(w, "ben")
				slices.Sort(got)
				wantLines(t, got, "challenge: You take part in “Far”",
					"session: You are a member of “Track”", "session: “Track” has started", "training: Ana is your client now")
				must(t, w.Checkpoint(ctx))
			}
		}
	})
	t.Run("OK a change of rank, unless its user does not want that", func(t *testing.T) {
		w := newWorld(t)
		w.challenge("c1", "ana", "ben")
		hand := func(user, id string, metres float64) {
			w.publish(sender(user, user+"s"), "challenge/c1/activity", w.activity(id, metres))
			w.pass(time.Second)
		}
		hand("ana", "a1", 5000)
		hand("ben", "b1", 6000)
		if got := content(w, "ana"); got[0] != "rank: You were overtaken in “Far” and are number 2 now" {
			t.Errorf("got %q", got)
		}
		if got := content(w, "ben"); got[0] != "rank: You lead “Far”" {
			t.Errorf("got %q", got)
		}
		must(t, w.Checkpoint(ctx))
		w.crash()
		_, err := w.PutPreferences(ctx, actor("ben"), "ben", engine.Preferences{Notifications: preference.Notifications{Off: []string{"rank"}}})
		must(t, err)
		before := content(w, "ben")
		hand("ana", "a2", 5000) // takes the lead back: of it, the newest is left
		wantLines(t, content(w, "ben"), before...)
		if got := content(w, "ana"); got[0] != "rank: You lead “Far”" || len(got) != 2 {
			t.Errorf("got %q", got)
		}
	})
	t.Run("OK no more than a person wants", func(t *testing.T) {
		w := newWorld(t)
		for i := range 40 {
			id := fmt.Sprint("s", i)
			w.session(id)
			must(t, w.PutMember(ctx, actor("ana"), id, "ben"))
		}
		w.pass(time.Second)
		if n := len(content(w, "ben")); n != 20 {
			t.Errorf("got %d, want 20", n)
		}
		if st := w.Stats(); st.NotesDropped == 0 {
			t.Error("nothing was counted")
		}
	})
	t.Run("OK a new client, and a review", func(t *testing.T) {
		w := newWorld(t)
		must(t, w.PutLink(ctx, actor("ana"), "tess", "ana"))
		must(t, w.PutLink(ctx, actor("ana"), "tess", "ana"))
		w.challenge("c1", "ana")
		w.publish(sender("ana", "phone"), "challenge/c1/activity", w.activity("a1", 5000))
		_, err := w.ReviewActivity(ctx, actor("oli"), "c1", "ana", "a1", false)
		must(t, err)
		w.pass(time.Second)
		wantLines(t, content(w, "tess"), "training: Ana is your client now")
		if got := content(w, "ana"); got[0] != "challenge: Your activity does not count in “Far” after a review" {
			t.Errorf("got %q", got)
		}
	})
}
