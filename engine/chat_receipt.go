package engine

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/fitmq/fitmq/fitness/chat"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// States of a receipt.
const (
	ReceiptStored    = "stored"    // safe against a crash
	ReceiptDelivered = "delivered" // a client of the recipient's has acknowledged it
	ReceiptRead      = "read"      // the recipient has read up to it
)

// Receipt is the payload of user/{uid}/receipt: what became of a message. By is
// who, of two; in a group Count tells how many members of Of.
type Receipt struct {
	MessageID    string    `json:"messageId"`
	Conversation string    `json:"conversation"`
	Seq          uint64    `json:"seq"`
	State        string    `json:"state"`
	By           string    `json:"by,omitempty"`
	Count        int       `json:"count,omitempty"`
	Of           int       `json:"of,omitempty"`
	Timestamp    time.Time `json:"timestamp"`
}

func receiptFor(to string, r Receipt, recordID string) Outgoing {
	return Outgoing{Topic: topics.UserReceiptTopic(to), Payload: encode(r), QoS: 1, RecordID: recordID}
}

// countKey is a message of a group and what is counted of it.
type countKey struct {
	seq   uint64
	state string
}

// counted is whom to tell.
type counted struct {
	messageID, sender string
}

// maxCounts bounds the messages of a group whose receipts wait to be counted;
// over it no more are counted until the next round, at most a second later: a
// later message's receipt tells as much.
const maxCounts = 1000

// Acknowledged tells that the client has a message of its user's feed. The first
// of a user's clients makes the sender's receipt.
func (e *Engine) Acknowledged(s Sender, topic string, payload []byte) {
	t := topics.Parse(topic)
	if t.Kind != topics.UserChat || t.User != s.UserID {
		return
	}
	var m struct {
		Kind      chat.Kind `json:"kind"`
		MessageID string    `json:"messageId"`
		SenderID  string    `json:"senderId"`
		Seq       uint64    `json:"seq"`
	}
	c := e.chats.get(t.Conversation)
	if c == nil || json.Unmarshal(payload, &m) != nil || m.Kind != chat.Say || m.SenderID == s.UserID {
		return
	}
	c.mu.Lock()
	r := c.readers[s.UserID]
	if r == nil || m.Seq <= r.Delivered || m.Seq > c.Head {
		c.mu.Unlock()
		return
	}
	if c.group != nil {
		e.reached(c, s.UserID, m.Seq)
		e.count(c, m.Seq, ReceiptDelivered, counted{m.MessageID, m.SenderID})
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	receipt := receiptFor(m.SenderID, Receipt{
		MessageID: m.MessageID, Conversation: c.key, Seq: m.Seq, State: ReceiptDelivered, By: s.UserID, Timestamp: e.now(),
	}, "cr/"+messageHash(c.key, m.SenderID, m.MessageID)+"/d/"+s.UserID)
	// Noted only once the receipt is in the log: after a crash in between, the
	// client is sent the message again, and its acknowledgement tells it anew.
	// There are as many of them as clients' windows allow.
	e.out.insist(receipt, func() {
		go func() { // the log's writer must not wait for a conversation
			c.mu.Lock()
			defer c.mu.Unlock()
			e.reached(c, s.UserID, m.Seq)
		}()
	})
	e.out.drain()
}

// reached notes how far a member's clients have acknowledged. c.mu is held.
func (e *Engine) reached(c *conversation, userID string, seq uint64) {
	r := c.readers[userID]
	if r == nil || seq <= r.Delivered {
		return
	}
	r.Delivered = seq
	c.unsaved.readers[userID] = struct{}{}
	e.chats.changed(c)
}

// maxReadBack is how many messages a receipt of reading looks back for their
// senders: of each the newest one is told.
const maxReadBack = 200

// tellRead tells the senders of the messages after from, up to seq, that the user
// has read them: each of the newest one. c.mu is held.
func (e *Engine) tellRead(pos store.Pos, c *conversation, user string, from, seq uint64, at time.Time) {
	told := map[string]bool{user: true}
	for n := seq; n > from && seq-n < maxReadBack; n-- {
		data, err := e.messageRow(c, n)
		if err != nil || data == nil {
			continue // the table's own reader has logged it
		}
		m, err := chat.Decode(data)
		if err != nil || told[m.Sender] {
			continue
		}
		told[m.Sender] = true
		if c.group != nil {
			e.count(c, n, ReceiptRead, counted{m.ID, m.Sender})
			continue
		}
		e.out.owe(pos, receiptFor(m.Sender, Receipt{
			MessageID: m.ID, Conversation: c.key, Seq: n, State: ReceiptRead, By: user, Timestamp: at,
		}, "cr/"+messageHash(c.key, m.Sender, m.ID)+"/r/"+user))
	}
}

// count has a message's receipt counted with the next round. c.mu is held.
func (e *Engine) count(c *conversation, seq uint64, state string, who counted) {
	if len(c.counts) >= maxCounts {
		return
	}
	c.counts[countKey{seq, state}] = who
	e.chats.mu.Lock()
	defer e.chats.mu.Unlock()
	e.chats.counting[c] = struct{}{}
}

// chatEvery is how often unread counts and the receipts of groups are sent.
const chatEvery = 500 * time.Millisecond

// tickChat sends what has changed of unread counts and of the receipts of groups,
// with at most budget messages, and returns what is left of the budget.
func (e *Engine) tickChat(now time.Time, budget int) int {
	s := &e.chats
	s.mu.Lock()
	if s.next.After(now) || budget <= 0 {
		s.mu.Unlock()
		return budget
	}
	s.next = now.Add(chatEvery)
	var users []string
	for userID := range s.stale {
		if budget--; budget < 0 {
			s.next = now // the rest with the next tick
			break
		}
		users = append(users, userID)
		delete(s.stale, userID)
	}
	counting := s.counting
	s.counting = make(map[*conversation]struct{})
	s.mu.Unlock()
	for _, userID := range users {
		e.out.state(topics.UserUnreadTopic(userID), e.Unread(userID))
	}
	for c := range counting {
		budget -= e.tellCounts(c, now)
	}
	return max(budget, 0)
}

// tellCounts queues the receipts of a group and returns how many.
func (e *Engine) tellCounts(c *conversation, now time.Time) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.counts)
	for k, who := range c.counts {
		r := Receipt{MessageID: who.messageID, Conversation: c.key, Seq: k.seq, State: k.state, Timestamp: now}
		for userID, reader := range c.readers {
			if userID == who.sender || reader.From >= k.seq {
				continue
			}
			r.Of++
			if k.state == ReceiptDelivered && max(reader.Delivered, reader.Read) >= k.seq || k.state == ReceiptRead && reader.Read >= k.seq {
				r.Count++
			}
		}
		id := "cr/" + messageHash(c.key, who.sender, who.messageID) + "/" + k.state + "/" + strconv.Itoa(r.Count)
		e.out.push(receiptFor(who.sender, r, id))
	}
	clear(c.counts)
	return n
}

// Unread is the payload of user/{uid}/unread: how many messages of each
// conversation a user has not read, where there are any, and how many notifications.
type Unread struct {
	Conversations map[string]uint64 `json:"conversations"`
	Notifications int               `json:"notifications"`
}

// Unread returns the user's counts.
func (e *Engine) Unread(userID string) Unread {
	u := Unread{Conversations: map[string]uint64{}, Notifications: e.notes.desk.unread(userID)}
	for _, c := range e.chats.of(userID) {
		c.mu.Lock()
		if r := c.readers[userID]; r != nil && c.unread(r) > 0 {
			u.Conversations[c.key] = c.unread(r)
		}
		c.mu.Unlock()
	}
	return u
}

// recount has the unread counts of all members sent. c.mu is held.
func (s *chats) recount(c *conversation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for userID := range c.readers {
		s.stale[userID] = struct{}{}
	}
}

func (s *chats) recountUser(userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale[userID] = struct{}{}
}
