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
)

// envelope is what the tests read of a message or receipt.
type envelope struct {
	Type, Kind, Content, SenderID, RecipientID, MessageID, Target string
	Conversation, SessionID, State, By                            string
	Seq                                                           uint64
	Count, Of                                                     int
	Timestamp                                                     time.Time
}

// on lists what was sent on a topic.
func (w *world) on(topic string) []envelope {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []envelope
	for _, m := range w.sent {
		if m.Topic == topic {
			var e envelope
			must(w.t, json.Unmarshal(m.Payload, &e))
			list = append(list, e)
		}
	}
	return list
}

// texts writes messages as "1 ana hi".
func texts(list []envelope) []string {
	out := []string{}
	for _, e := range list {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s %s %s", e.Seq, e.SenderID, e.Kind, e.Content)))
	}
	return out
}

// receipts writes receipts as "m1 read ben".
func receipts(list []envelope) []string {
	out := []string{}
	for _, e := range list {
		s := e.MessageID + " " + e.State + " " + e.By
		if e.Of > 0 {
			s = fmt.Sprintf("%s %s %d/%d", e.MessageID, e.State, e.Count, e.Of)
		}
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

// say publishes content under an id, "" for none, and expects it to be taken.
func (w *world) say(user, conversation, id, content string) {
	w.t.Helper()
	payload := fmt.Sprintf(`{"content":%q,"messageId":%q}`, content, id)
	if id == "" {
		payload = fmt.Sprintf(`{"content":%q}`, content)
	}
	if out := w.publish(sender(user, user+"-phone"), "chat/"+conversation+"/message", payload); out.Code != 0 {
		w.t.Fatalf("%s says %s: refused: %#x %s", user, content, out.Code, out.Reason)
	}
}

// linked is a world in which tom trains ana and ben.
func linked(t *testing.T) *world {
	w := newWorld(t)
	must(t, w.PutLink(context.Background(), admin, "tom", "ana"))
	must(t, w.PutLink(context.Background(), admin, "tom", "ben"))
	return w
}

// history reads a conversation as an administrator, as texts.
func (w *world) history(id string, q engine.HistoryQuery) []string {
	w.t.Helper()
	h, err := w.History(context.Background(), admin, id, q)
	must(w.t, err)
	var list []envelope
	for _, raw := range h.Items {
		var e envelope
		must(w.t, json.Unmarshal(raw, &e))
		list = append(list, e)
	}
	return texts(list)
}

func TestEngine_Chat(t *testing.T) {
	w := linked(t)
	w.say("ana", "ana.tom", "m1", "hi")
	w.say("tom", "ana.tom", "", "hello")
	for _, topic := range []string{"chat/ana.tom/message", "user/ana/chat/ana.tom", "user/tom/chat/ana.tom"} {
		wantLines(t, texts(w.on(topic)), "1 ana  hi", "2 tom  hello")
	}
	first, second := w.on("user/tom/chat/ana.tom")[0], w.on("user/ana/chat/ana.tom")[1]
	if first.Type != "chat" || first.RecipientID != "tom" || first.Conversation != "ana.tom" || first.MessageID != "m1" || !first.Timestamp.Equal(w.clock()) {
		t.Errorf("stamped: got %+v", first)
	}
	if len(second.MessageID) != 26 {
		t.Errorf("messageId: got %q, want a ULID", second.MessageID)
	}
	wantLines(t, receipts(w.on("user/ana/receipt")), "m1 stored")

	t.Run("Repeated", func(t *testing.T) {
		w.say("ana", "ana.tom", "m1", "hi")
		w.start() // also after a restart
		w.say("ana", "ana.tom", "m1", "hi")
		wantLines(t, texts(w.on("user/tom/chat/ana.tom")), "1 ana  hi", "2 tom  hello")
		w.say("tom", "ana.tom", "m1", "the same id of another sender")
		if got := w.on("chat/ana.tom/message"); len(got) != 3 || got[2].Seq != 3 {
			t.Errorf("got %q, want seq 3 for another sender's message", texts(got))
		}
	})
	t.Run("Err", func(t *testing.T) {
		ana := sender("ana", "a")
		for _, tt := range []struct {
			topic, payload string
			code           byte
			text           string
		}{
			{"chat/ana.tom/message", `{"content":"x","senderId":"tom"}`, 0x83, `senderId "tom" is not yours`},
			{"chat/ana.tom/message", `{"content":7}`, 0x99, "content"},
			{"chat/ana.tom/message", `{"content":"` + strings.Repeat("x", 4001) + `"}`, 0x83, "limit of 4000 characters"},
			{"chat/ana.ben/message", `{"content":"x"}`, 0x87, "you cannot write to user ben"},
			{"chat/ana.ghost/message", `{"content":"x"}`, 0x87, "you cannot write to user ghost"},
			{"chat/ben.tom/message", `{"content":"x"}`, 0x87, "only members of conversation ben.tom"},
			{"chat/nogroup/message", `{"content":"x"}`, 0x87, "only members of conversation nogroup"},
			{"chat/ben.tom/read", `{"messageId":"m1"}`, 0x87, "only members"},
			{"chat/ana.tom/read", `{}`, 0x99, "messageId is missing"},
			{"chat/ana.ben/typing", `{}`, 0x87, "you cannot write to user ben"},
			{"session/none/chat", `{"content":"x"}`, 0x87, "only members of session none"},
		} {
			wantRefused(t, w.publish(ana, tt.topic, tt.payload), tt.code, tt.text)
		}
	})
}

func TestEngine_ChatPeers(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	ana := sender("ana", "a")
	try := func() engine.Outcome { return w.publish(ana, "chat/ana.ben/message", `{"content":"x"}`) }
	wantRefused(t, try(), 0x87, "you cannot write to user ben")
	w.session("s1") // open to ben, who is not in it: no acquaintance
	w.pass(5 * time.Second)
	wantRefused(t, try(), 0x87, "you cannot write to user ben")
	w.Connected(sender("ben", "b"))
	w.Subscribed(sender("ben", "b"), "session/s1/#")
	w.pass(5 * time.Second)
	if out := try(); out.Code != 0 {
		t.Errorf("in one session: got %#x %s", out.Code, out.Reason)
	}
	w.challenge("c1", "ana", "cem")
	if out := w.publish(ana, "chat/ana.cem/message", `{"content":"x"}`); out.Code != 0 {
		t.Errorf("in one challenge: got %#x %s", out.Code, out.Reason)
	}
	must(t, w.PutBlock(ctx, actor("ben"), "ana"))
	must(t, w.Checkpoint(ctx))
	w.start()
	wantRefused(t, try(), 0x87, "you cannot write to user ben")
	wantRefused(t, w.publish(sender("ben", "b"), "chat/ana.ben/message", `{"content":"x"}`), 0x87, "you have blocked user ana")
	wantLines(t, w.Blocks("ben"), "ana")
	must(t, w.DeleteBlock(ctx, actor("ben"), "ana"))
	if out := try(); out.Code != 0 {
		t.Errorf("no longer blocked: got %#x %s", out.Code, out.Reason)
	}
	wantKind(t, w.DeleteBlock(ctx, actor("ben"), "ana"), fitness.NotFound, "not blocked")
	wantKind(t, w.PutBlock(ctx, actor("ben"), "ben"), fitness.Invalid, "yourself")
}

func TestEngine_ChatRate(t *testing.T) {
	w := linked(t)
	ana := sender("ana", "a")
	for range 30 {
		if out := w.publish(ana, "chat/ana.tom/message", `{"content":"x"}`); out.Code != 0 {
			t.Fatalf("got %#x %s", out.Code, out.Reason)
		}
	}
	wantRefused(t, w.publish(ana, "chat/ana.tom/message", `{"content":"x"}`), 0x96, "limit of 30 at once and 5 a second")
	w.pass(time.Second)
	w.say("ana", "ana.tom", "", "again")
}

func TestEngine_ChatTyping(t *testing.T) {
	w := linked(t)
	out := w.publish(sender("ana", "a"), "chat/ana.tom/typing", `{"typing":true}`)
	if out.Code != 0 || out.Deliver || out.Log || out.Retain {
		t.Errorf("got %+v, want nothing queued or stored", out)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.sent[len(w.sent)-1]
	if last.Topic != "chat/ana.tom/typing" || last.QoS != 0 || last.Retain || !strings.Contains(string(last.Payload), `"senderId":"ana"`) {
		t.Errorf("got %+v %s, want QoS 0 with the sender", last, last.Payload)
	}
}

func TestEngine_ChatChange(t *testing.T) {
	w := linked(t)
	ana := sender("ana", "a")
	w.say("ana", "ana.tom", "m1", "hi")
	w.say("ana", "ana.tom", "m2", "secret")
	w.publish(ana, "chat/ana.tom/message", `{"kind":"edit","target":"m1","content":"ho","messageId":"e1"}`)
	w.publish(ana, "chat/ana.tom/message", `{"kind":"delete","target":"m2","messageId":"d1"}`)
	wantLines(t, texts(w.on("user/tom/chat/ana.tom")), "1 ana  hi", "2 ana  secret", "1 ana edit ho", "2 ana delete")
	for range 2 { // before and after it is saved
		wantLines(t, w.history("ana.tom", engine.HistoryQuery{}), "1 ana  ho", "2 ana")
		must(t, w.Checkpoint(context.Background()))
	}
	if u := w.Unread("tom"); u.Conversations["ana.tom"] != 2 {
		t.Errorf("unread: got %v, want 2: a change is no new message", u)
	}
	w.publish(sender("tom", "t"), "chat/ana.tom/message", `{"kind":"edit","target":"m1","content":"I said that"}`)
	w.publish(ana, "chat/ana.tom/message", `{"kind":"edit","target":"m2","content":"again"}`)
	wantLines(t, w.history("ana.tom", engine.HistoryQuery{}), "1 ana  ho", "2 ana")
	if w.count("user/tom/error") != 1 || w.count("user/ana/error") != 1 {
		t.Error("a change without effect is silent")
	}
	w.say("ana", "ana.tom", "m3", "next")
	if got := w.on("user/tom/chat/ana.tom"); got[len(got)-1].Seq != 3 {
		t.Errorf("got %q, want seq 3 after edits", texts(got))
	}
}

func TestEngine_ChatReceipts(t *testing.T) {
	w := linked(t)
	tom := sender("tom", "tablet")
	w.say("ana", "ana.tom", "m1", "one")
	w.say("ana", "ana.tom", "m2", "two")
	w.start() // days later, after a restart; nobody is connected
	var feed [][]byte
	for _, m := range w.sent {
		if m.Topic == "user/tom/chat/ana.tom" {
			feed = append(feed, m.Payload)
		}
	}
	w.Acknowledged(tom, "user/tom/chat/ana.tom", feed[0])
	w.Acknowledged(tom, "user/tom/chat/ana.tom", feed[0])
	w.Acknowledged(sender("tom", "watch"), "user/tom/chat/ana.tom", feed[0]) // another device
	w.Acknowledged(sender("ana", "phone"), "user/ana/chat/ana.tom", feed[0]) // her own message
	w.Acknowledged(tom, "user/tom/chat/ana.tom", feed[1])
	w.publish(tom, "chat/ana.tom/read", `{"messageId":"m2"}`)
	w.publish(tom, "chat/ana.tom/read", `{"messageId":"m1"}`) // reading does not go back
	wantLines(t, receipts(w.on("user/ana/receipt")), "m1 stored", "m2 stored", "m1 delivered tom", "m2 delivered tom", "m2 read tom")
	w.start()
	wantLines(t, receipts(w.on("user/ana/receipt")), "m1 stored", "m2 stored", "m1 delivered tom", "m2 delivered tom", "m2 read tom")
	w.publish(tom, "chat/ana.tom/read", `{"messageId":"nope"}`)
	if w.count("user/tom/error") != 1 {
		t.Error("reading what is not there is silent")
	}
}

// came is how far the members have come: from where, had, read.
func came(c engine.Conversation) (list []string) {
	for _, p := range c.People {
		list = append(list, fmt.Sprintf("%s %d %d %d", p.UserID, p.From, p.Delivered, p.Read))
	}
	return list
}

func TestEngine_ChatGroup(t *testing.T) {
	w := linked(t)
	ctx := context.Background()
	tom := engine.Actor{UserID: "tom", Role: "trainer"}
	got, created, err := w.PutConversation(ctx, tom, "crew", engine.ConversationSpec{Title: "Crew", Members: []string{"ana", "ben"}})
	must(t, err)
	if !created || got.Owner != "tom" || !slices.Equal(got.Members, []string{"ana", "ben", "tom"}) {
		t.Errorf("got %+v", got)
	}
	_, _, err = w.PutConversation(ctx, actor("ana"), "crew", engine.ConversationSpec{Title: "Mine"})
	wantKind(t, err, fitness.Forbidden, "by its owner")
	_, _, err = w.PutConversation(ctx, actor("ana"), "other", engine.ConversationSpec{Title: "Other", Members: []string{"ben"}})
	wantKind(t, err, fitness.Forbidden, "you cannot write to user ben")
	_, _, err = w.PutConversation(ctx, tom, "ana.tom", engine.ConversationSpec{Title: "Two"})
	wantKind(t, err, fitness.Invalid, "needs no creation")

	w.say("ana", "crew", "g1", "all in?")
	for _, u := range []string{"ben", "tom"} {
		wantLines(t, texts(w.on("user/"+u+"/chat/crew")), "1 ana  all in?")
		w.mu.Lock()
		payload := w.sent[slices.IndexFunc(w.sent, func(m engine.Outgoing) bool { return m.Topic == "user/"+u+"/chat/crew" })].Payload
		w.mu.Unlock()
		for _, device := range []string{"phone", "watch"} {
			w.Acknowledged(sender(u, u+device), "user/"+u+"/chat/crew", payload)
		}
	}
	w.pass(time.Second)
	w.publish(sender("ben", "b"), "chat/crew/read", `{"messageId":"g1"}`)
	w.pass(time.Second)
	wantLines(t, receipts(w.on("user/ana/receipt")), "g1 stored", "g1 delivered 2/2", "g1 read 1/2")

	crew, err := w.Conversation("crew", "ana")
	must(t, err)
	wantLines(t, came(crew), "ana 0 1 1", "ben 0 1 1", "tom 0 1 0")

	// Who comes later sees what is said later; who is out gets nothing.
	_, _, err = w.PutConversation(ctx, tom, "crew", engine.ConversationSpec{Title: "Crew", Members: []string{"ana", "tom"}})
	must(t, err)
	wantLines(t, w.revoked, "ben")
	w.say("ana", "crew", "g2", "ben is out")
	_, _, err = w.PutConversation(ctx, tom, "crew", engine.ConversationSpec{Title: "Crew", Members: []string{"ana", "ben"}})
	must(t, err)
	w.say("ana", "crew", "g3", "ben is back")
	wantLines(t, texts(w.on("user/ben/chat/crew")), "1 ana  all in?", "3 ana  ben is back")
	h, err := w.History(ctx, actor("ben"), "crew", engine.HistoryQuery{})
	must(t, err)
	if len(h.Items) != 1 || h.Head != 3 {
		t.Errorf("ben's history: got %d messages, head %d, want the one since he is back", len(h.Items), h.Head)
	}
	must(t, w.LeaveConversation(ctx, actor("ana"), "crew", "ana"))
	wantRefused(t, w.publish(sender("ana", "a"), "chat/crew/message", `{"content":"x"}`), 0x87, "only members")
	wantKind(t, w.DeleteConversation(ctx, actor("ben"), "crew"), fitness.Forbidden, "by its owner")
	must(t, w.Checkpoint(ctx))
	must(t, w.DeleteConversation(ctx, tom, "crew"))
	if len(w.tables.keys("chat_messages")) != 0 || w.ConversationMember("crew", "tom") {
		t.Error("the deleted group is still there")
	}
}

func TestEngine_ChatSession(t *testing.T) {
	w := newWorld(t)
	w.session("s1")
	ana := sender("ana", "a")
	for _, text := range []string{"go", "faster"} {
		if out := w.publish(ana, "session/s1/chat", fmt.Sprintf(`{"content":%q}`, text)); out.Code != 0 || out.Deliver {
			t.Fatalf("got %+v", out)
		}
	}
	wantLines(t, texts(w.on("session/s1/chat")), "1 ana  go", "2 ana  faster")
	if m := w.on("session/s1/chat")[0]; m.SessionID != "s1" || m.Conversation != "" {
		t.Errorf("got %+v", m)
	}
	h, err := w.SessionHistory(context.Background(), actor("ben"), "s1", engine.HistoryQuery{After: 1})
	must(t, err)
	if len(h.Items) != 1 || h.Head != 2 {
		t.Errorf("got %d messages, head %d", len(h.Items), h.Head)
	}
	must(t, w.Checkpoint(context.Background()))
	must(t, w.DeleteSession(context.Background(), actor("ana"), "s1"))
	must(t, w.Checkpoint(context.Background()))
	if n := len(w.tables.keys("chat_messages")) + len(w.tables.keys("chat_heads")) + len(w.tables.keys("chat_ids")); n != 0 {
		t.Errorf("%d rows are left of the deleted session's chat", n)
	}
}
