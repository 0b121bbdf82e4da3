package conformance_test

// knownKey names a row of one version.
type knownKey struct {
	version byte
	name    string
}

// known are rows that the broker does not pass yet, and why. They are reported
// with every run; one that passes has to leave the table.
var known = map[knownKey]string{
	{v5, "a DISCONNECT with another code publishes the will"}:            "only the codes 0x00 and 0x04 are told apart",
	{v5, "a clean start ends the session and so the will's delay"}:       "the delayed will is forgotten",
	{v5, "a message that has been sent does not expire"}:                 "expiry is applied when it is sent again",
	{v5, "a client over the broker's Receive Maximum is disconnected"}:   "exchanges that wait for PUBREL are not counted",
	{v5, "the codes of PUBACK and PUBREC are theirs"}:                    "a topic over the broker's limits ends the connection",
	{v5, "a topic that is too long for the broker ends no connection"}:   "a topic over the broker's limits ends the connection",
	{v311, "a topic that is too long for the broker ends no connection"}: "a topic over the broker's limits ends the connection",
	{v31, "a topic that is too long for the broker ends no connection"}:  "a topic over the broker's limits ends the connection",
	{v31, "CONNACK of MQTT 3.1 has no session present flag"}:             "it has one",
	{v5, "the reason of a refusal keeps to Maximum Packet Size"}:         "the reason is not left out",
}
