package conformance_test

// knownKey names a row of one version.
type knownKey struct {
	version byte
	name    string
}

const sometimes = "now and then: "

// known are rows that the broker does not pass yet, and why. They are reported
// with every run; one that passes has to leave the table.
//
// The reason of one that fails only now and then begins with sometimes: it may
// pass, too.
var known = map[knownKey]string{}
