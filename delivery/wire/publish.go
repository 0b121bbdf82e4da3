package wire

import "encoding/binary"

// Publish is a PUBLISH packet as it came in [3.3]. Its slices point into the
// packet.
type Publish struct {
	Dup    bool
	QoS    byte // 0..2
	Retain bool
	// Topic is empty only when Props.TopicAlias stands for it.
	Topic    []byte
	PacketID uint16 // 1..65,535; 0 with QoS 0
	Payload  []byte
	Props    PublishProperties
}

// Parse reads a PUBLISH without allocating (except to join user properties
// that other properties stand between). header is the packet's first byte, body
// what follows the fixed header; the result is valid as long as body is. The
// error is an *Error. Whether an alias or the QoS is acceptable is the caller's
// to judge.
func (p *Publish) Parse(version, header byte, body []byte) error {
	*p = Publish{Dup: header&8 != 0, QoS: header >> 1 & 3, Retain: header&1 != 0}
	if p.QoS == 3 {
		return malformed("PUBLISH has QoS 3 [MQTT-3.3.1-4]")
	}
	if p.Dup && p.QoS == 0 {
		return malformed("PUBLISH with QoS 0 has the DUP flag [MQTT-3.3.1-2]")
	}
	s := scanner{b: body}
	topic, err := s.binary()
	if err != nil {
		return err
	}
	valid, wildcard := scanTopic(topic)
	if !valid {
		return malformed("topic name: " + reasonUTF8)
	}
	if wildcard {
		return &Error{Code: TopicNameInvalid, Reason: "topic name has a wildcard [MQTT-3.3.2-2]"}
	}
	p.Topic = topic
	if p.QoS > 0 {
		if p.PacketID, err = s.packetID(); err != nil {
			return err
		}
	}
	if version >= V5 {
		list, err := s.properties(inPublish)
		if err != nil {
			return err
		}
		if list.more() {
			if err := p.Props.parse(&list); err != nil {
				return err
			}
		}
	}
	if len(topic) == 0 && p.Props.TopicAlias == 0 {
		return violation("PUBLISH has neither a topic nor a topic alias [MQTT-4.7.3-1]")
	}
	p.Payload = s.b
	return nil
}

// packetID reads a packet identifier, which must not be 0 [MQTT-2.2.1-3].
func (s *scanner) packetID() (uint16, error) {
	id, err := s.u16()
	if err == nil && id == 0 {
		return 0, violation("packet identifier is 0 [MQTT-2.2.1-3]")
	}
	return id, err
}

// PublishOut is a PUBLISH to encode.
type PublishOut struct {
	// Topic is written unless OmitTopic says that TopicAlias stands for it.
	Topic    string
	Payload  []byte
	QoS      byte
	Retain   bool
	Dup      bool
	PacketID uint16 // 0 for a frame whose id is patched later
	// Props may be nil. Its Expiry is what remains of it, its TopicAlias is
	// not used.
	Props *PublishProperties
	// SubscriptionIDs of the subscriptions that matched, each 1..268,435,455.
	SubscriptionIDs []uint32
	TopicAlias      uint16 // 0 = none
	OmitTopic       bool
}

// AppendPublish appends the packet to dst. idAt is the offset of the packet
// identifier's two bytes from the old end of dst, 0 with QoS 0. Properties,
// aliases and subscription identifiers are left out for versions before 5. The
// caller keeps the packet within MaxRemaining. It allocates only to grow dst.
func AppendPublish(dst []byte, version byte, p *PublishOut) (frame []byte, idAt int) {
	start := len(dst)
	topic := cutText(p.Topic, 65_535)
	if p.OmitTopic && version >= V5 {
		topic = ""
	}
	remaining := 2 + len(topic) + len(p.Payload)
	if p.QoS > 0 {
		remaining += 2
	}
	props := 0
	if version >= V5 {
		props = p.propsSize()
		remaining += varintSize(props) + props
	}
	header := PUBLISH<<4 | p.QoS<<1
	if p.Dup {
		header |= 8
	}
	if p.Retain {
		header |= 1
	}
	dst = appendVarint(append(dst, header), remaining)
	dst = appendText(dst, topic)
	if p.QoS > 0 {
		idAt = len(dst) - start
		dst = binary.BigEndian.AppendUint16(dst, p.PacketID)
	}
	if version >= V5 {
		dst = p.appendProps(appendVarint(dst, props))
	}
	return append(dst, p.Payload...), idAt
}

func (p *PublishOut) propsSize() int {
	n := 0
	if p.Props != nil {
		n = p.Props.size()
	}
	for _, id := range p.SubscriptionIDs {
		n += 1 + varintSize(int(id))
	}
	if p.TopicAlias != 0 {
		n += 3
	}
	return n
}

func (p *PublishOut) appendProps(dst []byte) []byte {
	if p.TopicAlias != 0 {
		dst = append(dst, propTopicAlias, byte(p.TopicAlias>>8), byte(p.TopicAlias))
	}
	for _, id := range p.SubscriptionIDs {
		dst = appendVarint(append(dst, propSubscriptionID), int(id))
	}
	if p.Props != nil {
		dst = p.Props.Append(dst)
	}
	return dst
}
