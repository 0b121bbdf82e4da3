package engine

import (
	"strings"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/chat"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// applyMessage gives a message from the log its seq and sends it out. A record
// that is read again after a crash gets the seq that it had, and goes out under
// the record ids that it went out under.
func (e *Engine) applyMessage(pos store.Pos, in Inbound, key string, at time.Time) {
	m, err := chat.Decode(in.Payload)
	if err != nil {
		e.opt.Logger.Error("skip a message that cannot be read", "pos", pos, "error", err)
		return
	}
	c := e.applyTo(key, at)
	if c == nil {
		return // deleted since it was accepted
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var sorry string
	if m.Kind == chat.Say {
		sorry, err = "", e.applySay(c, pos, &m)
	} else {
		sorry, err = e.applyChange(c, &m)
	}
	switch {
	case err != nil:
		e.opt.Logger.Error("a message could not be applied; is the disk damaged?", "conversation", key, "pos", pos, "error", err)
		e.stats.ChatFailed.Add(1)
		return
	case sorry != "":
		e.sorry(pos, in, m.ID, sorry, at)
	case m.Seq != 0:
		e.sendMessage(pos, c, &m, in.Topic)
		e.stats.ChatMessages.Add(1)
	}
	if store.Pos(c.Pos) < pos {
		c.Pos, c.unsaved.head = uint64(pos), true
	}
	e.chats.changed(c)
}

// applyTo returns the conversation that a record is for, or nil.
func (e *Engine) applyTo(key string, at time.Time) *conversation {
	if id, ok := strings.CutPrefix(key, sessionPrefix); ok {
		s := e.sessions.get(id)
		if s == nil {
			return nil
		}
		s.mu.RLock()
		defer s.mu.RUnlock()
		if s.gone || at.Before(s.rec.CreatedAt) { // meant for a predecessor of that id
			return nil
		}
		return e.chats.open(key)
	}
	if a, b, ok := topics.SplitDirect(key); ok {
		c := e.chats.open(key)
		c.mu.Lock()
		defer c.mu.Unlock()
		e.chats.reader(c, a)
		e.chats.reader(c, b)
		return c
	}
	c := e.chats.get(key)
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.group == nil || at.Before(c.group.CreatedAt) {
		return nil
	}
	return c
}

// applySay gives a new message its seq, and one that is read again after a crash
// the seq that it had, whichever of the tables had been written. A message whose
// id another record has keeps seq 0. c.mu is held.
func (e *Engine) applySay(c *conversation, pos store.Pos, m *chat.Message) error {
	at, known, err := e.lookup(c, m.ID, m.Sender)
	if err != nil {
		return err
	}
	if known && at.pos != pos {
		return nil // older than what the log remembers of ids
	}
	if known && at.seq <= c.Head {
		m.Number(at.seq)
		return nil
	}
	c.Head++
	m.Number(c.Head)
	c.put(c.Head, m.Encode())
	c.unsaved.ids[c.key+"/"+m.ID+"/"+m.Sender] = unsavedID{messageAt: messageAt{seq: c.Head, pos: pos}, version: c.unsaved.version}
	c.unsaved.head = true
	e.chats.unsaved.Add(1)
	if c.isSession() {
		return nil
	}
	if r := c.readers[m.Sender]; r != nil { // else they have left since
		r.Read = max(r.Read, c.Head) // who writes has read
		c.unsaved.readers[m.Sender] = struct{}{}
	}
	e.chats.recount(c)
	return nil
}

// applyChange makes an edit or a deletion of an own message, or says why not.
// c.mu is held.
func (e *Engine) applyChange(c *conversation, m *chat.Message) (sorry string, err error) {
	target, known, err := e.lookup(c, m.Target, m.Sender)
	if err != nil {
		return "", err
	}
	if !known {
		return "target " + m.Target + " is no message of yours here", nil
	}
	seq := target.seq
	data, err := e.messageRow(c, seq)
	if err != nil || data == nil {
		return "", err
	}
	old, err := chat.Decode(data)
	if err != nil {
		return "", err
	}
	if old.Deleted() && m.Kind == chat.Edit {
		return "target " + m.Target + " is deleted and cannot be edited", nil
	}
	old.Change(m)
	c.put(seq, old.Encode())
	m.Number(seq)
	return "", nil
}

// sendMessage queues a numbered message for those who watch the conversation and
// for the feed of each member, and the sender's receipt. c.mu is held.
func (e *Engine) sendMessage(pos store.Pos, c *conversation, m *chat.Message, topic string) {
	payload, hash := m.Encode(), messageHash(c.key, m.Sender, m.ID)
	e.out.owe(pos, Outgoing{Topic: topic, Payload: payload, QoS: 1, RecordID: "cm/" + hash})
	if c.isSession() {
		return
	}
	for userID, r := range c.readers {
		if r.From >= m.Seq {
			continue // joined later
		}
		e.out.owe(pos, Outgoing{Topic: topics.UserChatTopic(userID, c.key), Payload: payload, QoS: 1, RecordID: "cu/" + hash + "/" + userID})
		if userID != m.Sender && m.Kind == chat.Say {
			e.tellMissed(pos, userID, hash+"/"+userID, m.Timestamp, payload, m.Sender)
		}
	}
	e.out.owe(pos, receiptFor(m.Sender, Receipt{
		MessageID: m.ID, Conversation: c.key, State: ReceiptStored, Seq: m.Seq, Timestamp: m.Timestamp,
	}, "cr/"+hash+"/s"))
}

// applyRead takes what a member says to have read, and tells the senders.
func (e *Engine) applyRead(pos store.Pos, in Inbound, key string, at time.Time) {
	messageID, err := chat.ParseRead(in.Payload)
	c := e.chats.get(key)
	if err != nil || c == nil {
		return // judged before; the conversation may be gone since
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	user := in.Sender.UserID
	r := c.readers[user]
	if r == nil {
		return // left since
	}
	target, known, err := e.lookup(c, messageID, "")
	if err != nil {
		e.opt.Logger.Error("how far a member has read could not be applied; is the disk damaged?", "conversation", key, "error", err)
		return
	}
	if !known {
		e.sorry(pos, in, messageID, "messageId "+messageID+" is no message of this conversation", at)
		return
	}
	seq, from := target.seq, r.seen()
	if pos <= store.Pos(c.Pos) {
		from = min(from, seq-1) // again after a crash: the receipt may not have gone out
	}
	if seq > r.Read {
		r.Read, r.Delivered = seq, max(r.Delivered, seq)
		c.unsaved.readers[user] = struct{}{}
		e.chats.recountUser(user)
	}
	if store.Pos(c.Pos) < pos {
		c.Pos, c.unsaved.head = uint64(pos), true
	}
	e.chats.changed(c)
	e.tellRead(pos, c, user, from, seq, at)
}

// mayWrite returns nil when the user may write to the conversation now, and of
// two the other one. Who is blocked is told no more than a stranger.
func (e *Engine) mayWrite(key, userID string, at time.Time) (recipient string, err error) {
	a, b, two := topics.SplitDirect(key)
	if !two {
		if !e.ConversationMember(key, userID) {
			return "", notMember(key)
		}
		return "", nil
	}
	other := a
	switch userID {
	case a:
		other = b
	case b:
	default:
		return "", notMember(key)
	}
	switch {
	case e.blocks.knows(userID, other):
		return "", fitness.Errorf("", fitness.Forbidden, "you have blocked user %s", other)
	case !e.opt.Users.Exists(other), e.blocked(userID, other), !e.peers(userID, other, at):
		return "", fitness.Errorf("", fitness.Forbidden, "you cannot write to user %s", other)
	}
	return other, nil
}
