package delivery

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"

	"github.com/fitmq/fitmq/delivery/wire"
)

// will is the message that a client leaves for the case that it is lost.
type will struct {
	topic   string
	payload []byte
	qos     byte
	retain  bool
	delay   uint32 // seconds
	props   *wire.PublishProperties
	// left is the beginning of the connection that left it, Unix nanoseconds.
	left int64
}

func newWill(w *wire.Will) *will {
	if w == nil {
		return nil
	}
	out := &will{topic: w.Topic, payload: append([]byte(nil), w.Payload...), qos: w.QoS, retain: w.Retain, delay: w.Delay}
	if !w.Properties.Empty() {
		p := w.Properties.Clone()
		out.props = &p
	}
	return out
}

// wills holds those that wait for their delay. Each belongs to a session, so
// sessions bound them.
type wills struct {
	mu  sync.Mutex
	due map[string]*pendingWill // by client id
	// left are clients whose connection has gone and whose will is neither in
	// the log nor due yet; the channel closes when it is.
	left map[string]chan struct{}
}

// leaving notes that a client's connection goes and leaves a will.
func (w *wills) leaving(clientID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left[clientID] == nil {
		w.left[clientID] = make(chan struct{})
	}
}

// settled undoes leaving.
func (w *wills) settled(clientID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if done := w.left[clientID]; done != nil {
		close(done)
		delete(w.left, clientID)
	}
}

// settle waits until what the client's earlier connection left is settled: its
// session's row must not be replaced before.
func (w *wills) settle(clientID string) {
	w.mu.Lock()
	done := w.left[clientID]
	w.mu.Unlock()
	if done != nil {
		stored(done)
	}
}

type pendingWill struct {
	w  *will
	c  *Client
	at time.Time
}

func newWills() *wills {
	return &wills{due: map[string]*pendingWill{}, left: map[string]chan struct{}{}}
}

// remove takes out a client's will, nil if none waits.
func (w *wills) remove(clientID string) *pendingWill {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.due[clientID]
	delete(w.due, clientID)
	return p
}

// sessionEnded makes a delayed will due at once: it never waits beyond the
// session [MQTT-3.1.2-8].
func (w *wills) sessionEnded(clientID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.due[clientID]; p != nil {
		p.at = time.Time{}
	}
}

func (w *wills) add(clientID string, p *pendingWill) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due[clientID] = p
}

// again has a will that the log could not take in time tried with the next tick,
// unless the client has left another one since.
func (w *wills) again(p *pendingWill) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.due[p.c.ID] == nil {
		p.at = time.Time{}
		w.due[p.c.ID] = p
	}
}

func (w *wills) take(now time.Time) []*pendingWill {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []*pendingWill
	for id, p := range w.due {
		if !p.at.After(now) {
			list = append(list, p)
			delete(w.due, id)
		}
	}
	return list
}

// leaveWill publishes a lost client's will, after its delay or when the session
// ends, whichever is first.
func (h *Hub) leaveWill(s *Session, w *will) {
	defer h.wills.settled(s.id)
	c := s.who.Load()
	s.mu.Lock()
	expiry := s.expiry
	s.mu.Unlock()
	delay := min(w.delay, expiry)
	if delay == 0 {
		if stored(h.publishWill(c, w)) {
			h.willGone(s, w)
		} else {
			h.wills.again(&pendingWill{w: w, c: c})
		}
		return
	}
	h.wills.add(s.id, &pendingWill{w: w, c: c, at: h.now().Add(time.Duration(delay) * time.Second)})
}

// returned drops the delayed will of a client that is back [MQTT-3.1.3-9], or
// publishes it if its time has come: no delay was asked for, it is over, or
// the session was not continued.
func (h *Hub) returned(clientID string) {
	if p := h.wills.remove(clientID); p != nil && !p.at.After(h.now()) {
		stored(h.publishWill(p.c, p.w)) // if not, a restart publishes it
	}
}

// publishDueWills publishes the wills whose time has come. What the log has not
// taken after a while is tried with the next tick, and stays in its session until
// then.
func (h *Hub) publishDueWills() {
	due := h.wills.take(h.now())
	published := make([]<-chan struct{}, 0, len(due))
	for _, p := range due {
		published = append(published, h.publishWill(p.c, p.w))
	}
	patient := true
	for i, p := range due {
		if patient = patient && stored(published[i]); !patient && !isClosed(published[i]) {
			h.wills.again(p)
			continue
		}
		if s := h.session(p.c.ID); s != nil {
			h.willGone(s, p.w)
		}
	}
}

// publishWaiting publishes the will of a session that has ended, and waits until the
// log has it, since the session's row goes then.
func (h *Hub) publishWaiting(clientID string) {
	if p := h.wills.remove(clientID); p != nil {
		stored(h.publishWill(p.c, p.w))
	}
}

// dropWill deletes the will of a connection that ends cleanly [MQTT-3.14.4-3],
// from the disk, too, before the client sees the connection closed: no crash
// brings it back.
func (s *Session) dropWill(l *link) {
	s.mu.Lock()
	had := s.will != nil && s.link.Load() == l
	if had {
		s.will = nil
	}
	s.mu.Unlock()
	if !had {
		return
	}
	if err := s.hub.saveSession(s); err != nil {
		s.hub.log.Error("store a session", "client", s.id, "error", err)
	}
}

// willGone takes a published will out of the session and of its stored form.
func (h *Hub) willGone(s *Session, w *will) {
	s.mu.Lock()
	if s.will == w {
		s.will = nil
	}
	ended := s.ended
	s.mu.Unlock()
	if ended {
		return
	}
	if err := h.saveSession(s); err != nil {
		h.log.Error("store a session", "client", s.id, "error", err)
	}
}

// recordID is the same for every attempt to publish one will: a restart may not
// know of the one before it.
func (w *will) recordID(clientID string) string {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(clientID), uint64(w.left)))
	return "will/" + hex.EncodeToString(sum[:16])
}

// willPatience is how long the end of a connection waits until its will is in
// the log, before the session's row forgets it. When the store takes longer the
// row keeps it: after a crash it is published again, under the same record id.
const willPatience = 2 * time.Second

// isClosed reports whether what publishWill was asked for is done.
func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// stored waits until what publishWill was asked for is done.
func stored(done <-chan struct{}) bool {
	patience := time.NewTimer(willPatience)
	defer patience.Stop()
	select {
	case <-done:
		return true
	case <-patience.C:
		return false
	}
}

// publishWill publishes with the rights that the client has now. The channel is
// closed once the will is in the log, or refused.
func (h *Hub) publishWill(c *Client, w *will) <-chan struct{} {
	published := make(chan struct{})
	m := &Message{
		Topic: w.topic, Payload: w.payload, QoS: w.qos, Retain: w.retain, Props: w.props,
		At: h.now().UnixNano(), From: Origin{ClientID: c.ID, UserID: c.UserID, Role: c.Role},
	}
	if w.props != nil && w.props.HasExpiry {
		m.Expires = m.At + int64(w.props.Expiry)*int64(time.Second)
	}
	h.publishAs(c, m, w.recordID(c.ID), func(code wire.Code, reason string) {
		if code != wire.UnspecifiedError { // that is the store's: the row keeps the will
			close(published)
		}
		if code.Failed() {
			h.log.Info("a will was refused", "client", c.ID, "topic", w.topic, "reason", reason)
			return
		}
		h.stats.Wills.Add(1)
	})
	return published
}
