package torture_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Rules of notifications and webhooks.
const (
	ruleInbox = "an inbox has every notification once, but those that newer ones have replaced"
	ruleRead  = "what was read is read, and nothing else"
	ruleNote  = "a notification is delivered once"
	ruleHook  = "webhooks tell what happened, under one id"
)

// note is a notification that was sent.
type note struct {
	id, key string // key: of collapsing, "" for none
	read    bool   // acknowledged
	maybe   bool   // somebody tried to
}

// notify has the trainer send a notification to somebody who looks for partners, or
// to the user who is never there.
func (s *scene) notify(r *rand.Rand, c *client) error {
	l := s.ledger
	user := pick(r, append([]string{l.absent}, l.seekers...))
	s.mu.Lock()
	n := &note{id: fmt.Sprintf("n%d", len(l.notes[user])), key: pick(r, []string{"", "plan", "drink"})}
	l.notes[user] = append(l.notes[user], n)
	s.mu.Unlock()
	body := map[string]string{"messageId": n.id, "content": "Note " + n.id}
	if n.key != "" {
		body["collapseKey"] = n.key
	}
	return s.send(c, "user/"+user+"/notification", 1+byte(r.IntN(2)), body)
}

// readNotes marks one that has come as read, or all.
func (s *scene) readNotes(r *rand.Rand, user string, c *client) error {
	s.mu.Lock()
	came := map[string]bool{}
	var ids []string
	for _, a := range s.arrived[c] {
		var m struct{ MessageID string }
		if a.topic == "user/"+user+"/notification" && json.Unmarshal([]byte(a.payload), &m) == nil && !came[m.MessageID] {
			came[m.MessageID] = true
			ids = append(ids, m.MessageID)
		}
	}
	body, one := map[string]any{"all": true}, ""
	if len(ids) > 0 && r.IntN(4) > 0 {
		one = pick(r, ids)
		body = map[string]any{"messageId": one}
	}
	for _, n := range s.ledger.notes[user] {
		n.read = n.read || came[n.id] && (one == "" || one == n.id)
		n.maybe = n.maybe || one == "" || one == n.id
	}
	s.ledger.readAll[user] = s.ledger.readAll[user] || one == ""
	s.mu.Unlock()
	return s.send(c, "user/"+user+"/notification/read", 1+byte(r.IntN(2)), body)
}

// boxed is a line of an inbox.
type boxed struct {
	MessageID, SenderID string
	Read                bool
}

// box is an inbox, and what the unread counts say of it.
type box struct {
	Items  []boxed
	Unread int
	told   int // retained on user/{uid}/unread
}

func (s *scene) findNotes(f *findings) error {
	f.boxes = map[string]box{}
	for _, user := range append([]string{s.ledger.absent}, s.ledger.seekers...) {
		var b box
		if err := s.broker.call(http.MethodGet, "/me/notifications?limit=500", s.tokens[user], nil, &b); err != nil {
			return err
		}
		var kept struct {
			Items []struct {
				Payload struct{ Notifications int }
			}
		}
		if err := s.broker.call(http.MethodGet, "/retained?filter="+url.QueryEscape("user/"+user+"/unread"), s.tokens[user], nil, &kept); err != nil {
			return err
		}
		for _, m := range kept.Items {
			b.told = m.Payload.Notifications
		}
		f.boxes[user] = b
	}
	return nil
}

// judgeNotes looks at the inboxes.
func (l *ledger) judgeNotes(f *findings, fail failing) {
	for user, notes := range l.notes {
		b := f.boxes[user]
		times, read, unread := map[string]int{}, map[string]bool{}, 0
		for _, x := range b.Items {
			if x.SenderID != l.trainer {
				fail(ruleInbox, user, "%+v is nobody's", x)
			}
			times[x.MessageID]++
			read[x.MessageID] = x.Read
			if !x.Read {
				unread++
			}
		}
		if b.Unread != unread || b.told != unread {
			fail(ruleRead, user, "%d unread in the inbox, its count is %d, and %d is told", unread, b.Unread, b.told)
		}
		newest := map[string]string{}
		for _, n := range notes {
			newest[n.key] = n.id
		}
		for _, n := range notes {
			last := n.key == "" || newest[n.key] == n.id
			there := times[n.id] > 0
			switch {
			case times[n.id] > 1 || last && !there:
				fail(ruleInbox, user, "%s is there %d times", n.id, times[n.id])
			case there && n.read && !read[n.id]:
				fail(ruleRead, user, "%s is unread, though it was read", n.id)
			case there && !n.maybe && !l.readAll[user] && read[n.id]:
				fail(ruleRead, user, "%s is read, though nobody has read it", n.id)
			case there && !last && !n.maybe && !l.readAll[user]:
				fail(ruleInbox, user, "%s is there, though %s has replaced it", n.id, newest[n.key])
			}
		}
		l.judgeDelivered(f, user, fail)
	}
}

// judgeDelivered looks at what came to a device that was away all the time.
func (l *ledger) judgeDelivered(f *findings, user string, fail failing) {
	if f.away == nil || user == l.absent {
		return
	}
	times := map[string]int{}
	for _, a := range f.away[user] {
		var m struct{ MessageID string }
		if a.topic == "user/"+user+"/notification" && json.Unmarshal([]byte(a.payload), &m) == nil {
			times[m.MessageID]++
		}
	}
	newest := map[string]string{}
	for _, n := range l.notes[user] {
		newest[n.key] = n.id
	}
	for _, n := range l.notes[user] {
		due := (n.key == "" || newest[n.key] == n.id) && !n.maybe && !l.readAll[user]
		if times[n.id] > 1 || due && times[n.id] == 0 {
			fail(ruleNote, user, "%s came %d times", n.id, times[n.id])
		}
	}
}

// hook is the address that the broker tells what happens. It refuses the first attempt
// of every fortieth event: a user's events are told in order and wait behind it.
type hook struct {
	server *httptest.Server

	mu   sync.Mutex // guards what follows
	told map[string]map[string]bool
	seen map[string]bool
}

// told is an event as it is posted.
type told struct {
	Type string
	Data struct {
		ChallengeID, SessionID, UserID, ActivityID string
		AchievementID                              string
		Message                                    struct{ MessageID, Conversation string }
	}
}

// what names that which is told of, the same whoever tells it.
func (t *told) what() string {
	d := &t.Data
	if t.Type == "award" {
		d.ActivityID = "" // the id is enough
	}
	return strings.Join([]string{t.Type, d.ChallengeID + d.SessionID, d.UserID, d.ActivityID + d.AchievementID + d.Message.Conversation + "/" + d.Message.MessageID}, " ")
}

// hookSecret signs what is posted; nobody looks.
const hookSecret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

// newHook listens, and writes the configuration that tells the broker so.
func newHook(dir string) (*hook, error) {
	h := &hook{told: map[string]map[string]bool{}, seen: map[string]bool{}}
	h.server = httptest.NewServer(http.HandlerFunc(h.take))
	text := fmt.Sprintf("webhooks:\n  - {name: torture, url: %q, secret: %q}\n", h.server.URL, hookSecret)
	return h, os.WriteFile(filepath.Join(dir, configFile), []byte(text), 0o600)
}

func (h *hook) take(w http.ResponseWriter, r *http.Request) {
	var t told
	id := r.Header.Get("webhook-id")
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &t)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !h.seen[id]
	h.seen[id] = true
	if err != nil || first && len(h.seen)%40 == 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	what := t.what()
	if h.told[what] == nil {
		h.told[what] = map[string]bool{}
	}
	h.told[what][id] = true
}

// copyOf is how many ids each thing was told under.
func (h *hook) copyOf() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[string]int, len(h.told))
	for what, ids := range h.told {
		out[what] = len(ids)
	}
	return out
}

// findHooks copies what was told, and asks how much waits: what is missing while nothing
// waits is lost.
func (s *scene) findHooks(f *findings) error {
	var of struct{ Items []struct{ Waiting int } }
	if err := s.broker.call(http.MethodGet, "/webhooks", "", nil, &of); err != nil {
		return err
	}
	for _, h := range of.Items {
		f.waiting += h.Waiting
	}
	f.hooks = s.hook.copyOf()
	return nil
}

// judgeHooks wants everything told that happened, each thing under one id.
func (l *ledger) judgeHooks(f *findings, fail failing) {
	want := func(typ, scope, user, what string) {
		if key := strings.Join([]string{typ, scope, user, what}, " "); f.hooks[key] != 1 {
			fail(ruleHook, user, "%q was told under %d ids while %d events wait", key, f.hooks[key], f.waiting)
		}
	}
	for user, list := range l.activities {
		for id := range list {
			want("activity.accepted", l.challenge, user, id+"/")
		}
	}
	for _, user := range l.users {
		for _, a := range f.away[user] {
			var x struct{ AchievementID string }
			if a.topic == "user/"+user+"/achievement" && json.Unmarshal([]byte(a.payload), &x) == nil {
				want("award", l.challenge, user, x.AchievementID+"/")
			}
		}
	}
	want("session.started", l.session, "", "/")
	want("session.ended", l.session, "", "/")
	for _, n := range l.notes[l.absent] {
		want("notification.absent", "", l.absent, "/"+n.id)
	}
	for conversation, said := range l.said {
		for i := range said {
			if !strings.Contains(conversation, ".") {
				want("message.absent", "", l.absent, conversation+"/"+said[i].ID)
			}
		}
	}
}

// configFile is the broker's configuration beside its data; it may be missing.
const configFile = "fitmq.yaml"
