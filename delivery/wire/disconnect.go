package wire

// Disconnect is a client's DISCONNECT packet [3.14].
type Disconnect struct {
	Code Code
	// SessionExpiry replaces the CONNECT's, in seconds, when HasSessionExpiry.
	SessionExpiry    uint32
	HasSessionExpiry bool
	Reason           string
}

// ParseDisconnect reads a client's DISCONNECT body. A body of one byte is a
// reason code without properties. The error is an *Error.
func ParseDisconnect(version byte, body []byte) (*Disconnect, error) {
	d := &Disconnect{}
	if len(body) == 0 {
		return d, nil
	}
	if version < V5 {
		return nil, malformed("DISCONNECT has a body [MQTT-3.14.1-1 of MQTT 3.1.1]")
	}
	d.Code = Code(body[0])
	if !disconnectCodeAllowed(d.Code) {
		return nil, violation("reason code is not one of a client's DISCONNECT [MQTT-3.14.2-1]")
	}
	if len(body) == 1 {
		return d, nil
	}
	s := scanner{b: body[1:]}
	list, err := s.properties(inDisconnect)
	if err != nil {
		return nil, err
	}
	var v property
	for list.more() {
		if err := list.next(&v); err != nil {
			return nil, err
		}
		switch v.id {
		case propSessionExpiry:
			d.SessionExpiry, d.HasSessionExpiry = v.num, true
		case propReasonString:
			d.Reason = string(v.data)
		}
	}
	if len(s.b) > 0 {
		return nil, malformed("DISCONNECT has bytes behind its properties [3.14.2]")
	}
	return d, nil
}

// disconnectCodeAllowed tells whether a client may send the code [3.14.2.1].
func disconnectCodeAllowed(c Code) bool {
	switch c {
	case NormalDisconnection, DisconnectWithWill, UnspecifiedError, MalformedPacket, ProtocolError,
		ImplementationSpecific, TopicNameInvalid, ReceiveMaximumExceeded, TopicAliasInvalid, PacketTooLarge,
		MessageRateTooHigh, QuotaExceeded, AdministrativeAction, PayloadFormatInvalid:
		return true
	}
	return false
}

// AppendDisconnect appends a server's DISCONNECT, which only MQTT 5 has, in its
// shortest form.
func AppendDisconnect(dst []byte, code Code, reason string) []byte {
	switch {
	case reason != "":
		props := reasonSize(reason)
		dst = appendVarint(append(dst, DISCONNECT<<4), 1+varintSize(props)+props)
		return appendReason(appendVarint(append(dst, byte(code)), props), reason)
	case code != NormalDisconnection:
		return append(dst, DISCONNECT<<4, 1, byte(code))
	default:
		return append(dst, DISCONNECT<<4, 0)
	}
}

// AppendPingresp appends a PINGRESP [3.13].
func AppendPingresp(dst []byte) []byte {
	return append(dst, PINGRESP<<4, 0)
}
