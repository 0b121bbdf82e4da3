package conformance_test

import "encoding/binary"

// The types of packets.
const (
	tCONNECT     byte = 1
	tCONNACK     byte = 2
	tPUBLISH     byte = 3
	tPUBACK      byte = 4
	tPUBREC      byte = 5
	tPUBREL      byte = 6
	tPUBCOMP     byte = 7
	tSUBSCRIBE   byte = 8
	tSUBACK      byte = 9
	tUNSUBSCRIBE byte = 10
	tUNSUBACK    byte = 11
	tPINGREQ     byte = 12
	tPINGRESP    byte = 13
	tDISCONNECT  byte = 14
	tAUTH        byte = 15
)

// The identifiers of properties.
const (
	pPayloadFormat     byte = 0x01
	pMessageExpiry     byte = 0x02
	pContentType       byte = 0x03
	pResponseTopic     byte = 0x08
	pCorrelation       byte = 0x09
	pSubscriptionID    byte = 0x0B
	pSessionExpiry     byte = 0x11
	pAssignedID        byte = 0x12
	pServerKeepAlive   byte = 0x13
	pAuthMethod        byte = 0x15
	pAuthData          byte = 0x16
	pRequestProblem    byte = 0x17
	pWillDelay         byte = 0x18
	pRequestResponse   byte = 0x19
	pResponseInfo      byte = 0x1A
	pServerReference   byte = 0x1C
	pReasonString      byte = 0x1F
	pReceiveMaximum    byte = 0x21
	pTopicAliasMaximum byte = 0x22
	pTopicAlias        byte = 0x23
	pMaximumQoS        byte = 0x24
	pRetainAvailable   byte = 0x25
	pUser              byte = 0x26
	pMaximumPacketSize byte = 0x27
	pWildcardAvailable byte = 0x28
	pSubIDAvailable    byte = 0x29
	pSharedAvailable   byte = 0x2A
)

// The reason codes that rows want.
const (
	ok                     byte = 0x00
	withWill               byte = 0x04
	noMatching             byte = 0x10
	noSubscription         byte = 0x11
	authContinue           byte = 0x18
	authAgain              byte = 0x19
	unspecified            byte = 0x80
	malformed              byte = 0x81
	protocolError          byte = 0x82
	unsupportedVersion     byte = 0x84
	clientIDInvalid        byte = 0x85
	badUserNameOrPassword  byte = 0x86
	notAuthorized          byte = 0x87
	shuttingDown           byte = 0x8B
	badAuthMethod          byte = 0x8C
	keepAliveTimeout       byte = 0x8D
	takenOver              byte = 0x8E
	topicFilterInvalid     byte = 0x8F
	topicNameInvalid       byte = 0x90
	idNotFound             byte = 0x92
	receiveMaximumExceeded byte = 0x93
	topicAliasInvalid      byte = 0x94
	packetTooLarge         byte = 0x95
)

func cat(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func varint(n int) []byte {
	var b []byte
	for ; n > 127; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func be16(n int) []byte { return []byte{byte(n >> 8), byte(n)} }

// text is a string, or binary data, with its length in front.
func text(s string) []byte { return append(be16(len(s)), s...) }

// Properties.
func num8(id, v byte) []byte           { return []byte{id, v} }
func num16(id byte, v int) []byte      { return append([]byte{id}, be16(v)...) }
func num32(id byte, v uint32) []byte   { return binary.BigEndian.AppendUint32([]byte{id}, v) }
func word(id byte, s string) []byte    { return append([]byte{id}, text(s)...) }
func pair(k, v string) []byte          { return cat([]byte{pUser}, text(k), text(v)) }
func subscriptionID(n int) []byte      { return append([]byte{pSubscriptionID}, varint(n)...) }
func list(properties ...[]byte) []byte { b := cat(properties...); return append(varint(len(b)), b...) }

// frame is a packet: its first byte, the length of its body, its body.
func frame(header byte, body ...[]byte) []byte {
	b := cat(body...)
	return cat([]byte{header}, varint(len(b)), b)
}

// connect is a CONNECT packet.
type connect struct {
	id        string
	clean     bool
	keepAlive int // seconds
	props     []byte
	will      *will
	user      *string
	password  *string
}

// will is the will of a CONNECT.
type will struct {
	topic, payload string
	qos            byte
	retain         bool
	props          []byte
}

func (c *connect) encode(version byte) []byte {
	var flags byte
	if c.clean {
		flags |= 0x02
	}
	payload := text(c.id)
	if w := c.will; w != nil {
		flags |= 0x04 | w.qos<<3
		if w.retain {
			flags |= 0x20
		}
		if version == v5 {
			payload = append(payload, list(w.props)...)
		}
		payload = cat(payload, text(w.topic), text(w.payload))
	}
	if c.user != nil {
		flags |= 0x80
		payload = append(payload, text(*c.user)...)
	}
	if c.password != nil {
		flags |= 0x40
		payload = append(payload, text(*c.password)...)
	}
	return rawConnect(version, flags, c.keepAlive, c.props, payload)
}

// rawConnect is a CONNECT of any flags and payload.
func rawConnect(version, flags byte, keepAlive int, props, payload []byte) []byte {
	name := "MQTT"
	if version == v31 {
		name = "MQIsdp"
	}
	head := cat(text(name), []byte{version, flags}, be16(keepAlive))
	if version == v5 {
		head = append(head, list(props)...)
	}
	return frame(tCONNECT<<4, head, payload)
}

// publish is a PUBLISH packet.
type publish struct {
	topic, payload string
	qos            byte
	retain, dup    bool
	id             int
	props          []byte
}

func (p *publish) encode(version byte) []byte {
	header := tPUBLISH<<4 | p.qos<<1
	if p.retain {
		header |= 1
	}
	if p.dup {
		header |= 8
	}
	body := text(p.topic)
	if p.qos > 0 {
		body = append(body, be16(p.id)...)
	}
	if version == v5 {
		body = append(body, list(p.props)...)
	}
	return frame(header, body, []byte(p.payload))
}

// ack is a PUBACK, PUBREC, PUBREL or PUBCOMP in its shortest form, with a
// reason code where one is given.
func ack(typ byte, id int, code ...byte) []byte {
	header := typ << 4
	if typ == tPUBREL {
		header |= 2
	}
	return frame(header, be16(id), code)
}

// option is a filter of a SUBSCRIBE with its options.
type option struct {
	filter  string
	options byte
}

// Subscription options beside the QoS.
const (
	noLocal     byte = 0x04
	asPublished byte = 0x08
	retainNew   byte = 0x10 // retained messages only for a new subscription
	retainNever byte = 0x20
)

func subscribe(version byte, id int, props []byte, filters ...option) []byte {
	body := be16(id)
	if version == v5 {
		body = append(body, list(props)...)
	}
	for _, f := range filters {
		body = append(append(body, text(f.filter)...), f.options)
	}
	return frame(tSUBSCRIBE<<4|2, body)
}

func unsubscribe(version byte, id int, filters ...string) []byte {
	body := be16(id)
	if version == v5 {
		body = append(body, 0)
	}
	for _, f := range filters {
		body = append(body, text(f)...)
	}
	return frame(tUNSUBSCRIBE<<4|2, body)
}

var (
	pingreq = []byte{tPINGREQ << 4, 0}
	goodbye = []byte{tDISCONNECT << 4, 0}
)
