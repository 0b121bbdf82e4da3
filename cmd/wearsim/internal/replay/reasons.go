package replay

import "fmt"

// reasonNames are the MQTT 5 reason codes (section 2.4) that a publisher or
// subscriber meets.
var reasonNames = map[byte]string{
	0x80: "unspecified error",
	0x81: "malformed packet",
	0x82: "protocol error",
	0x83: "implementation specific error",
	0x84: "unsupported protocol version",
	0x85: "client id not valid",
	0x86: "bad user name or password",
	0x87: "not authorized",
	0x88: "server unavailable",
	0x89: "server busy",
	0x8a: "banned",
	0x8b: "server shutting down",
	0x8c: "bad authentication method",
	0x8d: "keep alive timeout",
	0x8e: "session taken over",
	0x8f: "topic filter invalid",
	0x90: "topic name invalid",
	0x91: "packet identifier in use",
	0x93: "receive maximum exceeded",
	0x95: "packet too large",
	0x96: "message rate too high",
	0x97: "quota exceeded",
	0x98: "administrative action",
	0x99: "payload format invalid",
	0x9a: "retain not supported",
	0x9b: "QoS not supported",
	0x9e: "shared subscriptions not supported",
	0xa2: "wildcard subscriptions not supported",
}

// Codes that say "not now" rather than "no".
const (
	codeRateTooHigh   = 0x96
	codeQuotaExceeded = 0x97
)

// refusalText writes a refusal for people: the code, its name, the broker's words.
func refusalText(a answer) string {
	text := fmt.Sprintf("0x%02x", a.code)
	if name := reasonNames[a.code]; name != "" {
		text += " " + name
	}
	if a.reason != "" {
		text += ": " + a.reason
	}
	return text
}
