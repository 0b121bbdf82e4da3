package wire

import "bytes"

// Property identifiers [2.2.2.2].
const (
	propPayloadFormat     = 0x01
	propExpiry            = 0x02
	propContentType       = 0x03
	propResponseTopic     = 0x08
	propCorrelation       = 0x09
	propSubscriptionID    = 0x0B
	propSessionExpiry     = 0x11
	propAuthMethod        = 0x15
	propAuthData          = 0x16
	propRequestProblem    = 0x17
	propWillDelay         = 0x18
	propRequestResponse   = 0x19
	propReasonString      = 0x1F
	propReceiveMaximum    = 0x21
	propTopicAliasMaximum = 0x22
	propTopicAlias        = 0x23
	propUser              = 0x26
	propMaximumPacketSize = 0x27
)

// Where a property may stand, of what a client sends.
const (
	inConnect = 1 << iota
	inWill
	inPublish
	inAck
	inSubscribe
	inUnsubscribe
	inDisconnect
	inAuth
)

type propKind byte

const (
	kindByte propKind = iota + 1
	kindU16
	kindU32
	kindVarint
	kindText
	kindBinary
	kindPair
)

type propRule struct {
	kind propKind // 0: not a property
	in   byte
}

var propRules = [64]propRule{
	propPayloadFormat:     {kindByte, inWill | inPublish},
	propExpiry:            {kindU32, inWill | inPublish},
	propContentType:       {kindText, inWill | inPublish},
	propResponseTopic:     {kindText, inWill | inPublish},
	propCorrelation:       {kindBinary, inWill | inPublish},
	propSubscriptionID:    {kindVarint, inPublish | inSubscribe},
	propSessionExpiry:     {kindU32, inConnect | inDisconnect},
	propAuthMethod:        {kindText, inConnect | inAuth},
	propAuthData:          {kindBinary, inConnect | inAuth},
	propRequestProblem:    {kindByte, inConnect},
	propWillDelay:         {kindU32, inWill},
	propRequestResponse:   {kindByte, inConnect},
	propReasonString:      {kindText, inAck | inDisconnect | inAuth},
	propReceiveMaximum:    {kindU16, inConnect},
	propTopicAliasMaximum: {kindU16, inConnect},
	propTopicAlias:        {kindU16, inPublish},
	propUser:              {kindPair, inConnect | inWill | inPublish | inAck | inSubscribe | inUnsubscribe | inDisconnect | inAuth},
	propMaximumPacketSize: {kindU32, inConnect},
}

// property is one decoded property: num for the numbers, data for text and
// binary, and for a user property its whole encoding, identifier included.
type property struct {
	id   byte
	num  uint32
	data []byte
}

// propScanner walks a property list. seen holds one bit per identifier met.
type propScanner struct {
	s    scanner
	in   byte
	seen uint64
	// copied: the user properties have left the packet's memory, see joinUser.
	copied bool
}

// properties cuts a property list, with its length in front, off s [2.2.2].
func (s *scanner) properties(in byte) (propScanner, error) {
	n, err := s.varint()
	if err != nil {
		return propScanner{}, err
	}
	if int(n) > len(s.b) {
		return propScanner{}, malformed("property length overruns the packet [2.2.2.1]")
	}
	p := propScanner{s: scanner{b: s.b[:n:n]}, in: in}
	s.b = s.b[n:]
	return p, nil
}

func (p *propScanner) more() bool { return len(p.s.b) > 0 }

// next decodes one property into v; more must have said true.
func (p *propScanner) next(v *property) error {
	start := p.s.b
	id := start[0]
	p.s.b = start[1:]
	if int(id) >= len(propRules) || propRules[id].in&p.in == 0 {
		return malformed("property is unknown or not allowed in this packet [2.2.2.2]")
	}
	if p.seen&(1<<id) != 0 && id != propUser {
		return violation("property stands more than once [2.2.2.2]")
	}
	p.seen |= 1 << id
	v.id = id
	var err error
	switch propRules[id].kind {
	case kindByte:
		var b byte
		if b, err = p.s.u8(); err == nil && b > 1 {
			return violation("property takes only 0 or 1 [2.2.2.2]")
		}
		v.num = uint32(b)
	case kindU16:
		var n uint16
		n, err = p.s.u16()
		v.num = uint32(n)
	case kindU32:
		v.num, err = p.s.u32()
	case kindVarint:
		v.num, err = p.s.varint()
	case kindText:
		v.data, err = p.s.text()
	case kindBinary:
		v.data, err = p.s.binary()
	case kindPair:
		if _, err = p.s.text(); err == nil {
			_, err = p.s.text()
		}
		v.data = start[:len(start)-len(p.s.b)] // not capped: see joinUser
	}
	return err
}

// skip walks the rest of a list whose values nobody needs.
func (p *propScanner) skip() error {
	var v property
	for p.more() {
		if err := p.next(&v); err != nil {
			return err
		}
	}
	return nil
}

// PublishProperties are the properties of an application message or a will
// [3.3.2.3]. After Publish.Parse its slices point into the packet; Clone gives
// a copy that may be kept.
type PublishProperties struct {
	// PayloadFormat is 1 when the payload is UTF-8 text, 0 for bytes.
	PayloadFormat    byte
	HasPayloadFormat bool
	// Expiry is the message expiry interval in seconds.
	Expiry    uint32
	HasExpiry bool
	// ContentType and ResponseTopic are UTF-8; nil means absent, empty means
	// present and empty.
	ContentType   []byte
	ResponseTopic []byte
	// Correlation is the correlation data; it may be present and empty.
	Correlation    []byte
	HasCorrelation bool
	// User is the user properties as they came, encoded and in their order
	// [MQTT-3.3.2-18]; nil when there are none.
	User []byte
	// TopicAlias is 1..65,535; 0 means none. It belongs to the connection and
	// is never forwarded.
	TopicAlias uint16
}

// Empty tells whether there is nothing to forward.
func (p *PublishProperties) Empty() bool {
	return !p.HasPayloadFormat && !p.HasExpiry && p.ContentType == nil && p.ResponseTopic == nil &&
		!p.HasCorrelation && p.User == nil
}

// Clone returns a copy that shares no memory with the packet.
func (p *PublishProperties) Clone() PublishProperties {
	c := *p
	c.ContentType = bytes.Clone(p.ContentType)
	c.ResponseTopic = bytes.Clone(p.ResponseTopic)
	c.Correlation = bytes.Clone(p.Correlation)
	c.User = bytes.Clone(p.User)
	return c
}

// Append appends the properties in their wire form, without the list's length
// and without the topic alias. Decode reads it back.
func (p *PublishProperties) Append(dst []byte) []byte {
	if p.HasPayloadFormat {
		dst = append(dst, propPayloadFormat, p.PayloadFormat)
	}
	if p.HasExpiry {
		dst = append(dst, propExpiry, byte(p.Expiry>>24), byte(p.Expiry>>16), byte(p.Expiry>>8), byte(p.Expiry))
	}
	if p.ContentType != nil {
		dst = appendText(append(dst, propContentType), p.ContentType)
	}
	if p.ResponseTopic != nil {
		dst = appendText(append(dst, propResponseTopic), p.ResponseTopic)
	}
	if p.HasCorrelation {
		dst = appendText(append(dst, propCorrelation), p.Correlation)
	}
	return append(dst, p.User...)
}

// size is how many bytes Append adds.
func (p *PublishProperties) size() int {
	n := len(p.User)
	if p.HasPayloadFormat {
		n += 2
	}
	if p.HasExpiry {
		n += 5
	}
	if p.ContentType != nil {
		n += 3 + len(p.ContentType)
	}
	if p.ResponseTopic != nil {
		n += 3 + len(p.ResponseTopic)
	}
	if p.HasCorrelation {
		n += 3 + len(p.Correlation)
	}
	return n
}

// Decode reads what Append wrote. Its slices point into b. The error is an
// *Error when b is not a list of message properties.
func (p *PublishProperties) Decode(b []byte) error {
	*p = PublishProperties{}
	list := propScanner{s: scanner{b: b}, in: inPublish}
	return p.parse(&list)
}

// parse reads the message properties of a PUBLISH.
func (p *PublishProperties) parse(list *propScanner) error {
	var v property
	for list.more() {
		if err := list.next(&v); err != nil {
			return err
		}
		if v.id == propUser {
			p.User = list.joinUser(p.User, v.data)
		} else if err := p.set(&v); err != nil {
			return err
		}
	}
	p.User = p.User[:len(p.User):len(p.User)]
	return nil
}

// set takes over one property other than a user property; those that are none
// of a message are refused.
func (p *PublishProperties) set(v *property) error {
	switch v.id {
	case propPayloadFormat:
		p.PayloadFormat, p.HasPayloadFormat = byte(v.num), true
	case propExpiry:
		p.Expiry, p.HasExpiry = v.num, true
	case propContentType:
		p.ContentType = v.data
	case propResponseTopic:
		if _, wildcard := scanTopic(v.data); wildcard || len(v.data) == 0 {
			return violation("response topic is empty or has a wildcard [MQTT-3.3.2-14] [MQTT-4.7.3-1]")
		}
		p.ResponseTopic = v.data
	case propCorrelation:
		p.Correlation, p.HasCorrelation = v.data, true
	case propTopicAlias:
		if v.num == 0 {
			return &Error{Code: TopicAliasInvalid, Reason: "topic alias is 0 [MQTT-3.3.2-8]"}
		}
		p.TopicAlias = uint16(v.num)
	case propSubscriptionID:
		return violation("a client's PUBLISH carries a subscription identifier [MQTT-3.3.4-6]")
	}
	return nil
}

// joinUser extends the user properties met so far by the one just read.
// Neighbours in the packet grow without copying; once others stood in between,
// the list moves to memory of its own, with room for all that can follow.
func (p *propScanner) joinUser(have, next []byte) []byte {
	n := len(have)
	switch {
	case n == 0:
		return next
	case p.copied:
		return append(have, next...)
	case cap(have) > n && &have[:n+1][n] == &next[0]: // still inside the packet
		return have[:n+len(next)]
	}
	p.copied = true
	own := make([]byte, 0, n+len(next)+len(p.s.b))
	return append(append(own, have...), next...)
}

// EachUser calls fn with the user properties in their order.
func (p *PublishProperties) EachUser(fn func(name, value string)) {
	s := scanner{b: p.User}
	for len(s.b) > 0 {
		s.b = s.b[1:] // the property's identifier
		name, err := s.text()
		if err != nil {
			return // cannot be: they were read before
		}
		value, err := s.text()
		if err != nil {
			return // as above
		}
		fn(string(name), string(value))
	}
}
