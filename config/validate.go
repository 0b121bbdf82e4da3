package config

import (
	"encoding"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// Validate checks every value against its range and form. It returns a
// [Problems] with all that is wrong, or nil.
func (c Config) Validate() error {
	return c.validate(nil).orNil()
}

// validate returns the problems; line gives the line of a field, and is nil
// where there is no file.
func (c Config) validate(line func(field string) int) Problems {
	var problems Problems
	walk(reflect.ValueOf(c), "", func(field string, tag reflect.StructTag, v reflect.Value) {
		for _, msg := range checkValue(tag, v) {
			p := Problem{Field: field, Msg: msg}
			if line != nil {
				p.Line = line(field)
			}
			problems = append(problems, p)
		}
	})
	for _, p := range c.together() {
		if line != nil {
			p.Line = line(p.Field)
		}
		problems = append(problems, p)
	}
	return problems
}

// together judges what settings say about one another.
func (c Config) together() (problems Problems) {
	needs := func(field, value, other, otherField string) {
		if value != "" && other == "" {
			problems = append(problems, Problem{Field: field, Msg: "has no effect without " + otherField})
		}
	}
	m, h := c.MQTT.TLS, c.HTTP.TLS
	needs("mqtt.tls.cert", m.Cert, m.Key, "mqtt.tls.key")
	needs("mqtt.tls.key", m.Key, m.Cert, "mqtt.tls.cert")
	needs("mqtt.tls.clientCA", m.ClientCA, m.Cert, "mqtt.tls.cert")
	needs("mqtt.tls.crl", m.CRL, m.ClientCA, "mqtt.tls.clientCA")
	if m.ClientCertificates == Required {
		needs("mqtt.tls.clientCertificates", string(m.ClientCertificates), m.ClientCA, "mqtt.tls.clientCA")
	}
	if c.Proxies.Protocol {
		needs("proxies.protocol", "true", strings.Join(c.Proxies.Trusted, ""), "proxies.trusted")
	}
	needs("http.tls.cert", h.Cert, h.Key, "http.tls.key")
	needs("http.tls.key", h.Key, h.Cert, "http.tls.cert")
	needs("http.tls.clientCA", h.ClientCA, h.Cert, "http.tls.cert")
	needs("http.tls.crl", h.CRL, h.ClientCA, "http.tls.clientCA")
	if h.ClientCertificates == Required {
		needs("http.tls.clientCertificates", string(h.ClientCertificates), h.ClientCA, "http.tls.clientCA")
	}
	return append(append(problems, c.ACL.problems()...), webhookProblems(c.Webhooks)...)
}

// walk calls fn with every leaf of the configuration and its dotted name.
func walk(v reflect.Value, prefix string, fn func(field string, tag reflect.StructTag, v reflect.Value)) {
	t := v.Type()
	for i := range t.NumField() {
		name := prefix + t.Field(i).Tag.Get("yaml")
		if t.Field(i).Type.Kind() == reflect.Struct {
			walk(v.Field(i), name+".", fn)
			continue
		}
		if list := v.Field(i); isSections(list.Type()) {
			for j := range list.Len() {
				walk(list.Index(j), itemField(name, j)+".", fn)
			}
			continue
		}
		fn(name, t.Field(i).Tag, v.Field(i))
	}
}

// isSections reports whether the type is a list of sections.
func isSections(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// itemField names a section of a list; they are counted from 1.
func itemField(list string, index int) string { return list + "[" + strconv.Itoa(index+1) + "]" }

// checkValue judges one value by its tags and returns what is wrong.
func checkValue(tag reflect.StructTag, v reflect.Value) []string {
	var msgs []string
	if span := tag.Get("range"); span != "" {
		if msg := checkRange(span, v); msg != "" {
			msgs = append(msgs, msg)
		}
	}
	switch tag.Get("check") {
	case "addr":
		if msg := checkAddr(v.String()); msg != "" {
			msgs = append(msgs, msg)
		}
	case "order":
		if msg := checkOrder(v.Interface().([]string)); msg != "" {
			msgs = append(msgs, msg)
		}
	case "url":
		if msg := checkURL(v.String()); msg != "" {
			msgs = append(msgs, msg)
		}
	case "secret":
		if n := v.Len(); n > 0 && n < minSecret {
			msgs = append(msgs, fmt.Sprintf("%d bytes are under the limit of %d: make one with `openssl rand -base64 32`", n, minSecret))
		}
	case "networks":
		for _, text := range v.Interface().([]string) {
			if _, err := parseNetwork(text); err != nil {
				msgs = append(msgs, err.Error())
			}
		}
	case "origins":
		for _, origin := range v.Interface().([]string) {
			if msg := checkOrigin(origin); msg != "" {
				msgs = append(msgs, msg)
			}
		}
	}
	if _, ok := v.Interface().(interface{ Words() []string }); ok {
		if err := reflect.New(v.Type()).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(v.String())); err != nil {
			msgs = append(msgs, err.Error())
		}
	}
	return msgs
}

// checkOrder judges a list of ways to sign in.
func checkOrder(order []string) string {
	seen := map[string]bool{}
	for _, word := range order {
		switch word {
		case "device", "token", "password", "url":
		default:
			return fmt.Sprintf("%q is not a way to sign in: write device, token, password or url", word)
		}
		if seen[word] {
			return fmt.Sprintf("%q stands there twice", word)
		}
		seen[word] = true
	}
	return ""
}

// checkURL judges an address of HTTP, or none.
func checkURL(address string) string {
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "not an address: write it like https://id.example.com/fitmq"
	}
	return ""
}

// minSecret is the least length of a secret for HS256 (RFC 7518 section 3.2).
const minSecret = 32

// checkRange judges a number against `low..high`.
func checkRange(span string, v reflect.Value) string {
	low, high, _ := strings.Cut(span, "..")
	switch n := v.Int(); {
	case n < bound(low, v.Type()):
		return fmt.Sprintf("%v is under the limit of %s", v.Interface(), low)
	case n > bound(high, v.Type()):
		return fmt.Sprintf("%v is over the limit of %s", v.Interface(), high)
	}
	return ""
}

// bound reads one end of a range in the field's own form. The ranges are
// constants of this package, so a bad one is a mistake that every test finds.
func bound(word string, t reflect.Type) int64 {
	v := reflect.New(t)
	if u, ok := v.Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(word)); err != nil {
			panic("range tag: " + err.Error())
		}
		return v.Elem().Int()
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		panic("range tag: " + err.Error())
	}
	return n
}

// checkAddr judges `host:port`.
func checkAddr(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Sprintf("%q is not an address: write host:port or :port, like :1883", addr)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Sprintf("%q: port %q is not a number from 0 to 65535", addr, port)
	} else if strconv.FormatUint(n, 10) != port {
		return fmt.Sprintf("%q: write the port as %d", addr, n)
	}
	return ""
}

// parseNetwork reads an address or a network.
func parseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	n, err := netip.ParsePrefix(text)
	if err != nil || n.Masked() != n {
		return netip.Prefix{}, fmt.Errorf("%q is not a network: write it like 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32", text)
	}
	return n, nil
}

// checkOrigin judges an origin: a scheme and a host, nothing behind them
// (RFC 6454), or `*`.
func checkOrigin(origin string) string {
	if origin == "*" {
		return ""
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || origin != u.Scheme+"://"+u.Host {
		return fmt.Sprintf("%q is not an origin: write it like https://app.example.com", origin)
	}
	return ""
}
