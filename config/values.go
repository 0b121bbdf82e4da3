package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes, written as a word: `512B`, `19MiB`, `64KiB`.
type Size int64

// The units of a [Size].
const (
	B   Size = 1
	KiB      = 1024 * B
	MiB      = 1024 * KiB
	GiB      = 1024 * MiB
)

// sizeUnits from the largest, so that String finds the shortest exact form.
var sizeUnits = []struct {
	name string
	size Size
}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"B", B}}

// UnmarshalText reads a word like `64MiB`. A number without a unit is refused,
// for nobody can tell whether 64 was meant as bytes or as MiB.
func (s *Size) UnmarshalText(text []byte) error {
	word := string(text)
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(word, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 62)
		if err != nil || n > uint64(1<<62)/uint64(u.size) {
			break
		}
		*s = Size(n) * u.size
		return nil
	}
	return fmt.Errorf("%q is not a size: write a whole number with B, KiB, MiB or GiB, like 64MiB", word)
}

// String returns the shortest exact word.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.size == 0 {
			return strconv.FormatInt(int64(s/u.size), 10) + u.name
		}
	}
	return "0B"
}

// Duration is a length of time, written as a word: `250ms`, `5s`, `1h30m`.
type Duration time.Duration

// UnmarshalText reads a word like `5s`; negative ones are refused.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a duration: write a number with ms, s, m or h, like 5s", text)
	}
	*d = Duration(v)
	return nil
}

// String returns the word without its empty parts: `1m`, not `1m0s`.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Std returns the standard library's form.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Secret is a text that is not to be shown: it prints as `<secret>`.
type Secret string

// UnmarshalText takes the text as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

// String hides the text, and shows whether there is one.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "<secret>"
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Durability says when a stored message counts as safe.
type Durability string

// The durabilities.
const (
	Commit   Durability = "commit"   // on disk before the acknowledgement
	Interval Durability = "interval" // on disk within 100 ms
)

// UnmarshalText reads one of the words.
func (d *Durability) UnmarshalText(text []byte) error {
	v := Durability(text)
	if v != Commit && v != Interval {
		return fmt.Errorf("%q is not a durability: write commit or interval", text)
	}
	*d = v
	return nil
}

// Words lists what may be written.
func (Durability) Words() []string { return []string{string(Commit), string(Interval)} }

// ClientCertificates says whether clients must have certificates.
type ClientCertificates string

// The words.
const (
	Optional ClientCertificates = "optional" // a certificate, or another way to sign in
	Required ClientCertificates = "required" // no connection without one
)

// UnmarshalText reads one of the words.
func (c *ClientCertificates) UnmarshalText(text []byte) error {
	v := ClientCertificates(text)
	if v != Optional && v != Required {
		return fmt.Errorf("%q is not known here: write optional or required", text)
	}
	*c = v
	return nil
}

// Words lists what may be written.
func (ClientCertificates) Words() []string { return []string{string(Optional), string(Required)} }

// Direct says who may write to each other in a conversation of two.
type Direct string

// The policies.
const (
	Linked Direct = "linked" // trainer and client, or in one session or challenge
	Anyone Direct = "anyone" // everybody
)

// UnmarshalText reads one of the words.
func (d *Direct) UnmarshalText(text []byte) error {
	v := Direct(text)
	if v != Linked && v != Anyone {
		return fmt.Errorf("%q is not who may write to whom: write linked or anyone", text)
	}
	*d = v
	return nil
}

// Words lists what may be written.
func (Direct) Words() []string { return []string{string(Linked), string(Anyone)} }
