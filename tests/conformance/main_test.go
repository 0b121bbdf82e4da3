// Package conformance_test holds the broker to the normative statements of MQTT
// 5.0, MQTT 3.1.1 and, where it differs, MQTT 3.1. It speaks in bytes, over TCP
// and over WebSocket, to a broker in the same process: no client library stands
// between a row and what the text says.
//
// A row names the statements it checks, so that
//
//	go test ./tests/conformance -run 'MQTT-3.8.3-2'
//
// runs those of one statement. statements/*.txt list every statement of the
// two texts; docs/conformance.md is made from them and from the rows:
//
//	go test ./tests/conformance -run TestDocs -update
package conformance_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/config"
)

// The protocol levels.
const (
	v31  byte = 3
	v311 byte = 4
	v5   byte = 5
)

// row is one check of one or more statements.
type row struct {
	// v5 and v3 are the ids of the statements in MQTT 5.0 and in MQTT 3.1.1,
	// separated by spaces. The row runs for the versions that have one.
	v5, v3 string
	name   string
	// broker is the configuration that the row needs, "" for the default one.
	broker kind
	// via restricts the row to "tcp" or "ws"; "" runs it over both.
	via string
	// not31: MQTT 3.1 says otherwise, or nothing.
	not31 bool
	run   func(e *env)
}

// kind names a broker that rows share.
type kind string

const (
	// standard has the defaults of the configuration.
	standard kind = ""
	// small announces little: packets of 2 KiB, Receive Maximum 2, 3 aliases; and
	// it waits for a CONNECT no longer than hurry.
	small kind = "small"
	// signing takes tokens, see token.
	signing kind = "signing"
)

const hurry = 2 * time.Second

var kinds = map[kind]func(*broker.Options){
	standard: func(*broker.Options) {},
	signing:  func(o *broker.Options) { o.Config.Tokens.Secret = tokenSecret },
	small: func(o *broker.Options) {
		o.Config.MQTT.MaxPacketSize = 2 * config.KiB
		o.Config.MQTT.ReceiveMaximum = 2
		o.Config.MQTT.TopicAliasMaximum = 3
		o.Config.MQTT.ConnectTimeout = config.Duration(hurry)
	},
}

// brokers are those that the rows of one version share. They end with t.
type brokers struct {
	t  *testing.T
	mu sync.Mutex
	m  map[kind]*brokertest.Server
}

func (b *brokers) get(k kind) *brokertest.Server {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.m[k] == nil {
		b.m[k] = startBroker(b.t, kinds[k])
	}
	return b.m[k]
}

func startBroker(t testing.TB, opts ...func(*broker.Options)) *brokertest.Server {
	all := append([]func(*broker.Options){func(o *broker.Options) { o.Dev = true }}, opts...)
	return brokertest.Start(t, all...)
}

// rows are all that there are.
var rows = slices.Concat(
	dataRows, connectRows, credentialRows, connackRows, keepAliveRows, sessionRows, expiryRows, willRows,
	publishRows, retainRows, propertyRows, aliasRows, ackRows, qosRows, resumeRows, quotaRows, sizeRows,
	subscribeRows, subscriptionIDRows, unsubscribeRows, topicRows, shareRows, disconnectRows, authRows,
	brokenRows(), streamRows, webSocketRows, orderRows, mixedRows, pressureRows, restartRows,
)

// The rows of each version run against brokers of their own.
func TestMQTT5(t *testing.T)   { runAll(t, v5) }
func TestMQTT311(t *testing.T) { runAll(t, v311) }
func TestMQTT31(t *testing.T)  { runAll(t, v31) }

func runAll(t *testing.T, version byte) {
	shared := &brokers{t: t, m: map[kind]*brokertest.Server{}}
	for _, k := range []kind{standard, small, signing} {
		shared.get(k) // here, not in a row: it is cleaned up when all rows are done
	}
	for _, r := range rows {
		for _, via := range []string{"tcp", "ws"} {
			if !r.applies(version, via) {
				continue
			}
			t.Run(r.title(version, via), func(t *testing.T) {
				t.Parallel()
				r.check(t, version, via, shared.get(r.broker))
			})
		}
	}
}

func (r *row) applies(version byte, via string) bool {
	switch {
	case r.via != "" && r.via != via:
		return false
	case version == v31:
		return r.v3 != "" && !r.not31 && via == "tcp"
	}
	return r.ids(version) != ""
}

func (r *row) ids(version byte) string {
	if version == v5 {
		return r.v5
	}
	return r.v3
}

// title is the name of a row's subtest: its ids, what it is about, the transport.
func (r *row) title(version byte, via string) string {
	return strings.ReplaceAll(r.ids(version), " ", ",") + "/" + r.name + "/" + via
}

// check runs the row. One that is known to fail must fail: when it passes, its
// entry in the table has to go.
func (r *row) check(t *testing.T, version byte, via string, b *brokertest.Server) {
	e := newEnv(t, version, via, b)
	failure := e.try(r.run)
	why, known := known[knownKey{version, r.name}]
	switch {
	case failure == "" && strings.HasPrefix(why, sometimes):
	case failure == "" && known:
		t.Errorf("passes, but is in the table of known faults (%s): take it out", why)
	case known:
		t.Logf("KNOWN FAULT: %s: %s", why, failure)
		fmt.Fprintf(os.Stderr, "KNOWN FAULT %s: %s\n", t.Name(), why)
	case failure != "":
		t.Error(failure)
	}
}

var (
	update    = flag.Bool("update", false, "write docs/conformance.md anew")
	statement = regexp.MustCompile(`^MQTT(31)?-[\d.-]+$`)
)

// TestMain lets -run take the id of a statement, which is a subtest's name.
func TestMain(m *testing.M) {
	flag.Parse()
	// Most rows wait more than they compute: two at a time, one for each
	// processor, would take minutes.
	if err := flag.Set("test.parallel", "64"); err != nil {
		fmt.Fprintln(os.Stderr, "set -test.parallel:", err)
		os.Exit(2)
	}
	if run := flag.Lookup("test.run"); run != nil && strings.HasPrefix(run.Value.String(), "MQTT") {
		pattern := run.Value.String()
		if statement.MatchString(pattern) {
			pattern = regexp.QuoteMeta(pattern) + `(,|$)`
		}
		if err := run.Value.Set("^TestMQTT(5|31|311)$/" + pattern); err != nil {
			fmt.Fprintln(os.Stderr, "set -test.run:", err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}
