package delivery

import (
	"cmp"
	"sync"
)

// takes is what the client takes, as its CONNECT said.
type takes struct {
	// window is how many QoS 1 and 2 messages at once: its Receive Maximum, at
	// most Limits.MaxInflight.
	window    int
	maxPacket uint32 // bytes, its Maximum Packet Size
	problem   bool   // it wants reason strings [3.1.2.11.7]
	// named are the aliases that it has been given.
	named outAliases
}

// agree takes over what CONNECT said.
func (t *takes) agree(c *Connect, maxInflight int) {
	t.window = maxInflight
	if c.ReceiveMaximum != 0 {
		t.window = min(t.window, int(c.ReceiveMaximum))
	}
	t.maxPacket = cmp.Or(c.MaximumPacketSize, ^uint32(0))
	t.problem = c.ProblemInformation
	t.named.max = min(c.TopicAliasMaximum, maxOutAliases)
}

// put writes a PUBLISH to the connection; id is 0 for QoS 0. ok is false when it
// is over the client's Maximum Packet Size: then it is not sent, as if it had
// been delivered [MQTT-3.1.2-25].
func (l *link) put(m *Message, id uint16, qos byte, retain, dup bool, ids []uint32) (dirty, ok bool) {
	if l.stream != nil {
		l.stream.put(m, id, qos, retain, dup, ids)
		return false, true
	}
	if l.named.max > 0 {
		l.named.mu.Lock() // a topic must not be sent by its alias before its name
		defer l.named.mu.Unlock()
	}
	named := len(l.named.byTopic)
	f := l.encode(m, qos, retain, dup, ids)
	if uint64(len(f.b)) > uint64(l.maxPacket) {
		if len(l.named.byTopic) > named {
			delete(l.named.byTopic, m.Topic) // the client has not been told
		}
		return false, false
	}
	at := f.idAt
	if qos == 0 {
		at = 0
	}
	if l.packer != nil && l.packer.Packs(len(m.Payload)) {
		head := f.b[:len(f.b)-len(m.Payload)]
		if packed := m.packedBy(l.packer); packed != nil && len(head) <= packHead {
			return l.packer.SendPacked(head, at, id, packed), true
		}
	}
	if qos == 0 {
		return l.conn.Send(f.b), true
	}
	return l.conn.SendID(f.b, at, id), true
}

// packHead is how much may stand before a payload that is sent compressed.
const packHead = 1<<16 - 1

// encode returns the PUBLISH for this receiver: the shared encoding when
// nothing in it is the receiver's own.
func (l *link) encode(m *Message, qos byte, retain, dup bool, ids []uint32) *frame {
	version := l.client.Version
	if version < 5 {
		ids = nil
	}
	expiry := m.expiryInterval()
	if m.Expires != 0 {
		expiry = m.remaining(l.s.hub.now())
	}
	var alias uint16
	var known bool
	if l.named.max > 0 {
		alias, known = l.named.of(m.Topic)
	}
	if dup || len(ids) > 0 || alias != 0 || expiry != m.expiryInterval() {
		f := m.encode(&encoding{version: version, qos: qos, retain: retain, dup: dup, ids: ids, expiry: expiry, alias: alias, omit: known}, nil)
		return &f
	}
	return m.frameFor(version, qos, retain)
}

// maxOutAliases bounds the memory for aliases towards one client: further
// topics are sent by their names.
const maxOutAliases = 64

// outAliases are the topic aliases towards one client, as many as it allows
// [MQTT-3.1.2-26]: the first topics it gets keep theirs.
type outAliases struct {
	max     uint16
	mu      sync.Mutex // guards byTopic, and the order of what is sent under it
	byTopic map[string]uint16
}

// of returns the topic's alias, 0 for none, and whether the client knows it.
func (a *outAliases) of(topic string) (alias uint16, known bool) {
	if alias, known = a.byTopic[topic]; known {
		return alias, true
	}
	if len(a.byTopic) >= int(a.max) {
		return 0, false
	}
	if a.byTopic == nil {
		a.byTopic = map[string]uint16{}
	}
	alias = uint16(len(a.byTopic) + 1)
	a.byTopic[topic] = alias
	return alias, false
}
