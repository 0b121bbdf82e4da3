package conformance_test

// knownKey names a row of one version.
type knownKey struct {
	version byte
	name    string
}

// known are rows that the broker does not pass yet, and why. They are reported
// with every run; one that passes has to leave the table.
var known = map[knownKey]string{
	{v31, "CONNACK of MQTT 3.1 has no session present flag"}: "it has one",
}
