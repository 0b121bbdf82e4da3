// Package config is the file format of the server: strict YAML, checked as a
// whole before anything starts, with every problem reported at once and with
// its line. docs/config.md is generated from the comments of this package.
package config

//go:generate go run ./internal/gendocs -o ../docs/config.md

import (
	"net/netip"
	"time"
)

// Config is a whole configuration. Get one from [Default] or [Load]; the zero
// value is not valid.
type Config struct {
	// MQTT is the MQTT listener and what a client may ask of it.
	MQTT MQTT `yaml:"mqtt"`
	// HTTP is the port for the REST interface, MQTT over WebSocket and the page.
	HTTP HTTP `yaml:"http"`
	// Proxies are what stands in front of the server and is believed about who
	// its clients are.
	Proxies Proxies `yaml:"proxies"`
	// Durability says when a stored message counts as safe: `commit`
	// acknowledges after it is on disk, `interval` syncs every 100 ms, so that a
	// power failure can cost what was acknowledged in the last 100 ms (a killed
	// process costs nothing in either).
	Durability Durability `yaml:"durability"`
	// Presence is when a participant counts as gone.
	Presence Presence `yaml:"presence"`
	// Chat is who may write to whom.
	Chat Chat `yaml:"chat"`
	// Match is how partners are proposed to each other.
	Match Match `yaml:"match"`
	// Leaderboard is how boards are published.
	Leaderboard Leaderboard `yaml:"leaderboard"`
	// Sessions bounds what waits for a client that is away.
	Sessions Sessions `yaml:"sessions"`
	// Workouts is how live workouts go.
	Workouts Workouts `yaml:"workouts"`
	// Passwords is how hard passwords are hashed (argon2id).
	Passwords Passwords `yaml:"passwords"`
	// Tokens is whose JSON Web Tokens let people in, beside those that this server
	// signs itself.
	Tokens Tokens `yaml:"tokens"`
	// SignIn is how people sign in, and what failed attempts cost them.
	SignIn SignIn `yaml:"signIn"`
	// Audit is the log of sign-ins, refusals and changes, DIR/audit.log.
	Audit Audit `yaml:"audit"`
	// Quotas are what one user may take at most, by role.
	Quotas Quotas `yaml:"quotas"`
	// ACL is who may use the topics outside the fitness names.
	ACL ACL `yaml:"acl"`
	// Webhooks are addresses that are told what happens, at most 16.
	Webhooks []Webhook `yaml:"webhooks"`
	// Dev opens everything outside the fitness topics to everybody, anonymous
	// clients included, where no rule of `acl` says otherwise. For trying things out, never for the internet.
	Dev bool `yaml:"dev"`
}

// MQTT is the MQTT listener and what a client may ask of it.
type MQTT struct {
	// Addr is where MQTT over TCP listens; port 0 takes a free one.
	Addr string `yaml:"addr" check:"addr"`
	// MaxPacketSize is the largest packet accepted from a client. MQTT 5 clients
	// are told in CONNACK; a larger packet ends the connection with 0x95.
	MaxPacketSize Size `yaml:"maxPacketSize" range:"1KiB..256MiB"`
	// ReceiveMaximum is how many QoS 1 and 2 messages a client may send before
	// the first of them is acknowledged.
	ReceiveMaximum int `yaml:"receiveMaximum" unit:"messages" range:"1..65535"`
	// TopicAliasMaximum is how many topic aliases a client may use; 0 offers none.
	TopicAliasMaximum int `yaml:"topicAliasMaximum" unit:"aliases" range:"0..65535"`
	// MaxConnections is how many clients may be connected at once, TCP and
	// WebSocket together; one more is refused with 0x89 and counted.
	MaxConnections int `yaml:"maxConnections" unit:"connections" range:"1..10000000"`
	// MaxConnectionsPerAddress is the same for one IPv4 address or IPv6 /64; one
	// more is refused with 0x97 and counted. 0 sets no limit of its own, since a
	// gym, a mobile carrier or a proxy is one address for many people.
	MaxConnectionsPerAddress int `yaml:"maxConnectionsPerAddress" unit:"connections" range:"0..10000000"`
	// ConnectRate is how many connections a second one address may make, after a
	// first burst of five seconds' worth; further ones wait up to two seconds,
	// then they are refused with 0x9F. 0 sets no limit.
	ConnectRate int `yaml:"connectRate" unit:"per second" range:"0..1000000"`
	// PublishRate is how many messages a second one connection may publish, after
	// a first second's worth. One that sends more is read more slowly: its own
	// writes wait, nothing is dropped. 0 sets no limit.
	PublishRate int `yaml:"publishRate" unit:"per second" range:"0..10000000"`
	// PublishBytes is the same for bytes a second, packet headers included.
	// `0B` sets no limit.
	PublishBytes Size `yaml:"publishBytes" range:"0B..64GiB"`
	// ConnectTimeout is how long a connection may stay open without a CONNECT.
	ConnectTimeout Duration `yaml:"connectTimeout" range:"100ms..5m"`
	// TLS is MQTT over TLS (1.2 or newer), on a port of its own, when a
	// certificate is given. The files are read again when they change.
	TLS MQTTTLS `yaml:"tls"`
}

// MQTTTLS is the listener for MQTT over TLS.
type MQTTTLS struct {
	// Addr is where MQTT over TLS listens; port 0 takes a free one.
	Addr string `yaml:"addr" check:"addr"`
	// Cert is the certificate with its intermediates; empty means no TLS.
	Cert string `yaml:"cert" check:"file"`
	// Key is the certificate's private key.
	Key string `yaml:"key" check:"file"`
	// ClientCA holds the authorities whose client certificates are accepted. A
	// certificate's common name (CN) is its user's id. Empty means that clients
	// are not asked for certificates.
	ClientCA string `yaml:"clientCA" check:"file"`
	// ClientCertificates says whether a client must have a certificate, or may
	// sign in otherwise.
	ClientCertificates ClientCertificates `yaml:"clientCertificates"`
	// CRL is the list of revoked client certificates, PEM or DER. When it
	// changes, clients that are on it are disconnected.
	CRL string `yaml:"crl" check:"file"`
}

// HTTP is the port for the REST interface, MQTT over WebSocket and the page.
type HTTP struct {
	// Addr is where HTTP listens; port 0 takes a free one.
	Addr string `yaml:"addr" check:"addr"`
	// AllowedOrigins lists the origins (`https://app.example.com`) of pages that
	// may connect and use the REST interface besides this server's own; `*` allows every page.
	AllowedOrigins []string `yaml:"allowedOrigins" check:"origins"`
	// Compression agrees to permessage-deflate with WebSocket clients that offer
	// it: payloads from 1 KiB on are compressed, once for all who get them.
	Compression bool `yaml:"compression"`
	// MaxBodySize is the largest body of a request; a larger one is answered 413.
	MaxBodySize Size `yaml:"maxBodySize" range:"1KiB..64MiB"`
	// RequestRate is how many requests a second one user may make to the REST
	// interface after a first five seconds' worth; over it they are answered 429. 0
	// sets no limit. Administrators and services have none.
	RequestRate int `yaml:"requestRate" unit:"per second" range:"0..1000000"`
	// MaxStreams is how many event streams may be open; more are answered 503.
	MaxStreams int `yaml:"maxStreams" unit:"streams" range:"1..1000000"`
	// RequestTimeout is how long a request may take before it is answered 503.
	RequestTimeout Duration `yaml:"requestTimeout" range:"100ms..10m"`
	// TLS makes the port HTTPS and WSS, when a certificate is given. The files
	// are read again when they change.
	TLS HTTPTLS `yaml:"tls"`
}

// HTTPTLS is what makes the HTTP port HTTPS.
type HTTPTLS struct {
	// Cert is the certificate with its intermediates; empty means no TLS.
	Cert string `yaml:"cert" check:"file"`
	// Key is the certificate's private key.
	Key string `yaml:"key" check:"file"`
	// ClientCA is as `mqtt.tls.clientCA`, for requests without credentials and for
	// MQTT over WebSocket.
	ClientCA string `yaml:"clientCA" check:"file"`
	// ClientCertificates is as `mqtt.tls.clientCertificates`; `required` also keeps
	// probes without a certificate out.
	ClientCertificates ClientCertificates `yaml:"clientCertificates"`
	// CRL is as `mqtt.tls.crl`.
	CRL string `yaml:"crl" check:"file"`
}

// Proxies are what stands in front of the server and is believed about who its
// clients are.
type Proxies struct {
	// Trusted lists their addresses or networks (`10.0.0.0/8`). From them HTTP's
	// X-Forwarded-For is believed; from all others it is ignored.
	Trusted []string `yaml:"trusted" check:"networks"`
	// Protocol has MQTT connections from the trusted ones begin with a PROXY
	// protocol header, version 1 or 2; without one they are closed. Connections
	// from elsewhere must not have one.
	Protocol bool `yaml:"protocol"`
}

// Networks are the trusted ones. What is not valid is left out: Validate has
// said so.
func (p Proxies) Networks() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range p.Trusted {
		if n, err := parseNetwork(text); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// Presence is when a participant counts as gone, and a user as away.
type Presence struct {
	// Grace is how long a lost connection may be away before its user counts as
	// having left.
	Grace Duration `yaml:"grace" range:"100ms..10m"`
	// Away is after how long without doing anything a connected user counts as
	// away; 0s never.
	Away Duration `yaml:"away" range:"0s..24h"`
}

// Chat is who may write to whom.
type Chat struct {
	// Direct says who may write to each other in a conversation of two: `linked`
	// allows trainer and client, who is in one session or challenge, and partners
	// who have accepted each other;
	// `anyone` allows everybody.
	Direct Direct `yaml:"direct"`
}

// Match is how partners are proposed to each other.
type Match struct {
	// BeaconInterval is the least time between two beacons of a user; another one
	// before is refused with 0x96.
	BeaconInterval Duration `yaml:"beaconInterval" range:"1s..5m"`
	// ProposalBurst is how many partners may be proposed to a user at once.
	ProposalBurst int `yaml:"proposalBurst" unit:"proposals" range:"1..100"`
	// ProposalInterval is after how long there may be one more.
	ProposalInterval Duration `yaml:"proposalInterval" range:"1s..24h"`
	// MaxPeople is how many people's beacons, or last places of the past day, are
	// known; a beacon of one more is refused with 0x97.
	MaxPeople int `yaml:"maxPeople" unit:"people" range:"1..10000000"`
}

// Leaderboard is how boards are published.
type Leaderboard struct {
	// Rate is how often at most one board is published; changes in between are
	// folded into the next one.
	Rate int `yaml:"rate" unit:"per second" range:"1..50"`
	// Top is how many entries the published board shows; the others are read
	// from the REST interface.
	Top int `yaml:"top" unit:"entries" range:"1..1000"`
}

// Sessions bounds what waits for clients that are away or slow, and what is
// retained.
type Sessions struct {
	// QueueMessages is how many messages may wait for one client; over it the
	// oldest go, counted, and the client is told how many when it returns.
	QueueMessages int `yaml:"queueMessages" unit:"messages" range:"1..100000000"`
	// QueueBytes is how much payload may wait for one client; over it as above.
	QueueBytes Size `yaml:"queueBytes" range:"64KiB..64GiB"`
	// QueueAge is how long a message may wait for a client; an older one goes as
	// above.
	QueueAge Duration `yaml:"queueAge" range:"1m..8760h"`
	// LogSize is how much the log on the disk may take, and so what waits for all
	// clients together; over it the oldest messages go for everybody, as above.
	// The newest file, of at most 256MiB, always stays.
	LogSize Size `yaml:"logSize" range:"512MiB..65536GiB"`
	// Memory is how much may wait in memory for all connected clients together;
	// over it the queues of slow ones are cut short, the oldest go, counted.
	Memory Size `yaml:"memory" range:"16MiB..1024GiB"`
	// RetainedMessages is how many retained messages clients may leave; one more
	// is refused with 0x97.
	RetainedMessages int `yaml:"retainedMessages" unit:"messages" range:"1..100000000"`
	// RetainedBytes is how much memory they may take; over it as above.
	RetainedBytes Size `yaml:"retainedBytes" range:"1MiB..1024GiB"`
}

// Workouts is how live workouts go.
type Workouts struct {
	// IdleEnd is how long after its last participant left a live session ends by
	// itself; 0 means never.
	IdleEnd Duration `yaml:"idleEnd" range:"0s..720h"`
	// MaxHeartRate is where heart-rate zones end for who has not said otherwise.
	MaxHeartRate int `yaml:"maxHeartRate" unit:"bpm" range:"100..250"`
}

// Passwords is how hard passwords are hashed (argon2id, RFC 9106). Changed
// values count for passwords that are set from then on.
type Passwords struct {
	// Memory is what one hash works on. Under 19MiB the iterations should rise.
	Memory Size `yaml:"memory" range:"8KiB..4GiB"`
	// Iterations is how many passes a hash makes over its memory.
	Iterations int `yaml:"iterations" unit:"passes" range:"1..100"`
	// Parallel is how many passwords are checked at once; further sign-ins wait.
	// It bounds the memory (parallel x memory) and the processor share of a
	// storm of sign-ins. 0 means half the processors, at least one.
	Parallel int `yaml:"parallel" unit:"sign-ins" range:"0..256"`
}

// Tokens is whose JSON Web Tokens let people in, beside those that this server
// signs itself. The type of a key decides the algorithm: a secret HS256, an RSA key
// RS256, a P-256 key ES256, an Ed25519 key EdDSA.
type Tokens struct {
	// Secret is shared with who signs tokens by HS256: at least 32 bytes. Empty
	// for none.
	Secret Secret `yaml:"secret" check:"secret"`
	// SecretFile is a file that holds such a secret; white space around it does
	// not count. Empty for none.
	SecretFile string `yaml:"secretFile"`
	// Keys are public keys or certificates in PEM: each a path of a file, or the
	// text itself.
	Keys []string `yaml:"keys"`
	// JWKS is a JSON Web Key Set: a path, or an https URL (http where the network
	// is trusted). It is kept in memory, so that an outage costs nothing. Empty for
	// none.
	JWKS string `yaml:"jwks"`
	// JWKSRefresh is how often the set is read again. A token with a key id that is
	// not in it makes it be read at once, at most every 10 seconds.
	JWKSRefresh Duration `yaml:"jwksRefresh" range:"10s..24h"`
	// Issuer is the `iss` that a token must have. Empty accepts any.
	Issuer string `yaml:"issuer"`
	// Audience is what the `aud` of a token must contain. Empty accepts any.
	Audience string `yaml:"audience"`
	// Leeway allows for clocks that differ, in `exp`, `nbf` and `iat`.
	Leeway Duration `yaml:"leeway" range:"0s..5m"`
	// RequireUser refuses tokens for users of whom this server has no record.
	// Without it their role is the token's.
	RequireUser bool `yaml:"requireUser"`
}

// SignIn is how people sign in, and what failed attempts cost them. Only attempts
// by password wait: tokens and devices' secrets cannot be guessed.
type SignIn struct {
	// Order is in which order the ways to sign in are tried, each at most once;
	// what is not listed is off. The first one that knows the user or the form of
	// the secret decides: what it refuses no later one admits.
	Order []string `yaml:"order" check:"order"`
	// URL is a service that says who people are, for users who are kept elsewhere:
	// it is asked by POST, as docs/protocol.md describes. Empty for none.
	URL string `yaml:"url" check:"url"`
	// Timeout is how long the service may take; then nobody is let in.
	Timeout Duration `yaml:"timeout" range:"50ms..10s"`
	// Cache is how long what the service admitted counts without asking again; 0s
	// asks each time.
	Cache Duration `yaml:"cache" range:"0s..24h"`
	// UserFailures is how many failures in a row one address has free for one user.
	// The next attempt must wait a second, the one after that two, and so on.
	UserFailures int `yaml:"userFailures" unit:"failures" range:"1..1000"`
	// AddressFailures is the same for one IPv4 address or IPv6 /64 and all users
	// together; users who have signed in from there within a day are exempt.
	AddressFailures int `yaml:"addressFailures" unit:"failures" range:"1..1000000"`
	// MaxWait bounds the wait. Failures are forgotten after 15 minutes without one.
	MaxWait Duration `yaml:"maxWait" range:"1s..15m"`
}

// Audit is the log of sign-ins, refusals and changes, DIR/audit.log: JSON, one
// event a line.
type Audit struct {
	// MaxSize is when the file is put aside as audit.log.1, and so on.
	MaxSize Size `yaml:"maxSize" range:"4KiB..64GiB"`
	// Keep is how many files that were put aside are kept.
	Keep int `yaml:"keep" unit:"files" range:"1..1000"`
}

// Default returns the configuration that an empty file means.
func Default() Config {
	return Config{
		MQTT: MQTT{
			Addr: ":1883", MaxPacketSize: MiB, ReceiveMaximum: 1024, TopicAliasMaximum: 64,
			MaxConnections: 100_000, ConnectRate: 1000, ConnectTimeout: Duration(10 * time.Second),
			TLS: MQTTTLS{Addr: ":8883", ClientCertificates: Optional},
		},
		HTTP: HTTP{
			Addr: ":8080", AllowedOrigins: []string{}, Compression: true, MaxBodySize: MiB, RequestRate: 100, MaxStreams: 10_000,
			RequestTimeout: Duration(30 * time.Second), TLS: HTTPTLS{ClientCertificates: Optional},
		},
		Proxies:     Proxies{Trusted: []string{}},
		Durability:  Commit,
		Presence:    Presence{Grace: Duration(5 * time.Second), Away: Duration(10 * time.Minute)},
		Chat:        Chat{Direct: Linked},
		Match:       Match{BeaconInterval: Duration(15 * time.Second), ProposalBurst: 10, ProposalInterval: Duration(5 * time.Minute), MaxPeople: 500_000},
		Leaderboard: Leaderboard{Rate: 2, Top: 25},
		Sessions: Sessions{
			QueueMessages: 100_000, QueueBytes: 64 * MiB, QueueAge: Duration(30 * 24 * time.Hour), LogSize: 16 << 30,
			Memory: 512 * MiB, RetainedMessages: 1_000_000, RetainedBytes: 256 * MiB,
		},
		Workouts:  Workouts{IdleEnd: Duration(30 * time.Minute), MaxHeartRate: 190},
		Passwords: Passwords{Memory: 19 * MiB, Iterations: 2},
		SignIn: SignIn{
			Order: []string{"device", "token", "password", "url"}, Timeout: Duration(3 * time.Second), Cache: Duration(time.Minute),
			UserFailures: 5, AddressFailures: 50, MaxWait: Duration(time.Minute),
		},
		Quotas: Quotas{
			Member: defaultQuota, Trainer: defaultQuota, Service: defaultQuota, Admin: defaultQuota, Anonymous: defaultQuota,
		},
		ACL:      ACL{Rules: []ACLRule{}},
		Webhooks: []Webhook{},
		Audit:    Audit{MaxSize: 16 * MiB, Keep: 4},
		Tokens:   Tokens{Keys: []string{}, JWKSRefresh: Duration(time.Hour), Leeway: Duration(5 * time.Second)},
	}
}
