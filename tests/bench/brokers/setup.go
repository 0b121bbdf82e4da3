//go:build linux

package brokers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// mosquittoConf lifts every limit that would drop or hold back a message, and
// keeps nothing on disk. Up to 1000 messages are under way to one client: with
// no limit at all the ids of a long queue would run out.
const mosquittoConf = `allow_anonymous true
persistence false
log_type error
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 1000
max_connections -1
set_tcp_nodelay true
sys_interval 0
listener %s 127.0.0.1
listener %s 127.0.0.1
protocol websockets
`

// natsConf turns MQTT on. JetStream, which it needs for sessions, is on disk
// with its defaults, under which nothing is synced for an acknowledgement; what
// each client has acknowledged is in memory, without which a fan-out at QoS 1
// stands still for seconds. Of max_ack_pending a client at QoS 2 needs twice,
// and 65535 is the limit.
const natsConf = `server_name: bench
listen: "127.0.0.1:-1"
max_connections: 200000
jetstream { store_dir: %q, max_memory_store: 4GB, max_file_store: 20GB }
mqtt { listen: %q, max_ack_pending: 16384, consumer_memory_storage: true }
websocket { listen: %q, no_tls: true }
`

// prepare writes the configuration and gives the arguments.
func (p *Process) prepare() ([]string, error) {
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	if p.Kind == FitMQ {
		// A killed process leaves the file: only the new one's counts.
		if err := os.Remove(p.addressFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("remove stale addresses: %w", err)
		}
		return []string{"serve", "--data", p.dataDir(), "--mqtt-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--dev", "--log-level", "warn"}, nil
	}
	var err error
	if p.MQTT, err = freePort(); err != nil {
		return nil, err
	}
	if p.WebSocket, err = freePort(); err != nil {
		return nil, err
	}
	switch p.Kind {
	case Mosquitto:
		_, mqtt, _ := net.SplitHostPort(p.MQTT)     // ours, so well-formed
		_, web, _ := net.SplitHostPort(p.WebSocket) // the same
		return p.conf("-c", fmt.Sprintf(mosquittoConf, mqtt, web))
	case NATS:
		return p.conf("-c", fmt.Sprintf(natsConf, p.dataDir(), p.MQTT, p.WebSocket))
	case Mochi:
		return []string{"-tcp", p.MQTT, "-ws", p.WebSocket}, nil
	}
	return nil, fmt.Errorf("no broker is called %q", p.Kind)
}

func (p *Process) conf(flag, text string) ([]string, error) {
	path := filepath.Join(p.Dir, "conf")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return []string{flag, path}, nil
}

func (p *Process) dataDir() string     { return filepath.Join(p.Dir, "data") }
func (p *Process) addressFile() string { return filepath.Join(p.dataDir(), "addresses.json") }

// readAddresses takes the ports that fitmq chose, once it has written them.
func (p *Process) readAddresses() bool {
	data, err := os.ReadFile(p.addressFile())
	if err != nil {
		return false
	}
	var a struct{ MQTT, HTTP string }
	if err := json.Unmarshal(data, &a); err != nil {
		return false
	}
	p.MQTT, p.WebSocket = a.MQTT, a.HTTP
	return true
}
