package wire

// Auth is an AUTH packet [3.15].
type Auth struct {
	// Code is ContinueAuthentication or ReAuthenticate from a client, Success or
	// ContinueAuthentication from a server [MQTT-3.15.2-1].
	Code Code
	// Method is the authentication method, which must be that of the CONNECT
	// [MQTT-4.12.0-5] [MQTT-4.12.1-1].
	Method string
	// Data is the method's own; it may be present and empty.
	Data    []byte
	HasData bool
}

// ParseAuth reads a client's AUTH body. The result shares no memory with it. The
// error is an *Error.
func ParseAuth(body []byte) (*Auth, error) {
	s := scanner{b: body}
	a := &Auth{}
	if len(body) > 0 { // else it is Success without properties [3.15.2.1]
		code, err := s.u8()
		if err != nil {
			return nil, err
		}
		a.Code = Code(code)
	}
	if a.Code != ContinueAuthentication && a.Code != ReAuthenticate {
		return nil, violation("reason code is not one of a client's AUTH [MQTT-3.15.2-1]")
	}
	list, err := s.properties(inAuth)
	if err != nil {
		return nil, err
	}
	method := false
	var v property
	for list.more() {
		if err := list.next(&v); err != nil {
			return nil, err
		}
		switch v.id {
		case propAuthMethod:
			a.Method, method = string(v.data), true
		case propAuthData:
			a.Data, a.HasData = append([]byte{}, v.data...), true
		}
	}
	if len(s.b) > 0 {
		return nil, malformed("AUTH has bytes behind its properties [3.15.2]")
	}
	if !method {
		return nil, violation("AUTH without an authentication method [3.15.2.2.2]")
	}
	return a, nil
}

// AppendAuth appends a server's AUTH with the method and, where HasData, the
// data. It has no reason string and no user properties, so that it is never
// larger than it must be [MQTT-3.15.2-2] [MQTT-3.15.2-3].
func AppendAuth(dst []byte, a Auth) []byte {
	props := 3 + len(cutText(a.Method, 65_535))
	if a.HasData {
		props += 3 + len(cutText(a.Data, 65_535))
	}
	dst = appendVarint(append(dst, AUTH<<4), 1+varintSize(props)+props)
	dst = appendVarint(append(dst, byte(a.Code)), props)
	dst = appendText(append(dst, propAuthMethod), a.Method)
	if a.HasData {
		dst = appendText(append(dst, propAuthData), a.Data)
	}
	return dst
}
