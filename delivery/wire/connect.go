package wire

import "bytes"

// Connect is a CONNECT packet [3.1].
type Connect struct {
	Version     byte // 3, 4 or 5; on an error what the packet said, if that could be read
	ClientID    string
	CleanStart  bool   // Clean Session before version 5
	KeepAlive   uint16 // seconds, 0 = none
	UserName    string
	HasUserName bool
	Password    []byte
	HasPassword bool
	Will        *Will // nil = none
	ConnectProperties
}

// ConnectProperties are the properties of a CONNECT [3.1.2.11], with the
// defaults of the specification where the client named none.
type ConnectProperties struct {
	// SessionExpiry is in seconds; 0xFFFFFFFF = never.
	SessionExpiry    uint32
	HasSessionExpiry bool
	// ReceiveMaximum is 1..65,535, by default 65,535.
	ReceiveMaximum uint16
	// MaximumPacketSize is the largest packet, in bytes, that the client takes;
	// 0 = no limit named.
	MaximumPacketSize uint32
	// TopicAliasMaximum is the highest alias the broker may use; 0 = none.
	TopicAliasMaximum uint16
	RequestResponse   bool
	// RequestProblem false forbids reason strings and user properties on
	// everything but PUBLISH, CONNACK and DISCONNECT [MQTT-3.1.2-29].
	RequestProblem bool
	// User is the user properties, encoded as they came.
	User []byte
	// AuthMethod and AuthData of enhanced authentication.
	AuthMethod    string
	HasAuthMethod bool
	AuthData      []byte
}

// Will is the message to publish when the connection is lost [3.1.3.2].
type Will struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
	// Delay is in seconds.
	Delay      uint32
	Properties PublishProperties
}

// Connect flags [3.1.2.3].
const (
	flagReserved  = 0x01
	flagClean     = 0x02
	flagWill      = 0x04
	flagRetain    = 0x20
	flagPassword  = 0x40
	flagUserName  = 0x80
	willQoSShift  = 3
	willFlagsMask = 0x38
)

// ParseConnect reads a CONNECT body. The result shares no memory with it. The
// error is an *Error; the Connect returned with it has Version set if that
// could be read, which is what AppendConnack wants to know. Codes are those of
// MQTT 5 for every version.
func ParseConnect(body []byte) (*Connect, error) {
	s := scanner{b: bytes.Clone(body)}
	c := &Connect{ConnectProperties: ConnectProperties{ReceiveMaximum: NoReceiveMaximum, RequestProblem: true}}
	if err := c.parseProtocol(&s); err != nil {
		return c, err
	}
	flags, err := s.u8()
	if err != nil {
		return c, err
	}
	if err := c.checkFlags(flags); err != nil {
		return c, err
	}
	if c.KeepAlive, err = s.u16(); err != nil {
		return c, err
	}
	if c.Version >= V5 {
		if err := c.ConnectProperties.parse(&s); err != nil {
			return c, err
		}
	}
	if err := c.parsePayload(&s, flags); err != nil {
		return c, err
	}
	if len(s.b) > 0 {
		return c, malformed("CONNECT has bytes behind its payload [3.1.3]")
	}
	if c.ClientID == "" && c.Version < V5 && (c.Version < V311 || !c.CleanStart) {
		return c, &Error{Code: ClientIdentifierNotValid, Reason: "an empty client identifier needs clean session 1 [MQTT-3.1.3-8 of MQTT 3.1.1]"}
	}
	return c, nil
}

// parseProtocol reads the protocol's name and level.
func (c *Connect) parseProtocol(s *scanner) error {
	name, err := s.binary()
	if err != nil {
		return err
	}
	old := string(name) == "MQIsdp"
	if !old && string(name) != "MQTT" {
		return &Error{Code: UnsupportedProtocolVersion, Reason: "protocol name is not MQTT [MQTT-3.1.2-1]"}
	}
	if c.Version, err = s.u8(); err != nil {
		return err
	}
	if old && c.Version != V31 || !old && c.Version != V311 && c.Version != V5 {
		return &Error{Code: UnsupportedProtocolVersion, Reason: "protocol level is not 3 (as MQIsdp), 4 or 5 [MQTT-3.1.2-2]"}
	}
	return nil
}

func (c *Connect) checkFlags(flags byte) error {
	switch {
	case flags&flagReserved != 0:
		return malformed("reserved connect flag is set [MQTT-3.1.2-3]")
	case flags&flagWill == 0 && flags&willFlagsMask != 0:
		return malformed("will QoS or will retain without a will [MQTT-3.1.2-11] [MQTT-3.1.2-13]")
	case flags>>willQoSShift&3 == 3:
		return malformed("will QoS is 3 [MQTT-3.1.2-12]")
	case c.Version < V5 && flags&flagPassword != 0 && flags&flagUserName == 0:
		return malformed("password without a user name [MQTT-3.1.2-22 of MQTT 3.1.1]")
	}
	c.CleanStart = flags&flagClean != 0
	c.HasUserName = flags&flagUserName != 0
	c.HasPassword = flags&flagPassword != 0
	return nil
}

// parsePayload reads client identifier, will, user name and password, in this
// order [MQTT-3.1.3-1].
func (c *Connect) parsePayload(s *scanner, flags byte) error {
	id, err := s.text()
	if err != nil {
		return err
	}
	c.ClientID = string(id)
	if flags&flagWill != 0 {
		c.Will = &Will{QoS: flags >> willQoSShift & 3, Retain: flags&flagRetain != 0}
		if err := c.Will.parse(s, c.Version); err != nil {
			return err
		}
	}
	if c.HasUserName {
		name, err := s.text()
		if err != nil {
			return err
		}
		c.UserName = string(name)
	}
	if c.HasPassword {
		c.Password, err = s.binary()
	}
	return err
}

func (p *ConnectProperties) parse(s *scanner) error {
	list, err := s.properties(inConnect)
	if err != nil {
		return err
	}
	var v property
	for list.more() {
		if err := list.next(&v); err != nil {
			return err
		}
		if err := p.set(&list, &v); err != nil {
			return err
		}
	}
	if p.AuthData != nil && !p.HasAuthMethod {
		return violation("authentication data without a method [3.1.2.11.10]")
	}
	return nil
}

func (p *ConnectProperties) set(list *propScanner, v *property) error {
	switch v.id {
	case propSessionExpiry:
		p.SessionExpiry, p.HasSessionExpiry = v.num, true
	case propReceiveMaximum:
		if v.num == 0 {
			return violation("receive maximum is 0 [3.1.2.11.3]")
		}
		p.ReceiveMaximum = uint16(v.num)
	case propMaximumPacketSize:
		if v.num == 0 {
			return violation("maximum packet size is 0 [3.1.2.11.4]")
		}
		p.MaximumPacketSize = v.num
	case propTopicAliasMaximum:
		p.TopicAliasMaximum = uint16(v.num)
	case propRequestResponse:
		p.RequestResponse = v.num == 1
	case propRequestProblem:
		p.RequestProblem = v.num == 1
	case propUser:
		p.User = list.joinUser(p.User, v.data)
	case propAuthMethod:
		p.AuthMethod, p.HasAuthMethod = string(v.data), true
	case propAuthData:
		p.AuthData = v.data
	}
	return nil
}

// parse reads a will's properties, topic and payload.
func (w *Will) parse(s *scanner, version byte) error {
	if version >= V5 {
		list, err := s.properties(inWill)
		if err != nil {
			return err
		}
		if err := w.parseProps(&list); err != nil {
			return err
		}
	}
	topic, err := s.binary()
	if err != nil {
		return err
	}
	valid, wildcard := scanTopic(topic)
	switch {
	case !valid:
		return malformed("will topic: " + reasonUTF8)
	case wildcard || len(topic) == 0:
		return &Error{Code: TopicNameInvalid, Reason: "will topic is empty or has a wildcard [MQTT-4.7.1-1] [MQTT-4.7.3-1]"}
	}
	w.Topic = string(topic)
	w.Payload, err = s.binary()
	return err
}

func (w *Will) parseProps(list *propScanner) error {
	var v property
	for list.more() {
		if err := list.next(&v); err != nil {
			return err
		}
		switch v.id {
		case propWillDelay:
			w.Delay = v.num
		case propUser:
			w.Properties.User = list.joinUser(w.Properties.User, v.data)
		default:
			if err := w.Properties.set(&v); err != nil {
				return err
			}
		}
	}
	return nil
}

// engineKeepAlive is what the embedded engine is told, in seconds. The real
// keep alive is the connection's business and deadlines of the engine are
// ignored; the engine only warns about small values, which this is not.
const engineKeepAlive = 60

// EngineFrame encodes the CONNECT that the embedded engine is given instead of
// the client's: the same version, client identifier, credentials and properties,
// but a clean start and no session expiry, since the engine keeps no session,
// and no will, no keep alive to watch and no authentication method, since none
// of these is the engine's to act on. An empty password is left out, which the
// engine takes for malformed.
func (c *Connect) EngineFrame() []byte {
	flags := byte(flagClean)
	if c.HasUserName {
		flags |= flagUserName
	}
	if len(c.Password) > 0 {
		flags |= flagPassword
	}
	name := "MQTT"
	if c.Version == V31 {
		name = "MQIsdp"
	}
	body := appendText(make([]byte, 0, 64+len(c.ClientID)+len(c.UserName)+len(c.Password)), name)
	body = append(body, c.Version, flags, 0, engineKeepAlive)
	if c.Version >= V5 {
		var props [40]byte
		list := c.ConnectProperties.appendEngine(props[:0])
		body = append(appendVarint(body, len(list)), list...)
	}
	body = appendText(body, c.ClientID)
	if flags&flagUserName != 0 {
		body = appendText(body, c.UserName)
	}
	if flags&flagPassword != 0 {
		body = appendText(body, c.Password)
	}
	frame := appendVarint(append(make([]byte, 0, len(body)+5), CONNECT<<4), len(body))
	return append(frame, body...)
}

// appendEngine appends the properties that the engine is to know.
func (p *ConnectProperties) appendEngine(dst []byte) []byte {
	u32 := func(id byte, v uint32) {
		dst = append(dst, id, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	if p.ReceiveMaximum != NoReceiveMaximum {
		dst = append(dst, propReceiveMaximum, byte(p.ReceiveMaximum>>8), byte(p.ReceiveMaximum))
	}
	if p.MaximumPacketSize != 0 {
		u32(propMaximumPacketSize, p.MaximumPacketSize)
	}
	if p.TopicAliasMaximum != 0 {
		dst = append(dst, propTopicAliasMaximum, byte(p.TopicAliasMaximum>>8), byte(p.TopicAliasMaximum))
	}
	if p.RequestResponse {
		dst = append(dst, propRequestResponse, 1)
	}
	if !p.RequestProblem {
		dst = append(dst, propRequestProblem, 0)
	}
	return dst
}

// AppendConnack appends a CONNACK. For version 5 it carries the code and, when
// not empty, the reason; for the others (any other level included, as MQTT
// 3.1.1 wants for levels it does not know) the return code nearest to it.
// Where MQTT 3.1.1 wants the connection closed without a CONNACK, after a
// malformed CONNECT, dst comes back as it was.
func AppendConnack(dst []byte, version byte, sessionPresent bool, code Code, reason string) []byte {
	var present byte
	if sessionPresent && code == Success {
		present = 1 // [MQTT-3.2.2-6]
	}
	if version != V5 {
		if v3, ok := code.v3(); ok {
			return append(dst, CONNACK<<4, 2, present, v3)
		}
		return dst
	}
	props := reasonSize(reason)
	dst = appendVarint(append(dst, CONNACK<<4), 2+varintSize(props)+props)
	dst = appendVarint(append(dst, present, byte(code)), props)
	return appendReason(dst, reason)
}
