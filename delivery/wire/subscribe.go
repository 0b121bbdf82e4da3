package wire

import "strings"

// sharePrefix begins the filter of a shared subscription [4.8.2].
const sharePrefix = "$share/"

// Subscription is one topic filter of a SUBSCRIBE with its options [3.8.3.1].
type Subscription struct {
	// Filter is valid UTF-8 and not empty. Whether it is a valid filter is not
	// checked here: an invalid one is answered in the SUBACK, by itself.
	Filter            string
	QoS               byte // 0..2, the most the subscriber wants
	NoLocal           bool
	RetainAsPublished bool
	RetainHandling    byte // 0..2
}

// Subscribe is a SUBSCRIBE packet [3.8].
type Subscribe struct {
	PacketID uint16
	// ID is the subscription identifier, 1..268,435,455; 0 means none.
	ID            uint32
	Subscriptions []Subscription // at least one
}

// ParseSubscribe reads a SUBSCRIBE body. The result shares no memory with it.
// The error is an *Error.
func ParseSubscribe(version byte, body []byte) (*Subscribe, error) {
	s := scanner{b: body}
	id, err := s.packetID()
	if err != nil {
		return nil, err
	}
	p := &Subscribe{PacketID: id}
	if version >= V5 {
		list, err := s.properties(inSubscribe)
		if err != nil {
			return nil, err
		}
		if p.ID, err = subscriptionID(&list); err != nil {
			return nil, err
		}
	}
	if len(s.b) == 0 {
		return nil, violation("SUBSCRIBE carries no topic filter [MQTT-3.8.3-2]")
	}
	for len(s.b) > 0 {
		sub, err := s.subscription(version)
		if err != nil {
			return nil, err
		}
		p.Subscriptions = append(p.Subscriptions, sub)
	}
	return p, nil
}

func subscriptionID(list *propScanner) (id uint32, err error) {
	var v property
	for list.more() {
		if err := list.next(&v); err != nil {
			return 0, err
		}
		if v.id != propSubscriptionID {
			continue
		}
		if v.num == 0 {
			return 0, violation("subscription identifier is 0 [3.8.2.1.2]")
		}
		id = v.num
	}
	return id, nil
}

// filter reads a topic filter: a string that is not empty.
func (s *scanner) filter() (string, error) {
	b, err := s.text()
	if err != nil {
		return "", err
	}
	if len(b) == 0 {
		return "", malformed("topic filter is empty [MQTT-4.7.3-1]")
	}
	return string(b), nil
}

func (s *scanner) subscription(version byte) (Subscription, error) {
	filter, err := s.filter()
	if err != nil {
		return Subscription{}, err
	}
	o, err := s.u8()
	if err != nil {
		return Subscription{}, malformed("topic filter has no options [MQTT-3.8.3-1]")
	}
	if o&3 == 3 {
		return Subscription{}, violation("subscription wants QoS 3 [3.8.3.1]")
	}
	if version < V5 {
		if o > 2 {
			return Subscription{}, malformed("reserved bits are set beside the requested QoS [MQTT-3.8.3-4 of MQTT 3.1.1]")
		}
		return Subscription{Filter: filter, QoS: o}, nil
	}
	sub := Subscription{Filter: filter, QoS: o & 3, NoLocal: o&4 != 0, RetainAsPublished: o&8 != 0, RetainHandling: o >> 4 & 3}
	switch {
	case o&0xC0 != 0:
		return Subscription{}, malformed("reserved subscription option bits are set [MQTT-3.8.3-5]")
	case sub.RetainHandling == 3:
		return Subscription{}, violation("retain handling is 3 [3.8.3.1]")
	case sub.NoLocal && strings.HasPrefix(filter, sharePrefix):
		return Subscription{}, violation("No Local on a shared subscription [MQTT-3.8.3-4]")
	}
	return sub, nil
}

// Unsubscribe is an UNSUBSCRIBE packet [3.10].
type Unsubscribe struct {
	PacketID uint16
	Filters  []string // at least one, none of them empty
}

// ParseUnsubscribe reads an UNSUBSCRIBE body. The result shares no memory with
// it. The error is an *Error.
func ParseUnsubscribe(version byte, body []byte) (*Unsubscribe, error) {
	s := scanner{b: body}
	id, err := s.packetID()
	if err != nil {
		return nil, err
	}
	if version >= V5 {
		list, err := s.properties(inUnsubscribe)
		if err != nil {
			return nil, err
		}
		if err := list.skip(); err != nil {
			return nil, err
		}
	}
	if len(s.b) == 0 {
		return nil, violation("UNSUBSCRIBE carries no topic filter [MQTT-3.10.3-2]")
	}
	p := &Unsubscribe{PacketID: id}
	for len(s.b) > 0 {
		filter, err := s.filter()
		if err != nil {
			return nil, err
		}
		p.Filters = append(p.Filters, filter)
	}
	return p, nil
}

// AppendSuback appends a SUBACK with a code for each filter, in the SUBSCRIBE's
// order [MQTT-3.8.4-6]. Versions before 5 know of the failures only 0x80.
func AppendSuback(dst []byte, version byte, id uint16, codes []Code) []byte {
	remaining := 2 + len(codes)
	if version >= V5 {
		remaining++
	}
	dst = appendID(appendVarint(append(dst, SUBACK<<4), remaining), id)
	if version >= V5 {
		dst = append(dst, 0) // no properties
	}
	for _, c := range codes {
		if version < V5 && c > GrantedQoS2 {
			c = UnspecifiedError
		}
		dst = append(dst, byte(c))
	}
	return dst
}

// AppendUnsuback appends an UNSUBACK with a code for each filter, in the
// UNSUBSCRIBE's order [MQTT-3.11.3-1]. Versions before 5 have no codes there.
func AppendUnsuback(dst []byte, version byte, id uint16, codes []Code) []byte {
	if version < V5 {
		return appendID(append(dst, UNSUBACK<<4, 2), id)
	}
	dst = appendVarint(append(dst, UNSUBACK<<4), 3+len(codes))
	dst = append(appendID(dst, id), 0) // no properties
	for _, c := range codes {
		dst = append(dst, byte(c))
	}
	return dst
}
