package tests_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// chatLine is what these tests read of a message, a receipt or the unread counts.
type chatLine struct {
	Content, SenderID, MessageID, State, By string
	Seq                                     int
	Conversations                           map[string]int
}

func chatLines(t testing.TB, payloads []string) (list []string) {
	t.Helper()
	for _, p := range payloads {
		var l chatLine
		if err := json.Unmarshal([]byte(p), &l); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		if l.State != "" {
			list = append(list, strings.TrimSpace(l.MessageID+" "+l.State+" "+l.By))
		} else {
			list = append(list, fmt.Sprintf("%d %s %s", l.Seq, l.SenderID, l.Content))
		}
	}
	return list
}

// awaitChat waits until the client has received just these on the topic.
func (c *client) awaitChat(t testing.TB, topic string, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s carries %q", topic, want), func() bool {
		return strings.Join(chatLines(t, c.on(topic)), "\n") == strings.Join(want, "\n")
	})
}

// A message to somebody who is away; the receipts reach the sender, who is away
// by then; the broker is killed in between, twice.
func TestBroker_ChatWhileBothAreAway(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.user(t, "ana", "member")
	s.user(t, "tess", "trainer")
	s.put(t, "/links/tess/ana", struct{}{})
	dialFeed := func(user, id string) *client {
		c := dial(t, s, user, id)
		if !c.sessionPresent {
			c.subscribe(t, 1, "user/"+user+"/#")
		}
		return c
	}
	dialFeed("tess", "tess-phone").leave() // will be back days later
	ana := dialFeed("ana", "ana-watch")
	for _, id := range []string{"m1", "m2"} {
		if code, reason := ana.publish(t, "chat/ana.tess/message", 1, map[string]string{"content": "I did " + id, "messageId": id}); code >= 0x80 {
			t.Fatalf("refused: 0x%02X %s", code, reason)
		}
	}
	ana.awaitChat(t, "user/ana/receipt", "m1 stored", "m2 stored")
	ana.awaitChat(t, "user/ana/chat/ana.tess", "1 ana I did m1", "2 ana I did m2")
	ana.leave()
	s.kill(t)
	s.start(t)

	tess := dialFeed("tess", "tess-phone")
	tess.awaitChat(t, "user/tess/chat/ana.tess", "1 ana I did m1", "2 ana I did m2")
	eventually(t, "tess sees two unread", func() bool {
		list := tess.on("user/tess/unread")
		var u chatLine
		return len(list) > 0 && json.Unmarshal([]byte(list[len(list)-1]), &u) == nil && u.Conversations["ana.tess"] == 2
	})
	if code, reason := tess.publish(t, "chat/ana.tess/read", 1, map[string]string{"messageId": "m2"}); code >= 0x80 {
		t.Fatalf("read refused: 0x%02X %s", code, reason)
	}
	eventually(t, "tess has nothing unread", func() bool {
		list := tess.on("user/tess/unread")
		return len(list) > 0 && strings.Contains(list[len(list)-1], `"conversations":{}`)
	})
	ana = dialFeed("ana", "ana-watch")
	eventually(t, "the receipts reach ana, each once", func() bool {
		var news []string // what she had acknowledged just before the kill may come again
		for _, line := range chatLines(t, ana.on("user/ana/receipt")) {
			if !strings.HasSuffix(line, "stored") {
				news = append(news, line)
			}
		}
		return strings.Join(news, "; ") == "m1 delivered tess; m2 delivered tess; m2 read tess"
	})
	s.kill(t)
	s.start(t)

	// The same message again is acknowledged and not delivered again.
	ana = dialFeed("ana", "ana-watch")
	for _, id := range []string{"m2", "m3"} {
		if code, _ := ana.publish(t, "chat/ana.tess/message", 1, map[string]string{"content": "I did " + id, "messageId": id}); code >= 0x80 {
			t.Fatalf("refused: 0x%02X", code)
		}
	}
	tess = dialFeed("tess", "tess-phone")
	eventually(t, "tess gets the third message", func() bool {
		list := chatLines(t, tess.on("user/tess/chat/ana.tess"))
		return len(list) > 0 && list[len(list)-1] == "3 ana I did m3"
	})
	if list := chatLines(t, tess.on("user/tess/chat/ana.tess")); strings.Count(strings.Join(list, " "), "I did m2") > 1 {
		t.Errorf("a repeated message was delivered again: %q", list)
	}
	status, body := s.rest(t, http.MethodGet, "/conversations/ana.tess/messages?after=1", nil)
	var page struct {
		Items []json.RawMessage
		Head  int
	}
	if err := json.Unmarshal(body, &page); err != nil || status != http.StatusOK || len(page.Items) != 2 || page.Head != 3 {
		t.Errorf("history: %d %s", status, body)
	}
}

// The examples of docs/protocol.md about chat and training, with the plain
// command line clients.
func TestBroker_ChatExamples(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.user(t, "ana", "member")
	s.user(t, "tess", "trainer")
	s.put(t, "/sessions/legs", map[string]any{"kind": "training", "title": "Legs", "host": "tess", "trainer": "tess", "visibility": "invite"})
	s.put(t, "/sessions/legs/members/ana", struct{}{})
	feed := mosquittoSub(t, s, "tess", "-t", "user/tess/#")
	room := mosquittoSub(t, s, "tess", "-t", "chat/ana.tess/#")
	form := mosquittoSub(t, s, "ana", "-t", "session/legs/form/ana", "-q", "1")
	talk := mosquittoSub(t, s, "ana", "-t", "session/legs/chat")
	mosquittoPub(t, s, "ana", "-q", "1", "-t", "chat/ana.tess/message", "-m", `{"content":"Legs are sore"}`)
	mosquittoPub(t, s, "ana", "-t", "chat/ana.tess/typing", "-m", `{"typing":true}`)
	mosquittoPub(t, s, "tess", "-q", "1", "-t", "session/legs/form/ana",
		"-m", `{"correctionId":"k1","exercise":"squat","severity":"warning","cue":"Deeper"}`)
	mosquittoPub(t, s, "tess", "-q", "1", "-t", "session/legs/chat", "-m", `{"content":"Two more sets"}`)
	feed.await(t, `"content":"Legs are sore"`)
	room.await(t, `"seq":1`)
	room.await(t, `"typing":true`)
	form.await(t, `"cue":"Deeper"`)
	talk.await(t, `"content":"Two more sets"`)
}

// A client's phone drops out of a training: on return it shows the correction
// that still counts, and not the one that has expired; only that client and the
// trainer see any of it.
func TestBroker_TrainingWithADropout(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.user(t, "tess", "trainer")
	for _, u := range []string{"ana", "ben"} {
		s.user(t, u, "member")
	}
	s.put(t, "/sessions/legs", map[string]any{"kind": "training", "title": "Legs", "host": "tess", "trainer": "tess", "visibility": "open"})
	ben := dial(t, s, "ben", "")
	ben.subscribe(t, 1, "session/legs/#")
	tess := dial(t, s, "tess", "")
	tess.subscribe(t, 1, "session/legs/form/+/seen", "session/legs/chat")
	ana := dial(t, s, "ana", "ana-phone")
	ana.subscribe(t, 1, "session/legs/#")
	ana.leave()
	correction := func(id string, seconds int) map[string]any {
		return map[string]any{"correctionId": id, "exercise": "squat", "severity": "warning", "cue": "Deeper", "expiresIn": seconds}
	}
	sent := time.Now()
	for id, seconds := range map[string]int{"short": 1, "long": 600} {
		if code, reason := tess.publish(t, "session/legs/form/ana", 1, correction(id, seconds)); code >= 0x80 {
			t.Fatalf("correction %s is refused: 0x%02X %s", id, code, reason)
		}
	}
	if code, _ := ben.publish(t, "session/legs/form/ana", 1, correction("mine", 5)); code != notAuthorized {
		t.Errorf("a correction by a participant: 0x%02X, want 0x87", code)
	}
	eventually(t, "the short one has expired", func() bool { return time.Since(sent) > 1500*time.Millisecond })
	ana = dial(t, s, "ana", "ana-phone")
	eventually(t, "the long one is shown", func() bool { return len(ana.on("session/legs/form/ana")) > 0 })
	ana.publish(t, "session/legs/form/ana/seen", 1, map[string]string{"correctionId": "long"})
	ana.publish(t, "session/legs/chat", 1, map[string]string{"content": "Got it"})
	eventually(t, "the trainer knows", func() bool {
		return len(tess.on("session/legs/form/ana/seen")) == 1 && len(tess.on("session/legs/chat")) == 1
	})
	if got := ana.on("session/legs/form/ana"); len(got) != 1 || !strings.Contains(got[0], `"long"`) {
		t.Errorf("shown: %q, want the one that has not expired", got)
	}
	eventually(t, "ben has the chat", func() bool { return len(ben.on("session/legs/chat")) == 1 })
	if got := append(ben.on("session/legs/form/ana"), ben.on("session/legs/form/ana/seen")...); len(got) != 0 {
		t.Errorf("another participant was shown %q", got)
	}
}
