package engine

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/chat"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// sessionPrefix tells the key of a session's chat from a conversation's, whose
// ids have no colon.
const sessionPrefix = "session:"

// groupRecord is a group as it is stored.
type groupRecord struct {
	Title     string               `json:"title"`
	Owner     string               `json:"owner"`
	Members   map[string]time.Time `json:"members"` // since when
	CreatedAt time.Time            `json:"createdAt"`
}

// headRecord is how far a conversation has come, as it is stored. What the log
// holds up to Pos has been applied.
type headRecord struct {
	Head uint64 `json:"head"`
	Pos  uint64 `json:"pos"`
}

// readerRecord is how far a member has come. From is the last message from
// before they were a member.
type readerRecord struct {
	From      uint64 `json:"from,omitempty"`
	Read      uint64 `json:"read,omitempty"`
	Delivered uint64 `json:"delivered,omitempty"`
}

// seen is the last message that counts as read.
func (r *readerRecord) seen() uint64 { return max(r.Read, r.From) }

// conversation is a conversation of two, a group, or a session's chat, at work.
type conversation struct {
	key string

	mu    sync.Mutex   // guards what follows
	group *groupRecord // nil for two, and for a session
	headRecord
	readers map[string]*readerRecord // of members; none in a session
	unsaved unsavedChat
	counts  map[countKey]counted
}

// unsavedChat is what a checkpoint has to write; what is in it is newer than the
// tables.
type unsavedChat struct {
	head    bool
	readers map[string]struct{}
	rows    map[uint64]unsavedRow // by seq
	ids     map[string]unsavedID  // by key in tableMessageIDs
	version uint64                // of the newest change in rows and ids
}

type unsavedRow struct {
	data    []byte
	version uint64
}

type unsavedID struct {
	messageAt
	version uint64
}

// messageAt is where a message is: its seq, and its record in the log.
type messageAt struct {
	seq uint64
	pos store.Pos
}

func newConversation(key string) *conversation {
	return &conversation{
		key: key, readers: make(map[string]*readerRecord), counts: make(map[countKey]counted),
		unsaved: unsavedChat{readers: make(map[string]struct{}), rows: make(map[uint64]unsavedRow), ids: make(map[string]unsavedID)},
	}
}

// isSession reports whether it is a session's chat.
func (c *conversation) isSession() bool { return strings.HasPrefix(c.key, sessionPrefix) }

// unread is how many messages the member has not read. c.mu is held.
func (c *conversation) unread(r *readerRecord) uint64 {
	if seen := r.seen(); seen < c.Head {
		return c.Head - seen
	}
	return 0 // readers are saved before heads: a crash between them leaves them ahead until the log is read again
}

// put keeps a message's present text. c.mu is held.
func (c *conversation) put(seq uint64, data []byte) {
	c.unsaved.version++
	c.unsaved.rows[seq] = unsavedRow{data: data, version: c.unsaved.version}
}

// chats is all conversations, and who is in them.
type chats struct {
	book[conversation]
	rate    rates
	unsaved atomic.Int64 // messages that no checkpoint has written yet

	mu       sync.Mutex // guards what follows; a conversation's mu may be held
	byUser   map[string]map[*conversation]struct{}
	dirty    map[*conversation]struct{} // to be saved
	counting map[*conversation]struct{} // with receipts to be counted
	stale    map[string]struct{}        // users whose unread counts have changed
	next     time.Time                  // of the next unread counts and receipts
	ids      io.Reader                  // entropy of message ids
}

func (s *chats) init() {
	s.book.init()
	s.rate.init(0, 0) // each role has its own
	s.byUser = make(map[string]map[*conversation]struct{})
	s.dirty, s.counting = make(map[*conversation]struct{}), make(map[*conversation]struct{})
	s.stale = make(map[string]struct{})
	s.ids = ulid.Monotonic(rand.Reader, 0)
}

// newID returns a ULID of that moment; they rise within a millisecond.
func (s *chats) newID(at time.Time) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := ulid.New(ulid.Timestamp(at), s.ids)
	if err != nil { // more than 2^80 in a millisecond, or a clock after the year 10889
		return "", &fitness.Error{Op: "make a message id", Kind: fitness.Internal, Err: err}
	}
	return id.String(), nil
}

// changed has the conversation saved.
func (s *chats) changed(c *conversation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty[c] = struct{}{}
}

// reader returns the member's state, made where there is none. c.mu is held.
func (s *chats) reader(c *conversation, userID string) *readerRecord {
	r := c.readers[userID]
	if r == nil {
		r = &readerRecord{}
		c.readers[userID] = r
		s.join(c, userID)
	}
	return r
}

// join notes that the user is in the conversation.
func (s *chats) join(c *conversation, userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byUser[userID] == nil {
		s.byUser[userID] = make(map[*conversation]struct{})
	}
	s.byUser[userID][c] = struct{}{}
	s.stale[userID] = struct{}{}
}

// leave is the end of join.
func (s *chats) leave(c *conversation, userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byUser[userID], c)
	s.stale[userID] = struct{}{}
}

// of lists the user's conversations, in any order.
func (s *chats) of(userID string) []*conversation {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*conversation, 0, len(s.byUser[userID]))
	for c := range s.byUser[userID] {
		list = append(list, c)
	}
	return list
}

// open returns the conversation, made where it is missing.
func (s *chats) open(key string) *conversation {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	c := s.m[key]
	if c == nil {
		c = newConversation(key)
		s.m[key] = c
	}
	return c
}

// ConversationMember reports whether the user is one of the two, or in the group.
func (e *Engine) ConversationMember(conversationID, userID string) bool {
	if a, b, ok := topics.SplitDirect(conversationID); ok {
		return userID == a || userID == b
	}
	c := e.chats.get(conversationID)
	if c == nil || userID == "" {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.has(userID)
}

// has reports whether the user is in the group. c.mu is held.
func (c *conversation) has(userID string) bool {
	if c.group == nil {
		return false
	}
	_, ok := c.group.Members[userID]
	return ok
}

// messageHash is the part of record ids that stands for a message: the same
// whenever it is computed, and short whatever the ids are.
func messageHash(key, sender, messageID string) string {
	sum := sha256.Sum256([]byte(key + "\x00" + sender + "\x00" + messageID))
	return hex.EncodeToString(sum[:16])
}

// handleMessage judges a message, or a change of one, and stamps it. It gets its
// seq and goes out in applyMessage, in the order of the log; a messageId that the
// sender has used before is in the log already and comes no further.
func (e *Engine) handleMessage(in Inbound, key string, place chat.Place, at time.Time) (Outcome, error) {
	m, err := chat.Parse(in.Payload)
	if err != nil {
		return Outcome{}, err
	}
	sender := in.Sender.UserID
	if m.Sender != "" && m.Sender != sender {
		return Outcome{}, chat.WrongSender(m.Sender, sender)
	}
	if place.Session == "" {
		if place.Recipient, err = e.mayWrite(key, sender, at); err != nil {
			return Outcome{}, err
		}
	} else if !e.SessionMember(place.Session, sender) {
		return Outcome{}, fitness.Errorf("", fitness.Forbidden, "only members of session %s may write there", place.Session)
	}
	if may := e.opt.allowance(in.Sender.Role); !e.chats.rate.takeOf(sender, may.ChatBurst, may.ChatRate, at) {
		return Outcome{}, fitness.Errorf("", fitness.Rate, "messages come too fast: over the limit of %g at once and %g a second", may.ChatBurst, may.ChatRate)
	}
	if m.ID == "" {
		if m.ID, err = e.chats.newID(at); err != nil {
			return Outcome{}, err
		}
	}
	m.Stamp(sender, place, at)
	return Outcome{Log: true, RecordID: "chat/" + messageHash(key, sender, m.ID), Payload: m.Encode()}, nil
}

// handleRead judges how far a member says to have read; it counts in applyRead.
func (e *Engine) handleRead(in Inbound, key string) (Outcome, error) {
	if _, err := chat.ParseRead(in.Payload); err != nil {
		return Outcome{}, err
	}
	if !e.ConversationMember(key, in.Sender.UserID) {
		return Outcome{}, notMember(key)
	}
	return Outcome{Log: true}, nil
}

// handleTyping sends a sign of writing at QoS 0, whatever it came with: it is
// neither queued nor stored.
func (e *Engine) handleTyping(in Inbound, key string, at time.Time) (Outcome, error) {
	payload, err := chat.ParseTyping(in.Payload, in.Sender.UserID, at)
	if err != nil {
		return Outcome{}, err
	}
	if _, err := e.mayWrite(key, in.Sender.UserID, at); err != nil {
		return Outcome{}, err
	}
	if may := e.opt.allowance(in.Sender.Role); !e.chats.rate.takeOf("typing/"+in.Sender.UserID, may.ChatBurst, may.ChatRate, at) {
		return Outcome{}, fitness.Errorf("", fitness.Rate, "typing comes too fast: over the limit of %g at once and %g a second", may.ChatBurst, may.ChatRate)
	}
	e.out.push(Outgoing{Topic: topics.ChatTypingTopic(key), Payload: payload})
	e.out.drain()
	return Outcome{}, nil
}

func notMember(key string) error {
	return fitness.Errorf("", fitness.Forbidden, "only members of conversation %.130s may", key)
}

// rates is an allowance for each of many.
type rates struct {
	burst, perSecond float64 // where all have the same

	mu    sync.Mutex // guards what follows
	m     map[string]*bucket
	swept time.Time
	whole float64 // the longest that an allowance takes to be whole again, in seconds
}

func (r *rates) init(burst, perSecond float64) {
	r.m = make(map[string]*bucket)
	r.burst, r.perSecond = burst, perSecond
}

// take uses up one, or reports that there is none.
func (r *rates) take(who string, at time.Time) bool { return r.takeOf(who, r.burst, r.perSecond, at) }

// takeOf is take of an allowance of one's own; where burst or perSecond is not
// positive there is no bound. Who is at rest costs no memory for longer than a
// minute after the allowance is whole again.
func (r *rates) takeOf(who string, burst, perSecond float64, at time.Time) bool {
	if burst <= 0 || perSecond <= 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.whole = max(r.whole, burst/perSecond)
	if at.Sub(r.swept) >= time.Minute {
		r.swept = at
		for id, b := range r.m {
			if at.Sub(b.at).Seconds() > r.whole {
				delete(r.m, id)
			}
		}
	}
	b := r.m[who]
	if b == nil {
		b = &bucket{}
		r.m[who] = b
	}
	return b.take(at, burst, perSecond)
}

// lookup returns where a message of the sender is, or of anybody where sender is
// empty, and false when there is none. c.mu is held.
func (e *Engine) lookup(c *conversation, messageID, sender string) (at messageAt, known bool, err error) {
	prefix := c.key + "/" + messageID + "/"
	if id, ok := c.unsaved.ids[prefix+sender]; ok {
		return id.messageAt, true, nil
	}
	if sender == "" { // bounded by what a second brings: it is saved then
		for key, id := range c.unsaved.ids {
			if strings.HasPrefix(key, prefix) && id.seq > at.seq {
				at, known = id.messageAt, true
			}
		}
	}
	if known {
		return at, true, nil
	}
	return e.storedID(prefix, sender)
}

// messageRow returns a message's present text, or nil. c.mu is held.
func (e *Engine) messageRow(c *conversation, seq uint64) ([]byte, error) {
	if r, ok := c.unsaved.rows[seq]; ok {
		return r.data, nil
	}
	return e.storedRow(c.key, seq)
}

// Refusal is the payload of user/{uid}/error about what was found out after the
// message was stored.
type Refusal struct {
	Topic     string    `json:"topic"`
	Code      int       `json:"code"`
	Reason    string    `json:"reason"`
	MessageID string    `json:"messageId,omitempty"`
	Timestamp time.Time `json:"timestamp"`
}

// sorry tells a sender that a stored message has no effect.
func (e *Engine) sorry(pos store.Pos, in Inbound, messageID, reason string, at time.Time) {
	if in.Sender.UserID == "" {
		return
	}
	payload, err := json.Marshal(Refusal{Topic: in.Topic, Code: codeSpecific, Reason: reason, MessageID: messageID, Timestamp: at})
	if err != nil {
		return // cannot be: strings, a number and a time
	}
	e.out.owe(pos, Outgoing{Topic: topics.UserErrorTopic(in.Sender.UserID), Payload: payload, QoS: 1, RecordID: "sorry/" + posKey(uint64(pos))})
}
