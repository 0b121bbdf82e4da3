package conformance_test

// broken is a packet that no client may send. It ends the connection, in MQTT 5
// with the code (or one of the codes, where the text leaves it open), and
// nobody else notices.
type broken struct {
	v5, v3, name string
	packet       func(e *env) []byte
	codes        []byte
}

func always(packet ...byte) func(*env) []byte { return func(*env) []byte { return packet } }

// body is a packet of the type with the fields; where MQTT 5 has a property
// list in it, the fields are given with it.
func body(header byte, fields ...[]byte) func(*env) []byte {
	return always(frame(header, fields...)...)
}

// with5 is a packet whose property list, after at, MQTT 5 only has.
func with5(header byte, at []byte, rest ...[]byte) func(*env) []byte {
	return func(e *env) []byte {
		if e.is5() {
			return frame(header, at, []byte{0}, cat(rest...))
		}
		return frame(header, at, cat(rest...))
	}
}

// pubProps is a PUBLISH of QoS 0 with the properties.
func pubProps(properties ...[]byte) func(*env) []byte {
	return body(0x30, text("a"), list(properties...), []byte("x"))
}

// subProps is a SUBSCRIBE of one filter with the properties.
func subProps(properties ...[]byte) func(*env) []byte {
	return body(0x82, be16(1), list(properties...), text("a"), []byte{0})
}

var (
	onlyMalformed = []byte{malformed}
	onlyProtocol  = []byte{protocolError}
	either        = []byte{malformed, protocolError}
	badName       = []byte{malformed, protocolError, topicNameInvalid}
)

// headers have flags that their packet may not have.
var headers = []struct {
	v5, v3, name string
	packet       func(*env) []byte
}{
	{"MQTT-2.1.3-1", "MQTT-2.2.2-1 MQTT-2.2.2-2", "PUBACK", body(0x41, be16(1))},
	{"MQTT-2.1.3-1", "MQTT-2.2.2-1 MQTT-2.2.2-2", "PUBREC", body(0x52, be16(1))},
	{"MQTT-3.6.1-1", "MQTT-3.6.1-1", "PUBREL", body(0x60, be16(1))},
	{"MQTT-2.1.3-1", "MQTT-2.2.2-1 MQTT-2.2.2-2", "PUBCOMP", body(0x71, be16(1))},
	{"MQTT-3.8.1-1", "MQTT-3.8.1-1", "SUBSCRIBE", with5(0x80, be16(1), text("a"), []byte{0})},
	{"MQTT-3.10.1-1", "MQTT-3.10.1-1", "UNSUBSCRIBE", with5(0xa3, be16(1), text("a"))},
	{"MQTT-2.1.3-1", "MQTT-2.2.2-1 MQTT-2.2.2-2", "PINGREQ", always(0xc1, 0)},
	{"MQTT-3.14.1-1", "MQTT-3.14.1-1", "DISCONNECT", always(0xe8, 0)},
	{"MQTT-3.15.1-1", "", "AUTH", always(0xf1, 0)},
}

var brokenPackets = []broken{
	{"MQTT-3.1.0-2", "MQTT-3.1.0-2", "a second CONNECT", func(e *env) []byte {
		return (&connect{id: e.id("again"), clean: true}).encode(e.version)
	}, onlyProtocol},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "the packet type 0", always(0x00, 0), either},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "a CONNACK from a client", always(0x20, 2, 0, 0), either},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "a SUBACK from a client", always(0x90, 3, 0, 1, 0), either},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "an UNSUBACK from a client", always(0xb0, 2, 0, 1), either},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "a PINGRESP from a client", always(0xd0, 0), either},
	{"", "MQTT-4.8.0-1", "the packet type 15", always(0xf0, 0), nil},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "a length of five bytes", always(0x30, 0xff, 0xff, 0xff, 0xff, 0x01), onlyMalformed},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "a length of five bytes that is small", always(0xc0, 0x80, 0x80, 0x80, 0x80, 0x00), onlyMalformed},
	{"MQTT-1.5.5-1", "", "a length longer than it need be", always(0xc0, 0x80, 0x00), onlyMalformed},
	{"MQTT-1.5.5-1", "", "a property length longer than it need be", body(0x30, text("a"), []byte{0x80, 0x00}), onlyMalformed},
	{"MQTT-1.5.5-1", "", "a subscription identifier longer than it need be", subProps([]byte{pSubscriptionID, 0x81, 0x00}), onlyMalformed},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "a PINGREQ with a body", always(0xc0, 1, 0), onlyMalformed},

	{"MQTT-3.3.1-4", "MQTT-3.3.1-4", "PUBLISH of QoS 3", with5(0x36, cat(text("a"), be16(1))), onlyMalformed},
	{"MQTT-3.3.1-2", "MQTT-3.3.1-2", "PUBLISH of QoS 0 with DUP", with5(0x38, text("a")), either},
	{"MQTT-2.2.1-3", "MQTT-2.3.1-1", "PUBLISH of QoS 1 with the identifier 0", with5(0x32, cat(text("a"), be16(0))), either},
	{"MQTT-2.2.1-3", "MQTT-2.3.1-1", "PUBLISH of QoS 2 with the identifier 0", with5(0x34, cat(text("a"), be16(0))), either},
	{"MQTT-3.3.2-2 MQTT-4.7.0-1", "MQTT-3.3.2-2 MQTT-4.7.1-1", "PUBLISH to a topic with +", with5(0x30, text("a/+")), badName},
	{"MQTT-3.3.2-2 MQTT-4.7.0-1", "MQTT-3.3.2-2 MQTT-4.7.1-1", "PUBLISH to a topic with #", with5(0x32, cat(text("a/#"), be16(1))), badName},
	{"MQTT-4.7.3-1", "MQTT-4.7.3-1", "PUBLISH without a topic", with5(0x30, text("")), badName},
	{"MQTT-1.5.4-2 MQTT-4.7.3-2", "MQTT-1.5.3-2 MQTT-4.7.3-2", "PUBLISH to a topic with U+0000", with5(0x30, text("a\x00b")), onlyMalformed},
	{"MQTT-1.5.4-1 MQTT-3.3.2-1", "MQTT-1.5.3-1 MQTT-3.3.2-1", "PUBLISH to a topic that is not UTF-8", with5(0x30, text("a\xff")), onlyMalformed},
	{"MQTT-1.5.4-1", "MQTT-1.5.3-1", "PUBLISH to a topic with a surrogate", with5(0x30, text("a"+surrogate)), onlyMalformed},
	{"MQTT-1.5.4-1", "MQTT-1.5.3-1", "PUBLISH to a topic with an overlong character", with5(0x30, text("a\xc0\xaf")), onlyMalformed},
	{"MQTT-1.5.4-1", "MQTT-1.5.3-1", "PUBLISH to a topic with a cut character", with5(0x30, text("a\xe4\xb8")), onlyMalformed},
	{"MQTT-1.5.4-1", "MQTT-1.5.3-1", "PUBLISH to a topic beyond U+10FFFF", with5(0x30, text("a\xf4\x90\x80\x80")), onlyMalformed},
	{"MQTT-3.3.2-1", "MQTT-3.3.2-1", "PUBLISH whose topic is cut", always(0x30, 3, 0, 9, 'a'), onlyMalformed},
	{"MQTT-3.3.2-1", "MQTT-3.3.2-1", "an empty PUBLISH", always(0x30, 0), onlyMalformed},
	{"MQTT-2.2.1-3", "MQTT-2.3.1-1", "PUBLISH of QoS 1 that ends before its identifier", always(0x32, 3, 0, 1, 'a'), onlyMalformed},
	{"MQTT-2.2.2-1", "", "PUBLISH without a property length", always(0x30, 3, 0, 1, 'a'), onlyMalformed},
	{"MQTT-4.13.1-1", "", "PUBLISH whose properties overrun it", body(0x30, text("a"), []byte{50, pPayloadFormat, 1}), onlyMalformed},
	{"MQTT-4.13.1-1", "", "PUBLISH with a property of its own invention", pubProps([]byte{0x7e, 0}), onlyMalformed},
	{"MQTT-4.13.1-1", "", "PUBLISH with a property of CONNECT", pubProps(num32(pSessionExpiry, 1)), onlyMalformed},
	{"MQTT-4.13.1-1", "", "PUBLISH with a property that is cut", pubProps([]byte{pMessageExpiry, 0}), onlyMalformed},
	{"MQTT-4.13.1-1", "", "PUBLISH with a payload format of 2", pubProps(num8(pPayloadFormat, 2)), either},
	{"MQTT-4.13.1-1", "", "PUBLISH with its payload format twice", pubProps(num8(pPayloadFormat, 1), num8(pPayloadFormat, 1)), onlyProtocol},
	{"MQTT-4.13.1-1", "", "PUBLISH with its expiry twice", pubProps(num32(pMessageExpiry, 1), num32(pMessageExpiry, 1)), onlyProtocol},
	{"MQTT-4.13.1-1", "", "PUBLISH with its topic alias twice", pubProps(num16(pTopicAlias, 1), num16(pTopicAlias, 1)), onlyProtocol},
	{"MQTT-4.13.1-1", "", "PUBLISH with its response topic twice", pubProps(word(pResponseTopic, "a"), word(pResponseTopic, "a")), onlyProtocol},
	{"MQTT-4.13.1-1", "", "PUBLISH with its correlation data twice", pubProps(word(pCorrelation, "a"), word(pCorrelation, "a")), onlyProtocol},
	{"MQTT-4.13.1-1", "", "PUBLISH with its content type twice", pubProps(word(pContentType, "a"), word(pContentType, "a")), onlyProtocol},
	{"MQTT-3.3.4-6", "", "PUBLISH with a subscription identifier", pubProps(subscriptionID(1)), onlyProtocol},
	{"MQTT-3.3.2-8", "", "PUBLISH with the topic alias 0", pubProps(num16(pTopicAlias, 0)), []byte{topicAliasInvalid}},
	{"MQTT-3.3.2-9", "", "PUBLISH with a topic alias over the maximum", pubProps(num16(pTopicAlias, 65535)), []byte{topicAliasInvalid}},
	{"MQTT-3.3.2-7", "", "PUBLISH with a topic alias that has not been set", body(0x30, text(""), list(num16(pTopicAlias, 5))), []byte{protocolError, topicAliasInvalid}},
	{"MQTT-3.3.2-13", "", "PUBLISH with a response topic that is not UTF-8", pubProps(word(pResponseTopic, "\xff")), onlyMalformed},
	{"MQTT-3.3.2-14", "", "PUBLISH with a response topic that has a wildcard", pubProps(word(pResponseTopic, "a/#")), badName},
	{"MQTT-3.3.2-19", "", "PUBLISH with a content type that is not UTF-8", pubProps(word(pContentType, "\xff")), onlyMalformed},
	{"MQTT-1.5.7-1", "", "PUBLISH with a user property whose name is not UTF-8", pubProps(pair("\xff", "a")), onlyMalformed},
	{"MQTT-1.5.7-1", "", "PUBLISH with a user property whose value has U+0000", pubProps(pair("a", "\x00")), onlyMalformed},
	{"MQTT-1.5.7-1", "", "PUBLISH with half a user property", pubProps([]byte{pUser}, text("a")), onlyMalformed},

	{"MQTT-2.2.1-3", "MQTT-2.3.1-1", "PUBACK with the identifier 0", body(0x40, be16(0)), either},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "PUBACK of one byte", body(0x40, []byte{1}), onlyMalformed},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "PUBREL without a body", body(0x62), onlyMalformed},
	{"", "MQTT-4.8.0-1", "PUBACK with a reason code", body(0x40, be16(1), []byte{0}), nil},
	{"MQTT-3.4.2-1", "", "PUBACK with a code of others", body(0x40, be16(1), []byte{0x92}), either},
	{"MQTT-3.5.2-1", "", "PUBREC with a code of others", body(0x50, be16(1), []byte{0x01}), either},
	{"MQTT-3.6.2-1", "", "PUBREL with a code of others", body(0x62, be16(1), []byte{0x80}), either},
	{"MQTT-3.7.2-1", "", "PUBCOMP with a code of others", body(0x70, be16(1), []byte{0x10}), either},
	{"MQTT-4.13.1-1", "", "PUBACK with bytes behind its properties", body(0x40, be16(1), []byte{0, 0, 0}), onlyMalformed},
	{"MQTT-4.13.1-1", "", "PUBACK with two reason strings", body(0x40, be16(1), []byte{0}, list(word(pReasonString, "a"), word(pReasonString, "b"))), onlyProtocol},

	{"MQTT-3.8.3-2", "MQTT-3.8.3-3", "SUBSCRIBE without a filter", with5(0x82, be16(1)), either},
	{"MQTT-3.8.3-2", "", "the seven-byte SUBSCRIBE", always(0x82, 5, 0, 1, 0, 0, 0), either},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "an empty SUBSCRIBE", always(0x82, 0), onlyMalformed},
	{"MQTT-2.2.1-3", "MQTT-2.3.1-1", "SUBSCRIBE with the identifier 0", with5(0x82, be16(0), text("a"), []byte{0}), either},
	{"MQTT-3.8.3-2", "MQTT-3.8.3-3", "SUBSCRIBE with a filter and no options", with5(0x82, be16(1), text("a")), onlyMalformed},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "SUBSCRIBE with a second filter that is cut", with5(0x82, be16(1), text("a"), []byte{0}, []byte{0, 5, 'b'}), onlyMalformed},
	{"MQTT-3.8.3-1", "MQTT-3.8.3-1", "SUBSCRIBE to a filter that is not UTF-8", with5(0x82, be16(1), text("a\xff"), []byte{0}), onlyMalformed},
	{"MQTT-1.5.4-2 MQTT-4.7.3-2", "MQTT-1.5.3-2 MQTT-4.7.3-2", "SUBSCRIBE to a filter with U+0000", with5(0x82, be16(1), text("a\x00"), []byte{0}), onlyMalformed},
	{"MQTT-4.7.3-1", "MQTT-4.7.3-1", "SUBSCRIBE to an empty filter", with5(0x82, be16(1), text(""), []byte{0}), either},
	{"MQTT-4.13.1-1", "MQTT-3.8.3-4", "SUBSCRIBE with QoS 3", with5(0x82, be16(1), text("a"), []byte{3}), either},
	{"", "MQTT-3.8.3-4", "SUBSCRIBE with reserved bits beside the QoS", with5(0x82, be16(1), text("a"), []byte{4}), nil},
	{"MQTT-3.8.3-5", "", "SUBSCRIBE with the first reserved option bit", with5(0x82, be16(1), text("a"), []byte{0x40}), onlyMalformed},
	{"MQTT-3.8.3-5", "", "SUBSCRIBE with the second reserved option bit", with5(0x82, be16(1), text("a"), []byte{0x80}), onlyMalformed},
	{"MQTT-4.13.1-1", "", "SUBSCRIBE with a retain handling of 3", with5(0x82, be16(1), text("a"), []byte{0x30}), onlyProtocol},
	{"MQTT-3.8.3-4", "", "SUBSCRIBE with No Local on a shared subscription", with5(0x82, be16(1), text("$share/g/a"), []byte{noLocal}), onlyProtocol},
	{"MQTT-4.13.1-1", "", "SUBSCRIBE with the subscription identifier 0", subProps(subscriptionID(0)), onlyProtocol},
	{"MQTT-4.13.1-1", "", "SUBSCRIBE with two subscription identifiers", subProps(subscriptionID(1), subscriptionID(2)), onlyProtocol},
	{"MQTT-4.13.1-1", "", "SUBSCRIBE with a subscription identifier of five bytes", subProps([]byte{pSubscriptionID, 0x80, 0x80, 0x80, 0x80, 0x01}), onlyMalformed},
	{"MQTT-4.13.1-1", "", "SUBSCRIBE with a property of PUBLISH", subProps(num16(pTopicAlias, 1)), onlyMalformed},
	{"MQTT-4.13.1-1", "", "SUBSCRIBE whose properties overrun it", body(0x82, be16(1), []byte{40}, text("a"), []byte{0}), onlyMalformed},
	{"MQTT-4.13.1-1", "", "SUBSCRIBE whose properties end inside the filter", body(0x82, be16(1), []byte{2}, text("a"), []byte{0}), onlyMalformed},

	{"MQTT-3.10.3-2", "MQTT-3.10.3-2", "UNSUBSCRIBE without a filter", with5(0xa2, be16(1)), either},
	{"MQTT-2.2.1-3", "MQTT-2.3.1-1", "UNSUBSCRIBE with the identifier 0", with5(0xa2, be16(0), text("a")), either},
	{"MQTT-3.10.3-1", "MQTT-3.10.3-1", "UNSUBSCRIBE of a filter that is not UTF-8", with5(0xa2, be16(1), text("a\xff")), onlyMalformed},
	{"MQTT-4.7.3-1", "MQTT-4.7.3-1", "UNSUBSCRIBE of an empty filter", with5(0xa2, be16(1), text("")), either},
	{"MQTT-4.13.1-1", "MQTT-4.8.0-1", "UNSUBSCRIBE whose filter is cut", with5(0xa2, be16(1), []byte{0, 5, 'b'}), onlyMalformed},
	{"MQTT-4.13.1-1", "", "UNSUBSCRIBE with a subscription identifier", body(0xa2, be16(1), list(subscriptionID(1)), text("a")), onlyMalformed},

	{"MQTT-3.14.2-1", "", "DISCONNECT with a code of the server's", body(0xe0, []byte{0x8e}), either},
	{"MQTT-3.14.2-1", "", "DISCONNECT with a code that is none", body(0xe0, []byte{0x05}), either},
	{"MQTT-4.13.1-1", "", "DISCONNECT with a property of others", body(0xe0, []byte{0}, list(num16(pTopicAlias, 1))), onlyMalformed},
	{"MQTT-4.13.1-1", "", "DISCONNECT with two session expiries", body(0xe0, []byte{0}, list(num32(pSessionExpiry, 0), num32(pSessionExpiry, 0))), onlyProtocol},
	{"MQTT-4.13.1-1", "", "DISCONNECT with bytes behind its properties", body(0xe0, []byte{0, 0, 7}), onlyMalformed},
}

// brokenRows makes rows of the tables.
func brokenRows() []row {
	var all []row
	for _, h := range headers {
		all = append(all, broken{h.v5, h.v3, h.name + " with wrong flags", h.packet, onlyMalformed}.row())
	}
	for _, b := range brokenPackets {
		all = append(all, b.row())
	}
	return all
}

func (b broken) row() row {
	return row{v5: b.v5, v3: b.v3, name: b.name, run: func(e *env) {
		bystander, c := e.client("bystander"), e.client("c")
		bystander.subscribe(e.topic("a"), 1)
		// What follows the packet is not processed; what came before it is.
		c.send((&publish{topic: e.topic("a"), payload: "before"}).encode(e.version), b.packet(e),
			(&publish{topic: e.topic("a"), payload: "after"}).encode(e.version))
		c.ended(b.codes...)
		bystander.expect(e.topic("a"), "before")
		bystander.nothingFrom(e.client("publisher"))
		bystander.sync()
	}}
}
